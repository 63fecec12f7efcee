"""What is measured, each by a command of its own."""

from hw3models.runtime.before_torch import prepare_threads

# As the command does, and before a benchmark loads torch.
prepare_threads()
