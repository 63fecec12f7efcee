"""The two prefect.yaml differ in the image of the runs only."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / path).read_text())  # type: ignore[no-any-return]


def without_image(project: dict[str, Any]) -> dict[str, Any]:
    project["definitions"].pop("image", None)
    for pool in [deployment["work_pool"] for deployment in project["deployments"]] + [project["definitions"]["cpu"]]:
        pool.pop("job_variables", None)
    return project


def test_both_files_make_the_same_deployments() -> None:
    root, kubernetes = read("prefect.yaml"), without_image(read("deploy/kubernetes/prefect.yaml"))
    names = [(deployment["entrypoint"], deployment["name"]) for deployment in root["deployments"]]
    assert len(set(names)) == len(names) >= 6
    assert kubernetes == root


def test_only_kubernetes_names_an_image_and_always_the_same() -> None:
    given = [each["work_pool"].get("job_variables") for each in read("deploy/kubernetes/prefect.yaml")["deployments"]]
    assert given == [{"image": "hw3:0.1.0"}] * len(given)
    assert not [each for each in read("prefect.yaml")["deployments"] if "job_variables" in each["work_pool"]]
