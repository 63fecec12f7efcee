"""prefect.yaml: Prefect itself ignores misspelt keys, so every key is checked here."""

import importlib
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema

from flows.up.services import CPU_POOL, QUEUES
from hw3models.specs import Hw3Spec, SequencesSpec, Spec

FILE = Path(__file__).resolve().parents[2] / "prefect.yaml"

# What Prefect 3.8 reads: its documentation of prefect.yaml, less what this project has no use for.
KEYS = {
    "file": {"name", "prefect-version", "pull", "definitions", "deployments"},
    "deployment": {
        "name", "version", "entrypoint", "description", "tags", "parameters", "work_pool", "concurrency_limit",
        "schedules",
    },
    "work_pool": {"name", "work_queue_name"},
    "concurrency_limit": {"limit", "collision_strategy"},
    "schedule": {"slug", "cron", "interval", "timezone", "active", "parameters"},
}  # fmt: skip


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


@pytest.fixture(scope="module")
def deployments(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{one['entrypoint'].rpartition('.')[2]}/{one['name']}": one for one in content["deployments"]}


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Flow)
    return found


def test_every_key_is_one_that_prefect_reads(content: dict[str, Any]) -> None:
    assert set(content) <= KEYS["file"]
    assert content["prefect-version"] == version("prefect")
    for one in content["deployments"]:
        assert set(one) <= KEYS["deployment"], one["name"]
        assert set(one["work_pool"]) <= KEYS["work_pool"], one["name"]
        assert set(one.get("concurrency_limit", {})) <= KEYS["concurrency_limit"], one["name"]
        for schedule in one.get("schedules", ()):
            assert set(schedule) <= KEYS["schedule"], one["name"]


def test_all_flows_are_deployed_and_training_on_both_pools(deployments: dict[str, dict[str, Any]]) -> None:
    assert set(deployments) == {
        "hw3/hw3", "images/images", "autoencoder/autoencoder", "sequences/sequences", "train/cpu", "train/gpu",
        "reconcile/reconcile", "nightly/nightly", "promote/promote", "drift/drift",
    }  # fmt: skip
    assert deployments["train/gpu"]["work_pool"]["name"] == "hw3-gpu"
    assert deployments["train/cpu"]["work_pool"] == {"name": "hw3-cpu", "work_queue_name": "training"}
    queues = [
        one["work_pool"]["work_queue_name"] for one in deployments.values() if one["work_pool"]["name"] == CPU_POOL
    ]
    assert sorted(queues) == sorted(QUEUES), "`hw3 up` sets the limits of all queues"
    for one in deployments.values():
        assert one["description"]
        assert "hw3" in one["tags"]
        assert one["version"] == version("hw3")


def test_defaults_and_parameters_of_schedules_are_valid_specs(deployments: dict[str, dict[str, Any]]) -> None:
    for name, one in deployments.items():
        flow = flow_of(one)
        of_schedules = [schedule["parameters"] for schedule in one.get("schedules", ()) if "parameters" in schedule]
        for parameters in [one.get("parameters", {}), *of_schedules]:
            assert set(parameters) <= set(flow.validate_parameters(parameters)), name
            assert set(parameters) <= set(signature(flow.fn).parameters), name


def test_schedules_are_nightly_and_weekly_and_off_until_switched_on(deployments: dict[str, dict[str, Any]]) -> None:
    schedules = [schedule for one in deployments.values() for schedule in one.get("schedules", ())]
    assert {schedule["slug"] for schedule in schedules} == {"nightly", "weekly", "often"}
    on = [schedule["slug"] for schedule in schedules if schedule["active"]]
    assert on == ["often"], "only the sweep after crashes runs by itself"
    times = [schedule["cron"] for schedule in schedules if "cron" in schedule]
    assert len(set(times)) == len(times), "they would all start at once"


def test_studies_wait_for_their_own_kind(deployments: dict[str, dict[str, Any]]) -> None:
    for name, one in deployments.items():
        if name.startswith("train/"):
            assert "concurrency_limit" not in one, "a limit of trainings belongs to the workers"
        else:
            assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_every_field_of_every_form_has_a_label_and_a_help_text(deployments: dict[str, dict[str, Any]]) -> None:
    for name, one in deployments.items():
        schema = parameter_schema(flow_of(one)).model_dump_for_openapi()
        for definition, content in schema["definitions"].items():
            for field, described in content["properties"].items():
                assert described.get("title") or "$ref" in str(described), f"{name}: {definition}.{field} has no label"
                assert described.get("description"), f"{name}: {definition}.{field} has no help text"


@pytest.mark.parametrize(
    ("flow", "spec", "message"),
    [
        ("sequences/sequences", {"epochs": 0}, "greater than or equal to 1"),
        ("sequences/sequences", {"epoch": 3}, r"spec.epoch\b"),
        ("sequences/sequences", {"data": {"sauce": "x"}}, r"spec.data.sauce\b"),
        ("sequences/sequences", {"placement": "moon"}, "'auto', 'here', 'gpu' or 'cpu'"),
        ("hw3/hw3", {"regimes": ["waltz"]}, "'motif', 'order', 'locked', 'dynamics' or 'trend'"),
        ("train/gpu", {"training": {"seeds": []}}, "`seeds` must be distinct and not empty"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    deployments: dict[str, dict[str, Any]], flow: str, spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception, match=message):
        flow_of(deployments[flow]).validate_parameters({"spec": spec})


def test_forms_know_choices_and_limits() -> None:
    fields = SequencesSpec.model_json_schema()["properties"]
    assert fields["placement"]["enum"] == ["auto", "here", "gpu", "cpu"]
    assert (fields["seeds"]["minimum"], fields["seeds"]["maximum"]) == (1, 1000)
    regimes = Hw3Spec.model_json_schema()["properties"]["regimes"]
    assert regimes["items"]["enum"] == ["motif", "order", "locked", "dynamics", "trend"]
    assert issubclass(SequencesSpec, Spec)
