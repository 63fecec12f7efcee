"""Studies as deployments: flat parameters, the rest in `advanced`, whole specs as before; names of runs."""

import inspect
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.names import generate_slug

from flows import deployed
from flows.studies import reported
from flows.studies.reach import check_reach
from hw3models.errors import DataError, SpecError
from hw3models.specs import AutoencoderSpec, DataSpec, ImagesSpec, SequencesSpec, StudySpec

FORMS = {
    "sequences": (deployed.sequences, SequencesSpec),
    "images": (deployed.images, ImagesSpec),
    "autoencoder": (deployed.autoencoder, AutoencoderSpec),
}


def asked(name: str, **parameters: Any) -> Any:
    """The study that a call means, checked as Prefect checks it."""
    flow, make = FORMS[name]
    defaults = {one: field.default for one, field in inspect.signature(flow.fn).parameters.items()}
    values = defaults | flow.validate_parameters(parameters)
    return deployed.merged(make, flow.fn, values)


def test_a_call_with_a_few_flat_parameters_is_a_whole_study(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.touch()
    spec = asked("sequences", source=str(file), seeds=10, families="mlp, cnn", label_column="y")
    assert spec == SequencesSpec(
        data=DataSpec(source=str(file), label_column="y"), seeds=10, families=("mlp", "cnn")
    )  # fmt: skip
    assert asked("autoencoder", latent_dim=7).latent_dim == 7
    assert asked("images", image_size="32").data.image_size == "32"


@pytest.mark.parametrize("name", FORMS)
def test_without_parameters_it_is_the_default_study(name: str) -> None:
    assert asked(name) == FORMS[name][1]()


def test_what_is_advanced_reaches_the_study_and_the_data() -> None:
    spec = asked("sequences", advanced={"epochs": 3, "num_train": 50, "own_recipe": {"epochs": 4}, "tune": "small"})
    assert (spec.epochs, spec.data.num_train, spec.trials) == (3, 50, 5)
    assert spec.own_recipe is not None
    assert spec.own_recipe.epochs == 4


def test_the_form_shows_eight_and_says_the_rest_once() -> None:
    for name, (flow, make) in FORMS.items():
        schema = parameter_schema(flow).model_dump_for_openapi()
        *flat, advanced, spec = schema["properties"]
        assert (advanced, spec) == ("advanced", "spec"), name
        assert len(flat) == 8
        described = {one for one, field in schema["properties"].items() if field.get("description")}
        assert described == {*flat, "spec"}, "what is advanced is described field by field"
        rest = set(schema["definitions"][schema["properties"]["advanced"]["$ref"].rpartition("/")[2]]["properties"])
        assert not rest & set(flat), "nothing is asked twice"
        assert set(StudySpec.model_fields) <= rest | set(flat), name
        if make is SequencesSpec:
            assert "num_train" in rest
            assert "image_size" not in rest
        else:
            assert not {"num_train", "difficulty", "time_column"} & rest, "images are not synthetic"
    assert not set(StudySpec.model_fields) & set(DataSpec.model_fields), "a name says where it belongs"


def test_a_call_of_an_earlier_version_with_a_spec_still_works_alone() -> None:
    assert asked("sequences", spec={"seeds": 7, "data": {"source": "regime:motif"}}).seeds == 7
    with pytest.raises(SpecError, match="`spec` is the whole study, and `seeds` stands beside it"):
        asked("sequences", spec={"seeds": 7}, seeds=8)


def test_a_wrong_value_is_refused_by_name_before_anything_runs() -> None:
    for parameters, message in (
        ({"seeds": 0}, r"seeds\b"),
        ({"placement": "moon"}, "'auto', 'here', 'gpu' or 'cpu'"),
        ({"advanced": {"epoch": 3}}, r"advanced.epoch\b"),
        ({"advanced": {"epochs": 0}}, r"advanced.epochs\b"),
    ):
        with pytest.raises(Exception, match=message):
            deployed.sequences.validate_parameters(parameters)


def test_a_path_that_another_machine_has_is_refused_with_that_sentence(tmp_path: Path) -> None:
    there = tmp_path / "here.csv"
    there.touch()
    for fine in (str(there), "regime:order", "digits", "mnist"):
        check_reach(fine)
    with pytest.raises(DataError, match=r"theirs/data.csv is not on .*a path that only one machine has is of no use"):
        asked("sequences", source="/theirs/data.csv")


def test_a_runs_own_name_stays_and_others_tell_runs_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class Run:
        flow_name, parameters = "sequences", {"source": "/data/gait.csv", "seeds": 10}

        def __init__(self, name: str) -> None:
            self.name, self.id = name, str(uuid4())

    def named(name: str) -> str:
        monkeypatch.setattr(reported, "flow_run", Run(name))
        return reported.flow_name()

    for mine in ("gait of march", "my-run", "sequences-gait-x10-12ab"):
        assert named(mine) == mine
    drawn = {named(generate_slug(2)) for _ in range(20)}
    assert all(re.fullmatch(r"sequences-gait-x10-[0-9a-f]{4}", one) for one in drawn)
    assert len(drawn) > 15
