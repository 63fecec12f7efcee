"""How fast training is, against the loops that people write: `make bench`."""
