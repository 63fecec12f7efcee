"""Every command in the pages: it parses, a test runs it, and where none can, the reason stands here."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cyclopts import App

from flows.cli.main import app
from hw3models.data.known.synthetic import make_regime
from hw3models.specs import DataSpec
from tests.servers import clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md")))

HERE = "tests/docs/test_commands.py::test_studies_in_the_pages_run_as_written"
ANOTHER_MACHINE = "for another machine, as root: its files are checked by tests/deploy"
SHOWN_BY = {
    r"make run": ".ci/run and people: `hw3 run` is tests/flows/cli/test_cli.py and benchmarks/overhead.py",
    r"make up|hw3 up.*": "tests/flows/up/test_up.py",
    r"hw3 (families|sequences) .*\./nets\.py:Dilated.*": "tests/docs/test_own_networks.py",
    r"hw3 (sequences|images) (DATA|data|huge|aeon|mnist|regime|digits|motion).*": HERE,
    r"hw3 sequences (Gun_TRAIN\.tsv|recordings/|uea:).*": "tests/docs/test_forms.py",
    r"hw3 (check|images|predict) (photos|new-photos|labels\.csv).*": "tests/docs/test_own_images.py",
    r"hw3 (check|sequences|predict) (mine|new)\.csv.*|.*mlflow models serve.*": "tests/docs/test_own_data.py",
    r"hw3 (promote|history|rollback).*": "tests/flows/test_promote.py",
    r"hw3 learning-curve .*": "tests/flows/test_learning_curve.py",
    r"hw3 explain.*": "tests/flows/test_explain.py",
    r"hw3 export .*": "tests/hw3models/serving/test_export.py",
    r"hw3 drift .*": "tests/flows/test_drift.py",
    r"hw3 compare predictions.csv.*": "tests/docs/test_compare_results.py",
    r"hw3 compare --runs .*": "tests/tasks/tracking/test_predictions.py",
    r"hw3 compare results/.*": "tests/docs/test_compare_results.py",
    r"curl .*/invocations.*|export MLFLOW_TRACKING_URI=.*": "tests/orchestration/test_serving.py",
    r"mlflow ui .*": "tests/docs/test_commands.py::test_mlflow_opens_the_store_as_the_page_says",
    r"prefect deployment .*|prefect .*retrain-on-drift.*|prefect .*data-changed.*|prefect event .*|.*notify.*":
        "tests/docs/test_automations.py",
    r"python docs/examples/watch_data.py .*": "tests/docs/test_automations.py",
    r"export (PREFECT_API_AUTH|HW3_DATABASE).*": "tests/flows/up/test_parts.py",
    r"prefect (work-pool|--no-prompt deploy) .*deploy/kubernetes.*": "tests/deploy/test_kubernetes.py",
    r"(useradd|git clone|python3 -m venv|\.venv/bin/pip|install|systemctl|cd /opt|cp deploy|docker|kubectl)\b.*":
        ANOTHER_MACHINE,
}  # fmt: skip
"""Commands -> what runs them."""


def commands(page: Path) -> Iterator[str]:
    """Lines of its shell blocks, without comments."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        for line in block.splitlines():
            if text := re.sub(r"\s+#.*", "", line).strip():
                yield text.removeprefix(".venv/bin/") if "hw3 " in text else text


ALL = sorted({(command, page.name) for page in PAGES for command in commands(page)})


