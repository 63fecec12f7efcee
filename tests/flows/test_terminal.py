"""What reaches a terminal, through whatever encoding it has."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flows
from flows import drift, reconcile
from flows.cli.main import main
from flows.cli.messages import plain_warning
from flows.local.display import PlainDisplay
from hw3models.specs import DriftReport
from tasks.reconciling import Sweep
from tests.flows.cli.test_cli import HW3

EVIL = "a\x1b[2J\u202eb\nhw3: all is well"
SHOWN = r"a\u001b[2J\u202eb\nhw3: all is well"


def table(path: Path, label: str) -> Path:
    """A small table of series with a class of that name, as JSON cannot break it: quoted CSV."""
    quoted = label.replace('"', '""')
    rows = [
        f'{sample},{time},{(sample * 7 + time * 3) % 11},"{quoted if sample % 2 else "plain"}"'
        for sample in range(40)
        for time in range(4)
    ]
    path.write_text("\n".join(["sample,time,x,label", *rows, ""]), encoding="utf-8")
    return path


def hw3(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([HW3, *arguments], env=os.environ | environment, capture_output=True, timeout=120)


def test_a_class_from_a_file_does_not_command_the_terminal(home: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "evil\x1b[31m.csv", EVIL)
    done = hw3("check", str(path), "--output", str(tmp_path / "page.html"))
    text = done.stdout.decode()
    assert f"  {SHOWN}: " in text, done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    for out in (done.stdout, done.stderr):
        assert b"\x1b" not in out
        assert "\u202e" not in out.decode()
    assert not [line for line in text.splitlines() if line.startswith("hw3: all is well")]
    page = (tmp_path / "page.html").read_text()
    assert SHOWN.replace(r"\n", "\n") in page
    assert not re.search("[\x1b\u202e]", page)
    whole = hw3("check", str(path), "--json", "--output", str(tmp_path / "page.html")).stdout
    assert whole.isascii()
    assert EVIL in json.loads(whole)["class_names"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["ascii", "C", "C-without-UTF-8"],
)
def test_a_terminal_without_the_characters_is_told_their_numbers(environment: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "größer 歩く"
    place.mkdir()
    kept = {"HW3_HOME": str(place / "home"), "HW3_CACHE": str(place / "cache"), "HOME": str(place)} | environment
    done = hw3("check", str(table(place / "größe.csv", "größer")), **kept)
    assert done.returncode in (0, 1), done.stderr
    assert b"Traceback" not in done.stderr
    assert b" training, " in done.stdout
    assert list(place.glob("home/reports/*.html"))
    missing = hw3("check", str(place / "größe gone.csv"), **kept)
    assert (missing.returncode, missing.stdout) == (2, b""), missing.stderr
    assert missing.stderr.startswith(b"hw3: ")
    assert b"Traceback" not in missing.stderr


def test_lines_for_people_hold_what_they_quote(capsys: pytest.CaptureFixture[str]) -> None:
    PlainDisplay().say(f"{EVIL}: epoch 1")
    assert capsys.readouterr().err.endswith(f" s] {SHOWN}: epoch 1\n")
    assert "\x1b" not in plain_warning(EVIL, UserWarning, str(flows.__file__), 1)
    swept = Sweep(sent=0, ended=(), released=(), left=(EVIL,))
    assert reconcile.as_text(swept) == f"left: {SHOWN}"
    report = DriftReport.model_construct(verdict=EVIL, tests=(), accuracy_before=None, accuracy_now=None)
    assert drift.as_text(report) == SHOWN


def test_nothing_else_prints() -> None:
    root = Path(__file__).resolve().parents[2]
    found = []
    for package in ("flows", "tasks", "hw3models"):
        for path in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "print", "sys.stdout.write", "sys.stderr.write",
                ):  # fmt: skip
                    found.append(str(path.relative_to(root)))
    assert found == ["flows/terminal.py"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", EVIL, "--model", "m@champion", "-o", "p.csv"),
        ("history", EVIL),
        ("report", EVIL),
        ("compare", f"{EVIL}.csv"),
        ("families", "--check", EVIL),
        ("sequences", "d.csv", f"--{EVIL}"),
        (EVIL,),
    ],
    ids=lambda arguments: arguments[0][:9].strip(),
)
@pytest.mark.usefixtures("store")
def test_an_error_is_one_line_whatever_it_quotes(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hw3", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("hw3: ")
    assert err.count("\n") == 1
    assert err.strip().isprintable()
