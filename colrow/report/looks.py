"""Colours of reports, for light and dark surroundings, as variables of CSS.

Figures are drawn in stand-in colours, which become these variables: so one figure serves both. The
colours are those of the page (`web/src/styles/tokens.css`), told apart by colour-blind readers too;
lines differ in dash and mark besides.
"""

LIGHT = {
    "page": "#ffffff",
    "sunken": "#f1f1ee",
    "line": "#e3e3de",
    "ink": "#16181d",
    "muted": "#5a616c",
    "good": "#0c6b47",
    "bad": "#b3261e",
    "open": "#8a5300",
    "s0": "#0068ad",
    "s1": "#c65300",
    "s2": "#00805e",
    "s3": "#9a7400",
    "s4": "#a0407f",
    "s5": "#5b5fc7",
    "s6": "#7a5230",
    "s7": "#4d7c0f",
}
DARK = {
    "page": "#101216",
    "sunken": "#171a20",
    "line": "#2a2f38",
    "ink": "#eceef1",
    "muted": "#a6adb9",
    "good": "#5fd3a2",
    "bad": "#ff8f85",
    "open": "#f0b95a",
    "s0": "#5ab4ef",
    "s1": "#ff9552",
    "s2": "#35cda0",
    "s3": "#e3c341",
    "s4": "#e58cc6",
    "s5": "#a5a8ff",
    "s6": "#d0a077",
    "s7": "#a3d44f",
}


def _rules(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


VARIABLES = (
    f":root {{ {_rules(LIGHT)} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {_rules(DARK)} }} }}\n"
)

STAND_INS = {name: f"#fe{number:02x}ef" for number, name in enumerate(LIGHT)}
"""What a figure is drawn in, until `themed` puts the variables there."""

SERIES = tuple(name for name in LIGHT if name.startswith("s") and name[1:].isdigit())
DASHES = ("-", "--", "-.", ":")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "h")


def themed(svg: str) -> str:
    """Put variables of CSS where the stand-in colours are."""
    for name, colour in STAND_INS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def standalone(svg: str) -> str:
    """Give a figure its own colours, for a file of its own."""
    at = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:at]}\n<style>{VARIABLES}</style>{svg[at:]}"
