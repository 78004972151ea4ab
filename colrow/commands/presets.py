"""Specs to start from, without a service."""

from typing import Annotated

import typer

from colrow.commands.session import note, session
from colrow.errors import ColrowError


def presets(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[PRESET]", help="Print its spec as YAML; none: list.")
    ] = None,
) -> None:
    """List the specs to start from, or print one: colrow presets digits-topk > spec.yaml."""
    from crs_core.presets import PRESETS

    if name is None:
        out = session(context).out
        width = max(map(len, PRESETS))
        for preset in PRESETS.values():
            out.print(f"{preset.name:<{width}}  {preset.title}")
        note("print one with: colrow presets PRESET > spec.yaml")
        return
    if name not in PRESETS:
        raise ColrowError(f"there is no preset {name!r}; `colrow presets` lists those there are")
    import yaml

    preset = PRESETS[name]
    head = f"# {preset.title}\n# {preset.description}\n"
    typer.echo(head + yaml.safe_dump(preset.spec, sort_keys=False, allow_unicode=True), nl=False)
