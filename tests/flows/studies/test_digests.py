"""A whole study, and how often it reads its data for their digest."""

from pathlib import Path

import pytest

from flows.sequences import sequences
from hw3models.specs import SequencesSpec
from tests.hw3models.runtime.test_file_digests import Passes, passes, write_csv

__all__ = ["passes"]
pytestmark = pytest.mark.usefixtures("prefect", "store")


@pytest.mark.slow
def test_a_study_digests_its_file_once_and_what_it_prepared_twice(passes: Passes, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv")
    run = sequences(SequencesSpec(data=data, families=("mlp", "gru", "majority"), seeds=3, epochs=2))
    assert set(run.answers[0].evaluation) == {"mlp", "gru", "majority"}
    assert passes.files.count("data.csv") == 1
    assert passes.contents == 2, "once when it was made, once when it was first read"
