"""`hw3 compare`: the same as `compare_predictions` in Python, from files and from MLflow's runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows import cli as cli
from flows.cli.main import app
from flows.cli.messages import explain
from hw3models.evaluation import compare_predictions
from hw3models.specs import ComparisonReport
from tests.predictions import named


@pytest.fixture
def file(tmp_path: Path) -> Path:
    named({"a": 0.9, "b": 0.6}).to_csv(tmp_path / "predictions.csv", index=False)
    return tmp_path / "predictions.csv"


@pytest.fixture
def hw3(capsys: pytest.CaptureFixture[str]) -> Any:
    """The command in this process, ended as `flows.cli.main` ends it: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code, message = 0, ""
        try:
            app([*map(str, arguments)], exit_on_error=False, print_error=False, help_on_error=False)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        except Exception as error:
            message, code = explain(error)
        out, err = capsys.readouterr()
        return code, out, err + message

    return run


def as_report(text: str) -> tuple[ComparisonReport, dict[str, Any]]:
    found = json.loads(text)
    more = {name: found.pop(name) for name in ("dataset", "families", "report")}
    return ComparisonReport.model_validate(found), more


@pytest.mark.parametrize("options", [{}, {"metric": "macro_f1", "margin": 0.2, "level": 0.1}, {"baselines": ["b"]}])
def test_the_command_says_what_the_library_says(hw3: Any, file: Path, options: dict[str, Any]) -> None:
    given = [text for name, value in options.items() for text in (f"--{name}", str(value).strip("[]'"))]
    code, out, err = hw3("compare", file, *given, "--json")
    assert (code, err) == (0, "")
    report, more = as_report(out)
    assert report == compare_predictions(named({"a": 0.9, "b": 0.6}), **options)
    assert more["dataset"]["test"] == 60
    assert list(more["families"]) == ["a", "b"]
    assert len(more["families"]["a"][report.metric]["per_seed"]) == 3


def test_the_terminal_shows_the_verdict_and_the_scores(hw3: Any, file: Path) -> None:
    code, out, err = hw3("compare", file)
    assert (code, err) == (0, "")
    report = compare_predictions(named({"a": 0.9, "b": 0.6}))
    lines = out.splitlines()
    assert lines[0] == "accuracy on 60 test examples, 3 seeds"
    assert report.headline in " ".join(lines)
    assert [line.split()[0] for line in lines if "%" in line and "accuracy" not in line] in (["→", "b"], ["a", "b"])
    assert report.verdict not in " ".join(out.split())
    assert report.verdict in " ".join(hw3("compare", file, "--explain")[1].split())


def test_the_page_has_the_verdict_the_scores_and_where_they_come_from(hw3: Any, file: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    frame = named({"a": 0.9, "<b>": 0.6})
    frame.to_csv(file, index=False)
    code, out, _ = hw3("compare", file, "--baselines", "<b>", "--report", page)
    assert code == 0
    assert out.endswith(f"report:  {page}\n")
    text = page.read_text()
    assert "<b></b>" not in text
    assert "&lt;b&gt;" in text
    assert '<span class="tag">baseline</span>' in text
    assert "predictions.csv" in text
    assert "Nothing was trained here" in text
    assert "<svg" in text
    code, _, err = hw3("compare", file, "--report", tmp_path)
    assert code == 2
    assert "the page cannot be written (Is a directory). Name another one." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.csv"], "gone.csv: not a CSV or Parquet file of predictions (No such file or directory)."),
        ([], "name files of predictions, or MLflow runs behind `--runs`: one of the two."),
        (["{}", "--runs", "0" * 32], "name files of predictions, or MLflow runs behind `--runs`: one of the two."),
        (["{}", "--metric", "auroc"], "`metric` auroc cannot be computed for a, b."),
        (["{}", "--metric", "acuracy"], "`metric` 'acuracy' is not known"),
        (["{}", "--margin", "0"], "`margin` must be positive, got 0.0."),
        (["{}", "--level", "5"], "`level` must lie between 0 and 1, got 5.0."),
        (["{}", "--baselines", "a,c"], "no predictions of c; there are some of a, b."),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(hw3: Any, file: Path, arguments: list[str], message: str) -> None:
    code, out, err = hw3("compare", *(one.format(file) for one in arguments))
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_files_need_neither_torch_nor_prefect_nor_mlflow(file: Path) -> None:
    code = (
        f"import sys; sys.argv = ['hw3', 'compare', {str(file)!r}]\n"
        "from flows.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as stopped: assert not stopped.code\n"
        "assert not {'torch', 'prefect', 'mlflow'} & set(sys.modules), 'heavy imports'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
