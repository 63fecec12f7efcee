"""The examples of docs/compare-results.md, as they are written."""

import re
import shlex
from pathlib import Path

import pytest

from flows import cli as cli
from flows.cli.main import app
from hw3models.evaluation import compare_predictions
from hw3models.evaluation.prediction_files import read_predictions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "compare-results.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def run(command: str) -> None:
    """In this process, with files named by a pattern as a shell names them."""
    words = shlex.split(command)[1:]
    arguments = [path for word in words for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    with pytest.raises(SystemExit, match="0"):
        app(arguments, exit_on_error=False, print_error=False, help_on_error=False)


def test_the_table_of_the_page_is_compared_by_its_commands_and_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make, same = PYTHON
    exec(make, {})
    commands = [one for one in COMMANDS if one.startswith("hw3 compare predictions.csv")]
    assert len(commands) == 3
    for command in commands:
        run(command)
    assert "comparison.html" in capsys.readouterr().out
    assert (tmp_path / "comparison.html").stat().st_size > 10_000
    exec(same, {})
    report = compare_predictions(read_predictions([tmp_path / "predictions.csv"]), margin=0.02)
    assert capsys.readouterr().out == f"{report.take} {report.verdict}\n"


def test_the_result_files_of_the_page_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [command] = [one for one in COMMANDS if one.startswith("hw3 compare results/")]
    for family, wrong in (("HC2", 1), ("TSF", 9)):
        folder = tmp_path / "results" / family / "Predictions" / "Coffee"
        folder.mkdir(parents=True)
        for k in range(5):
            rows = [f"{i // 14},{1 - i // 14 if i < wrong + k % 2 else i // 14}" for i in range(28)]
            head = [f"Coffee,{family},TEST,{k},MILLISECONDS,", "No Parameter Info", "0.9,10,5,-1,-1,2,,-1,-1"]
            (folder / f"testResample{k}.csv").write_text("\n".join([*head, *rows]) + "\n")
    run(command)
    assert "Take HC2" in capsys.readouterr().out
