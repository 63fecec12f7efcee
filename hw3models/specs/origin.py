"""Where the code of a family comes from that is not a part of this package."""

from hw3models.specs.base import Report


class Origin(Report):
    """The code of a family from outside: what it is called, and what says whether it is the same code."""

    reference: str
    """`/path/nets.py:MyNet`, `package.module:name`, or `hw3.families:NAME` for an installed package's entry point."""
    digest: str | None = None
    """sha256 of the source file (the first 16 hex digits); None for installed packages."""
    distribution: str | None = None
    """Name and version of the installed package, such as `scikit-learn 1.8.0`; None for files."""

    @property
    def identity(self) -> str:
        """What must be the same for two of one name to be the same family."""
        return self.digest or self.distribution or self.reference

    def __str__(self) -> str:
        return f"{self.reference} ({f'sha256 {self.digest}' if self.digest else self.distribution})"
