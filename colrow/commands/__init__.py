"""The commands that talk to a service; `colrow.cli` puts them together."""
