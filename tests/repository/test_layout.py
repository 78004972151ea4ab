"""What README and the build files say of the repository is true."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TREE = README.split("<!-- tree -->")[1].split("<!-- /tree -->")[0]


def tracked() -> set[str]:
    """Name every file of the checkout, also the ones not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return {path for path in listed if (ROOT / path).exists()}


def tree_paths() -> set[str]:
    """Read the paths of README's tree: two spaces of indentation are one level."""
    folders: list[str] = []
    paths = set()
    for line in TREE.strip().strip("`").splitlines():
        match = re.match(r"^((?:  )*)([\w.*-]+/?)(?:\s|$)", line)
        if not match:
            continue
        depth = len(match[1]) // 2
        folders[depth:] = [match[2].rstrip("/")]
        paths.add("/".join(folders))
    return paths


def test_every_path_of_the_tree_exists():
    assert len(tree_paths()) > 20
    missing = {path for path in tree_paths() if not list(ROOT.glob(path))}
    assert not missing


def test_every_package_and_its_first_level_stands_in_the_tree():
    shown = tree_paths()
    expected = {path.split("/")[0] for path in tracked() if "/" in path}
    for package in ("crs_core", "store", "api", "worker", "colrow"):
        inside = {path.split("/")[1] for path in tracked() if path.startswith(f"{package}/")}
        expected |= {f"{package}/{name}" for name in inside if name != "__init__.py"}
    expected -= {".github"}
    assert not {path for path in expected if path not in shown}


def test_the_change_table_names_paths_that_exist():
    table = README.split("<!-- changes -->")[1].split("<!-- /changes -->")[0]
    named = re.findall(r"`([\w./*-]+/[\w./*-]*)`", table)
    assert len(named) > 10
    assert not [path for path in named if not list(ROOT.glob(path.rstrip("/")))]


def test_no_module_is_longer_than_300_lines_without_saying_why():
    long = []
    for path in tracked():
        if path.endswith(".py"):
            text = (ROOT / path).read_text()
            if len(text.splitlines()) > 300 and "one idea" not in text[:2000]:
                long.append(path)
    assert not long


def test_no_python_file_of_ours_names_a_path_of_one_machine():
    own = re.compile(r"""(?:^|[^\w.])/(?:work|root)/\w""")
    assert not [
        path
        for path in tracked()
        if path.endswith((".py", ".ts", ".tsx", ".yml", ".yaml", ".toml", ".md", "Makefile"))
        and path != "tests/repository/test_layout.py"
        and own.search((ROOT / path).read_text())
    ]


def test_every_target_of_the_makefile_has_a_line_of_help():
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.split(".PHONY:")[1].split("\n")[0].split()
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert set(phony) == helped


def test_every_pinned_version_satisfies_the_project_file():
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    pins = dict(
        line.lower().split("==") for line in (ROOT / "requirements.lock").read_text().split()
    )
    for line in requires("colrow") or []:
        requirement = Requirement(line)
        name = requirement.name.lower()
        pinned = pins.get(name) or pins.get(name.replace("-", "_"))
        assert pinned, f"{requirement.name} is not in requirements.lock"
        assert requirement.specifier.contains(pinned), line
