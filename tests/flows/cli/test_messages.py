"""What reaches the terminal beside results."""

import sqlite3
from pathlib import Path

import pydantic
import pytest

import hw3models.engine.fit
from flows.cli.messages import explain, plain_warning
from flows.local.folders import check_folders
from hw3models.errors import SpecError


def test_a_warning_of_ours_is_a_sentence_and_that_of_others_says_where_it_comes_from() -> None:
    ours = plain_warning("no checkpoint in /full", UserWarning, str(hw3models.engine.fit.__file__), 306)
    assert ours == "hw3: no checkpoint in /full\n"
    theirs = plain_warning("old", UserWarning, str(pydantic.__file__), 1)
    assert theirs.startswith(f"{pydantic.__file__}:1: UserWarning: old\n")
    assert ":306: DeprecationWarning: old" in plain_warning(
        "old", DeprecationWarning, hw3models.engine.fit.__file__, 306
    )


def test_a_full_disk_is_one_sentence_wherever_it_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    told = "No space left on the disk{}: free some space, and give the same command again."
    assert explain(OSError(28, "No space left on device", "/x")) == (told.format(" (/x)"), 1)
    assert explain(sqlite3.OperationalError("database or disk is full")) == (told.format(""), 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("variable", ["HW3_HOME", "HW3_CACHE"])
def test_a_folder_that_cannot_be_used_is_told_before_anything_starts(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    for name in ("HW3_HOME", "HW3_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv(variable, str(file))
    message = rf"`{variable}` is {file}, where nothing can be kept \(.+\)\. Set it to a folder that can be written to\."
    with pytest.raises(SpecError, match=message):
        check_folders()
