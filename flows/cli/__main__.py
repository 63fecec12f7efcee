"""`python -m flows.cli` is `hw3`."""

from flows.cli import command

command()
