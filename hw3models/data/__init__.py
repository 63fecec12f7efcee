"""Data of every kind in one form: fetch the raw files, prepare the arrays, load them."""

from hw3models.data.dataset import Dataset
from hw3models.data.known.synthetic import REGIMES
from hw3models.data.preparation import load_prepared, prepare
from hw3models.data.sources import as_kind, check_kind, fetch

__all__ = ["REGIMES", "Dataset", "as_kind", "check_kind", "fetch", "load_prepared", "prepare"]
