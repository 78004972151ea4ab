"""`python -m colrow`: the command `colrow`."""

from colrow.cli import main

main()
