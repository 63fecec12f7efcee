"""What is measured, each by a command of its own."""

from hw3models.runtime.openmp import wait_passively

# As the command does, and before a benchmark loads torch.
wait_passively()
