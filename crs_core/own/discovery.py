"""Find what installed packages offer; what is broken is told, and never stops who asks."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
"""What a name in a spec looks like; it has a column of 50 characters in the database."""


@dataclass(frozen=True)
class Offer(Generic[T]):
    """One thing that a package offers."""

    name: str
    package: str
    """Its distribution and version, as in `my-package 1.2`."""
    what: T


@dataclass(frozen=True)
class Broken:
    """Something offered that can't be used."""

    name: str
    package: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r} of package {self.package} can't be used: {self.reason}"


@dataclass(frozen=True)
class Found(Generic[T]):
    """All that packages offer of one kind."""

    offers: Mapping[str, Offer[T]]
    broken: tuple[Broken, ...]

    def unknown(self, name: str, ours: Iterable[str]) -> str:
        """Say that a name is not known, and what there is; why, where it is a broken one."""
        names = ", ".join(repr(n) for n in (*ours, *self.offers))
        reasons = "".join(f"; {b}" for b in self.broken if b.name == name)
        return f"{name!r} is not known; there are: {names}{reasons}"


def find(points: Iterable[EntryPoint], kind: type[T], *, taken: Iterable[str]) -> Found[T]:
    """Load every entry point and sort out those that can't be used.

    A name of ours is never given away, and of two packages with one name the first by alphabet has
    it. A package whose import fails, in whatever way, is told as broken.
    """
    offers: dict[str, Offer[T]] = {}
    broken: list[Broken] = []
    for point in sorted(points, key=lambda p: (p.name, _package(p))):
        package, reason = _package(point), _wrong_name(point.name, taken)
        if reason is None and point.name in offers:
            reason = f"package {offers[point.name].package} has that name already; rename one"
        if reason is None:
            try:
                offers[point.name] = Offer(point.name, package, _load(point, kind))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise all
                reason = f"{type(error).__name__}: {error}"
        if reason is not None:
            broken.append(Broken(point.name, package, reason))
    return Found(offers, tuple(broken))


def named_function(text: str) -> Callable[..., Any]:
    """Import the function that a descriptor names as text."""
    module, _, name = text.partition(":")
    function = getattr(import_module(module), name)
    if not callable(function):
        raise TypeError(f"{text} is no function, but {type(function).__name__}")
    made: Callable[..., Any] = function
    return made


def _wrong_name(name: str, taken: Iterable[str]) -> str | None:
    if name in taken:
        return "the name is one of Colrow's own; choose another"
    if not NAME.fullmatch(name):
        return (
            "a name has up to 50 small letters, digits, dots, dashes and underscores, and begins "
            "with a letter or digit"
        )
    return None


def _load(point: EntryPoint, kind: type[T]) -> T:
    had_torch = "torch" in sys.modules
    loaded = point.load()
    if "torch" in sys.modules and not had_torch:
        raise ImportError(
            f"{point.value} imports torch, which the api and supervisors must not; import it where "
            "the function lies that the descriptor names as text"
        )
    if not isinstance(loaded, kind):
        raise TypeError(
            f"{point.value} is {type(loaded).__name__}, but crs_core.own.{kind.__name__} is needed"
        )
    return loaded


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "(unknown)"