@pytest.mark.parametrize(("command", "page"), ALL)
def test_a_test_runs_it(command: str, page: str) -> None:
    shown = [by for pattern, by in SHOWN_BY.items() if re.fullmatch(pattern, command)]
    assert shown, f"{page}: nothing runs {command!r}"
    if shown[0].startswith("tests/") and " " not in shown[0]:
        path, _, name = shown[0].partition("::")
        assert (ROOT / path).is_file(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(), name


@pytest.mark.parametrize("command", sorted({command for command, _ in ALL if re.match(r"(hw3|make) ", command)}))
def test_it_parses(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        assert re.search(rf"(?m)^{arguments[0]}:", (ROOT / "Makefile").read_text())
    else:
        assert isinstance(app, App)
        app.parse_args(arguments, exit_on_error=False, print_error=False)


def test_targets_in_the_list_of_targets_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    named = set(re.findall(r"`make ([a-z-]+)", "".join(page.read_text() for page in PAGES)))
    assert named <= targets
    hidden = {"clean", "help", "types", "layers"}
    listed = set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert targets - hidden - listed == set()


# ---------------------------------------------------------------------------------------- run for real


def studies() -> list[str]:
    found = {command for command, _ in ALL if HERE in [by for p, by in SHOWN_BY.items() if re.fullmatch(p, command)]}
    return sorted(found)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    found = clean_environment(HW3_HOME=str(tmp_path), HW3_CACHE=str(tmp_path / "cache"), PYTHONPATH=str(ROOT))
    return found | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def write_files(folder: Path, shared: Path) -> None:
    """All the files that the pages' commands name, small."""
    raw = make_regime(DataSpec(source="regime:order", num_train=80, num_test=40))
    num, steps, channels = raw.features.shape
    np.savez(folder / "data.npz", X=raw.features, y=raw.labels)
    np.save(folder / "huge.npy", raw.features)
    np.save(folder / "huge_labels.npy", raw.labels)
    table = pd.DataFrame(raw.features.reshape(num * steps, channels), columns=[f"c{i}" for i in range(channels)])
    table.insert(0, "sample", np.repeat(np.arange(num), steps))
    table.insert(1, "time", np.tile(np.arange(steps), num))
    table["label"] = np.repeat(raw.labels, steps)
    for name in ("data.csv", "motion.csv"):
        table.to_csv(folder / name, index=False)
    table.to_parquet(folder / "DATA.parquet")
    page = (ROOT / "docs" / "own-networks.md").read_text()
    network = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    (folder / "nets.py").write_text(network.replace("Dilated", "MyNet"))
    for part in ("TRAIN", "TEST"):
        (folder / f"DATA_{part}.ts").symlink_to(shared / "uea" / "RacketSports" / f"RacketSports_{part}.ts")
    mnist = folder / "cache" / "raw" / "mnist"
    mnist.mkdir(parents=True)
    for path in shared.glob("mnist/*.gz"):
        (mnist / path.name).symlink_to(path)


@pytest.mark.servers
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", studies())
def test_studies_in_the_pages_run_as_written(
    command: str, environment: dict[str, str], tmp_path: Path, shared: Path
) -> None:
    """As written, but for one epoch, two families and few seeds: what is found is tested elsewhere."""
    write_files(tmp_path, shared)
    command = re.sub(r"\bDATA\b(?!_)", "DATA.parquet", command)
    command = re.sub(r"--seeds \d+", "--seeds 3", re.sub(r"--tune \d+", "--tune 2", command))
    few = "" if "--families" in command else " --families mlp,majority"
    more = f" --epochs 1{few}" + (" --max-seeds 6 --seeds 3" if "--until-decided" in command else "")
    done = subprocess.run(
        f"{command}{more}", shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stderr[-1500:]}"
    assert list((tmp_path / "reports").glob("*.html"))


@pytest.mark.servers
def test_mlflow_opens_the_store_as_the_page_says(environment: dict[str, str], tmp_path: Path) -> None:
    [command] = [one for one in commands(ROOT / "docs" / "compare-in-mlflow.md") if one.startswith("mlflow ui")]
    study = "hw3 sequences regime:order --num-train 80 --num-test 40 --epochs 1 --families mlp,majority"
    subprocess.run(shlex.split(study), cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=200)
    uri = shlex.split(command)[-1]
    code = f"import mlflow; print(len(mlflow.MlflowClient({uri!r}).search_experiments()))"
    seen = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert int(seen.stdout) >= 1, seen.stderr
