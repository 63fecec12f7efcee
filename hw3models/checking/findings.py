"""What a look at data finds, before anything is trained."""

from typing import Literal

from hw3models.specs import Kind, Report, Task

Severity = Literal["error", "warning", "note"]
"""A result would mean nothing; something to look into; good to know."""
ORDER: tuple[Severity, ...] = ("error", "warning", "note")


class Finding(Report):
    """One thing that was found."""

    severity: Severity
    what: str
    """What was found, and where."""
    do: str
    """What to do about it."""


class DataCheck(Report):
    """What was understood, and what was found."""

    name: str
    source: str
    kind: Kind
    shape: tuple[int, ...]
    """Shape of one example: (H, W) or (H, W, 3), or (T, C)."""
    num_examples: int
    task: Task = "classification"
    """What a label is."""
    class_names: tuple[str, ...]
    """Names of the classes; of numbers the ranges that they are in."""
    train_counts: tuple[int, ...]
    """Per class; validation examples are taken from these."""
    test_counts: tuple[int, ...]
    own_split: bool
    """Does the source say which examples are for test?"""
    num_groups: int | None = None
    """Groups that the examples are of; None where nobody named any."""
    lengths: tuple[int, int, int] | None
    """Shortest, median and longest series; None where all have T steps."""
    channels: tuple[str, ...] = ()
    """Names of the channels, where the data have them."""
    num_missing: int
    looked_at: int
    """Examples that the costlier checks looked at."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """How the data were read, what was dropped, and how they were divided, where that had to be found out."""

    @property
    def num_errors(self) -> int:
        """What makes `hw3 check` end with exit code 1."""
        return sum(finding.severity == "error" for finding in self.findings)
