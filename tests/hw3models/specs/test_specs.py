import pytest
from pydantic import ValidationError

from hw3models.specs import AutoencoderSpec, DataSpec, Hw3Spec, Recipe, SequencesSpec, StudySpec, TrainSpec


def test_a_misspelt_field_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"data\.sorce\n  Extra inputs are not permitted"):
        SequencesSpec.model_validate({"data": {"sorce": "regime:motif"}})


def test_specs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3  # type: ignore[misc]


def test_equal_specs_have_equal_fingerprints_and_others_have_others() -> None:
    first, same = TrainSpec(data=DataSpec(), family="mlp"), TrainSpec(data=DataSpec(), family="mlp")
    assert first.fingerprint() == same.fingerprint()
    assert first.fingerprint() != first.model_copy(update={"family": "cnn"}).fingerprint()
    assert TrainSpec.model_validate_json(first.model_dump_json()) == first


def test_patience_needs_best_epoch_selection() -> None:
    with pytest.raises(ValidationError, match=r"`patience` \(3\).*needs `select: best`, got 'last'"):
        Recipe(patience=3)


@pytest.mark.parametrize("seeds", [(), (1, 1)])
def test_seeds_are_distinct_and_not_empty(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match=r"`seeds` must be distinct and not empty"):
        TrainSpec(data=DataSpec(), family="mlp", seeds=seeds)


def test_families_may_be_one_text_with_commas() -> None:
    assert StudySpec(families="mlp, cnn").families == ("mlp", "cnn")  # type: ignore[arg-type]
    assert StudySpec(families=("mlp,cnn", "gru")).families == ("mlp", "cnn", "gru")


@pytest.mark.parametrize("spec", [SequencesSpec, Hw3Spec, Recipe, DataSpec, TrainSpec])
def test_every_field_has_a_help_text(spec: type[SequencesSpec | Hw3Spec | Recipe | DataSpec | TrainSpec]) -> None:
    without = [name for name, field in spec.model_fields.items() if not field.description]
    assert without in ([], ["data"]), "TrainSpec.data is itself documented"


@pytest.mark.parametrize(("seeds", "max_seeds"), [(2, 50), (10, 5)])
def test_a_study_that_goes_on_until_it_is_decided_begins_with_three_seeds_and_has_room(
    seeds: int, max_seeds: int
) -> None:
    with pytest.raises(ValidationError, match=r"`until_decided` begins with `seeds` \(\d+\) and ends with `max_seeds`"):
        StudySpec(until_decided=True, seeds=seeds, max_seeds=max_seeds)
    StudySpec(seeds=seeds, max_seeds=max_seeds)


@pytest.mark.parametrize("number", ["inf", "nan", "-inf"])
def test_what_is_not_a_number_is_refused(number: str) -> None:
    for make in (Recipe, StudySpec, DataSpec):
        field = {Recipe: "learning_rate", StudySpec: "margin", DataSpec: "difficulty"}[make]
        with pytest.raises(ValidationError, match=field):
            make.model_validate({field: float(number)})


def test_searches_are_repeated_where_there_is_one_and_share_the_seeds_evenly() -> None:
    assert SequencesSpec(tune=5, seeds=6, searches=3).searches == 3
    with pytest.raises(ValidationError, match=r"`searches` \(3\) repeats a search that `tune` asks for"):
        SequencesSpec(searches=3)
    with pytest.raises(ValidationError, match=r"as many to each. Give `seeds` that are a multiple, such as 6"):
        SequencesSpec(tune=5, seeds=5, searches=3)
    with pytest.raises(ValidationError, match=r"`until_decided` adds seeds. Give one of the two"):
        SequencesSpec(tune=5, seeds=6, searches=3, until_decided=True)
    with pytest.raises(ValidationError, match="may find other layers"):
        AutoencoderSpec(tune=5, seeds=6, searches=3)


@pytest.mark.parametrize(
    "design", [{"until_decided": True}, {"searches": 5, "tune": 3}, {"resampling": "split"}, {"resampling": "training"}]
)
def test_a_median_is_of_seeds_that_are_independent_and_all_there(design: dict[str, object]) -> None:
    name = next(iter(design))
    with pytest.raises(ValidationError, match=rf"`estimand: median` is of seeds .* and `{name}"):
        SequencesSpec.model_validate({"estimand": "median", **design})
    assert SequencesSpec(estimand="median").estimand == "median"
