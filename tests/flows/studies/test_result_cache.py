"""When an answer of before is given again: the key that it is kept by, and what makes it not good enough."""

from pathlib import Path
from typing import Any

import pytest

from flows.studies import result_cache
from flows.studies.result_cache import done_before, is_whole, key_of
from hw3models.runtime.environment import describe_environment
from hw3models.specs import Answer, DataSpec, Hw3Spec, ImagesSpec, ReplicateFailure, RunReport, SequencesSpec, Spec
from tasks import tracking
from tests.flows.studies.made import Trainer, plan_of, prepared

pytestmark = pytest.mark.usefixtures("store")


def spec_of(path: Path, **changes: Any) -> SequencesSpec:
    return SequencesSpec.model_validate({"data": DataSpec(source=str(path)), "families": ("mlp",)} | changes)


def table(path: Path, offset: float = 0.0) -> Path:
    rows = [f"{s},{t},{s % 2 + t * t / 10 + offset},{s % 2}" for s in range(10) for t in range(5)]
    path.write_text("\n".join(["sample,time,a,label", *rows]))
    return path


@pytest.fixture
def run(tmp_path: Path) -> RunReport:
    plan = plan_of(prepared(tmp_path), ("mlp", "cnn"))
    trainer = Trainer(tmp_path / "models", {"mlp": 0.9, "cnn": 0.8})
    reports = {name: trainer.train(one, plan.data) for name, one in plan.trainings(plan.families, (0, 1)).items()}
    answer = Answer(
        kind="sequences",
        data=plan.data,
        training={name: one for name, (one, _) in reports.items()},
        evaluation={name: one for name, (_, one) in reports.items()},
        comparison=None,
    )
    return RunReport(
        title="sequences",
        command="hw3",
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        answers=(answer,),
        environment=describe_environment(),
    )


def replaced(run: RunReport, **changes: Any) -> RunReport:
    return run.model_copy(update={"answers": (run.answers[0].model_copy(update=changes),)})


def test_the_key_is_that_of_the_content_not_of_the_file_and_not_of_how_it_was_asked(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    key = key_of(spec_of(path))
    assert key_of(spec_of(path, fresh=True)) == key
    assert key_of(spec_of(path, seeds=7)) != key
    table(path)
    assert key_of(spec_of(path)) == key, "written again, the same"
    table(path, 0.5)
    assert key_of(spec_of(path)) != key


def test_another_version_of_the_code_gives_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "a.csv")
    key = key_of(spec_of(path))
    monkeypatch.setattr(result_cache, "code_version", lambda *_: "another")
    assert key_of(spec_of(path)) != key


def test_image_sets_need_not_be_here_to_have_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any, **__: Any) -> None:
        raise AssertionError("their content is fixed by their sums")

    monkeypatch.setattr(result_cache, "fetch", fetch)
    assert key_of(Hw3Spec(images="mnist")) != key_of(ImagesSpec(data=DataSpec(source="fashion-mnist")))


def test_nothing_is_looked_for_where_it_is_wanted_fresh_or_is_no_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_done(_: str) -> None:
        raise AssertionError("MLflow is not asked")

    monkeypatch.setattr(tracking, "find_done", find_done)
    path = table(tmp_path / "a.csv")
    assert done_before(spec_of(path, fresh=True)) == (key_of(spec_of(path)), None)
    assert done_before(DataSpec(source=str(path))) == (None, None)
    # The study itself says what is wrong with its data.
    assert done_before(spec_of(tmp_path / "absent.csv")) == (None, None)


def test_an_answer_is_given_again_while_its_files_are_there(
    tmp_path: Path, run: RunReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(table(tmp_path / "a.csv"))
    key, page = key_of(spec), tmp_path / "report.json"
    monkeypatch.setattr(tracking, "find_done", lambda asked: ("r" * 32, str(page)) if asked == key else None)
    assert done_before(spec) == (key, None), "the report is gone"
    page.write_text(run.model_dump_json())
    assert done_before(spec) == (key, run)
    assert done_before(spec.model_copy(update={"seeds": 9}))[1] is None
    Path(run.answers[0].evaluation["cnn"].table_path).unlink()
    assert done_before(spec) == (key, None)


def test_a_report_of_another_version_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, page = spec_of(table(tmp_path / "a.csv")), tmp_path / "report.json"
    page.write_text('{"title": "of a version that had other fields"}')
    monkeypatch.setattr(tracking, "find_done", lambda _: ("r" * 32, str(page)))
    assert done_before(spec)[1] is None


def test_what_another_try_could_bring_makes_an_answer_incomplete(run: RunReport) -> None:
    spec: Spec = SequencesSpec(data=DataSpec(source="regime:locked"))
    assert is_whole(run, spec)
    assert not is_whole(replaced(run, failures={"gru": "out of memory"}), spec)
    training = run.answers[0].training
    lost = training["mlp"].model_copy(update={"failures": (ReplicateFailure(seed=1, epoch=2, reason="nan"),)})
    assert not is_whole(replaced(run, training=training | {"mlp": lost}), spec)


def test_digits_in_place_of_mnist_are_only_good_enough_where_they_were_asked_for(run: RunReport) -> None:
    digits = replaced(run, data=run.answers[0].data.model_copy(update={"source": "digits"}))
    assert is_whole(digits, SequencesSpec(data=DataSpec(source="digits")))
    assert not is_whole(digits, SequencesSpec(data=DataSpec(source="auto")))


def test_hw3_run_is_whole_with_all_of_its_studies_and_the_homework(run: RunReport) -> None:
    spec = Hw3Spec(images="digits", regimes=("order",), homework=False)
    three = run.model_copy(update={"answers": 3 * run.answers, "homework": ()})
    assert is_whole(three, spec)
    assert not is_whole(three.model_copy(update={"answers": 2 * run.answers}), spec)
    assert not is_whole(three, spec.model_copy(update={"homework": True}))
