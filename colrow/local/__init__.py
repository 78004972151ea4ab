"""Commands that run things on this machine. Reached by lazy imports of `colrow.cli` alone."""
