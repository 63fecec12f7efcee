"""deploy/Containerfile: linted, and its steps that need no engine done for real."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from shutil import copy as copy_file
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy" / "Containerfile").read_text()
PINS = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", flags=re.MULTILINE)


def copied() -> list[tuple[list[str], str]]:
    """(sources in the repository, target) of every COPY."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", TEXT, flags=re.MULTILINE)
    return [(words[:-1], words[-1]) for words in map(str.split, lines)]


def left_out(path: str) -> bool:
    """By .dockerignore, as far as it is used here: the last pattern that fits the path or a folder of it decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        if any(fnmatch(each, pattern) for each in parents):
            out = not line.startswith("!")
    return out


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [str(program), "--format", "json", "--no-color", str(ROOT / "deploy" / "Containerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout) == []
    assert "hadolint ignore" not in TEXT


def test_what_is_copied_is_there_and_not_left_out_of_the_context() -> None:
    for sources, _ in copied():
        for source in sources:
            assert (ROOT / source).exists(), source
            assert not left_out(source), source


@pytest.mark.parametrize(
    "path",
    [
        "deploy/.env",
        "deploy/kubernetes/secret.yaml",
        ".git/config",
        "mlflow/store/mlflow.db",
        ".hw3/x",
        ".venv/bin/hw3",
    ],
)
def test_secrets_and_stores_stay_out_of_the_image(path: str) -> None:
    assert left_out(path)


def test_the_project_builds_from_what_is_copied_alone(tmp_path: Path) -> None:
    for sources, target in copied()[: TEXT[: TEXT.index("--no-index")].count("\nCOPY ")]:
        for source in sources:
            there = tmp_path / "src" / target
            if (ROOT / source).is_dir():
                copytree(ROOT / source, there, ignore=ignore_patterns("__pycache__"))
            else:
                folder = there if target.endswith("/") else there.parent
                folder.mkdir(parents=True, exist_ok=True)
                copy_file(ROOT / source, folder)
    options = ["--disable-pip-version-check", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *options, "-w", str(tmp_path), str(tmp_path / "src")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for package in ("hw3models", "tasks", "flows"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(ROOT).as_posix() in inside


def test_the_image_runs_as_an_ordinary_user_by_number() -> None:
    # Kubernetes can only check `runAsNonRoot` of a number.
    assert re.findall(r"^USER (.+)$", TEXT, flags=re.MULTILINE) == ["10001:10001"]


def test_packages_are_installed_complete_and_with_hashes() -> None:
    installs = re.findall(r"pip install (.+)$", TEXT, flags=re.MULTILINE)
    assert installs == [
        "--no-deps --require-hashes -r constraints.txt",
        "--no-deps --require-hashes -r deploy/requirements.txt",
        "--no-deps --no-index --no-build-isolation .",
    ]


def test_the_images_additions_agree_with_the_projects_lock() -> None:
    added = dict(PINS.findall((ROOT / "deploy" / "requirements.txt").read_text()))
    locked = dict(PINS.findall((ROOT / "constraints.txt").read_text()))
    assert {name: added.get(name) for name in locked} == locked, "make deploy/requirements.txt again (its .in says how)"
    for line in (ROOT / "deploy" / "requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            assert re.split(r"[>=<]", line)[0] in added
    assert "://" not in (ROOT / "deploy" / "requirements.txt").read_text()


def test_versions_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for path in ("deploy/Containerfile", "deploy/compose.yaml", "deploy/kubernetes/prefect.yaml"):
        assert set(re.findall(r"hw3:(\d[\w.]*)", (ROOT / path).read_text())) == {version}, path
