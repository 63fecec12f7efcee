"""The bad days of `make test-stress` are what they say."""

import ast
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import stress
from benchmarks.short_waits import sitecustomize
from benchmarks.stress import ROOT, Outcome

FILES = {
    "test_a.py": "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_it(n): pass\n",
    "test_b.py": "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_it(n): pass\n",
}


def order(folder: Path, *options: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "tests.conftest", *options, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line.rpartition("/")[2] for line in done.stdout.splitlines() if "::" in line]


def test_shuffled_tests_are_the_same_in_another_order_with_each_file_in_one_piece(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    as_written, first, again, other = (order(tmp_path, *o) for o in ((), *(("--shuffle", n) for n in ("1", "1", "2"))))
    assert len(as_written) == 40
    assert sorted(first) == sorted(as_written)
    assert first == again
    assert len({tuple(one) for one in (as_written, first, other)}) == 3
    files = [name.partition("::")[0] for name in first]
    assert files[:20] == [files[0]] * 20


def test_waits_are_cut_in_every_process_also_where_they_are_defaults() -> None:
    code = "from tasks import patience, settings; print(patience._limit.get(), settings.Settings().checkpoint_every)"

    def said(*folders: Path) -> str:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert said(ROOT) == "180.0 30.0\n"
    assert said(ROOT / "benchmarks" / "short_waits", ROOT) == "18.0 3.0\n"


def test_a_wait_is_a_number_that_is_told_to_be_seconds_and_no_limit() -> None:
    source = 'A = (5.0, 1)\n"""Seconds between tries."""\nB = 5.0\n"""Bytes."""\nC = 5\nREADY = 9\n"""Seconds."""\n'
    source += 'class D:\n    e: float = 2\n    """Seconds."""\n'
    tree = ast.parse(source)
    assert sitecustomize.cut(tree) == ["A", "A", "e"]
    assert ast.unparse(tree).splitlines()[0] == "A = (0.5, 0.1)"


def test_a_new_row_replaces_that_of_the_same_tests_and_a_whole_suite_those_of_its_parts() -> None:
    part = stress.row("busy", ["tests/tasks"], Outcome(10, 0, 1, 2.0))
    other = stress.row("one-core", [], Outcome(5, 0, 0, 1.0))
    newer = stress.row("busy", ["tests/tasks"], Outcome(11, 0, 0, 2.0))
    whole = stress.row("busy", [], Outcome(1000, 0, 0, 9.0))
    assert stress.merged([part, other], newer) == [other, newer]
    assert stress.merged([other, newer], whole) == [other, whole]
    first, second = stress.row("shuffled (seed 1)", [], Outcome()), stress.row("shuffled (seed 2)", [], Outcome())
    assert stress.merged([first], second) == [second]


def test_an_ordinary_user_tests_a_copy_with_what_was_not_committed_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "ROOT", tmp_path)
    git = ("git", "-c", "user.name=n", "-c", "user.email=n@n")
    (tmp_path / "kept").write_text("as committed")
    (tmp_path / "gone").touch()
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "kept").write_text("as changed")
    (tmp_path / "gone").unlink()
    (tmp_path / "new").touch()
    with ExitStack() as stack:
        try:
            run = stack.enter_context(stress.ordinary_user(0))
        except SystemExit as closed:
            pytest.skip(str(closed))
        assert {path.name for path in run.root.iterdir()} == {".git", "kept", "new"}
        assert (run.root / "kept").read_text() == "as changed"
        code = "import os; print(os.geteuid(), os.environ['HOME']); open('mine', 'w')"
        command = [*run.before, sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=run.root, env=os.environ | run.environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [str(os.geteuid() or stress.NOBODY), str(run.root.parent / "home")]
    assert not (tmp_path / "mine").exists()


def test_a_run_that_was_killed_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "test_made.py").write_text("import os\ndef test_it(): os.kill(os.getpid(), 15)\n")
    outcome = stress.tried(stress.Run(processes=1, alone=False), [str(tmp_path)])
    assert (outcome.passed, outcome.broken, outcome.failures) == (0, 1, ("pytest ended with -15",))


@pytest.mark.parametrize("text", ["def test_good(): pass\n", "def test_bad(): assert False\n", "import nothing_such\n"])
def test_what_fails_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "test_made.py").write_text(text)
    outcome = stress.tried(stress.Run(processes=1, alone=False), [str(tmp_path)])
    if "good" in text:
        assert outcome[:2] == (1, 0)
    else:
        assert outcome.passed == 0
        name = outcome.failures[0].rpartition("::")[2].rpartition(".")[2]  # of a file, after its folders
        assert name in ("test_bad", "test_made"), outcome.failures


@pytest.mark.parametrize(
    ("condition", "name", "code", "said"),
    [
        ("c-locale", "LC_ALL", "import locale; print(locale.setlocale(locale.LC_ALL, '')[:1])", "C"),
        ("odd-home", "TMPDIR", "import tempfile; print(ascii(tempfile.gettempdir()).count(' '))", "3"),
        ("hashes", "PYTHONHASHSEED", "import sys; print(sys.flags.hash_randomization)", "1"),
    ],
)
def test_surroundings_reach_what_is_run(condition: str, name: str, code: str, said: str) -> None:
    with stress.CONDITIONS[condition](0) as run:
        assert name in run.environment
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env={**os.environ, **run.environment}, capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == said
