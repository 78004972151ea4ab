"""A network and a data set for Colrow: offers.py describes them, the other files do the work."""
