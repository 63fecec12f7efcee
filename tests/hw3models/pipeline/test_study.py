"""Wrong choices are refused before anything is trained, all faults at once."""

from pathlib import Path

import pytest

from hw3models.data.dataset import describe
from hw3models.errors import SpecError
from hw3models.objectives import CLASSIFICATION, RECONSTRUCTION
from hw3models.pipeline.defaults import fitting_entries
from hw3models.pipeline.study import check_families, check_study, default_families
from hw3models.specs import DataSpec, ImagesSpec, SequencesSpec
from tests.tiny import tiny_dataset


def test_faults_of_a_choice_of_families_are_told_together() -> None:
    with pytest.raises(SpecError, match=r"'cnm' is not known.*autoencoder' is not known.*names mlp more than once"):
        check_families("sequences", CLASSIFICATION, ["cnm", "mlp", "autoencoder", "mlp"])
    with pytest.raises(
        SpecError, match="mlp is for classification, this study is reconstruction; fitting: autoencoder"
    ):
        check_families("images", RECONSTRUCTION, ["mlp"])
    with pytest.raises(SpecError, match="`families` is empty"):
        check_families("images", RECONSTRUCTION, [])


def test_every_comparison_has_baselines() -> None:
    assert default_families("sequences", CLASSIFICATION) == (
        "mlp", "cnn", "lstm", "gru", "lite", "majority", "logistic", "rocket",
    )  # fmt: skip
    assert default_families("images", RECONSTRUCTION) == ("autoencoder", "pca")


def test_of_many_images_a_residual_network_is_not_trained_unasked() -> None:
    families = default_families("images", CLASSIFICATION)
    assert families == ("mlp", "cnn", "resnet", "majority", "logistic", "forest", "hog")
    few = describe(tiny_dataset("images"), Path("nowhere"))
    many = few.model_copy(update={"num_train": 20_000})
    assert fitting_entries(families, few, ImagesSpec(), CLASSIFICATION).entries == families
    chosen = fitting_entries(families, many, ImagesSpec(), CLASSIFICATION)
    assert chosen.entries == ("mlp", "cnn", "majority", "logistic", "forest", "hog")
    assert chosen.notes[0].startswith("Not compared, for what they cost: ResNet and ViT.")
    asked = ImagesSpec(families=("resnet", "vit"))
    assert fitting_entries(("resnet", "vit"), many, asked, CLASSIFICATION).entries == ("resnet", "vit")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"families": ("cnm",)}, r"`family` 'cnm' is not known for sequences; .* Did you mean 'cnn'\?"),
        ({"metric": "mse"}, r"`metric` 'mse' is not known for classification; known: accuracy"),
        ({"recipe": "deep"}, "deep"),
        ({"families": ("cnn*x",)}, r"'cnn\*x' is no ensemble\. Write a network, an asterisk and a number"),
        ({"families": ("cnn*5",), "seeds": 3}, r"cnn\*5 needs 5 seeds, and `seeds` is 3\. Give `seeds` of at least 5"),
        ({"families": ("rocket*5",)}, r"rocket\*5 is an ensemble of rocket, which is no network"),
        ({"families": ("cnm*5",)}, r"`family` 'cnm' is not known for sequences; .* Did you mean 'cnn'\?"),
        ({"families": ("cnn*3", "cnn", "cnn*3")}, r"`families` names cnn\*3 more than once"),
        ({"families": ("cnn*5",), "until_decided": True}, r"`until_decided` adds seeds .* cnn\*5 is an ensemble"),
        ({"families": ("cnn*5",), "resampling": "both"}, r"cnn\*5 needs .* Use `resampling: seed` instead of both"),
        (
            {"tune": 5, "families": ("majority", "rocket")},
            r"`tune` \(5\) searches for .* networks, and majority, rocket",
        ),
    ],
)
def test_a_study_is_checked_before_anything_is_read(changes: dict[str, object], message: str) -> None:
    spec = SequencesSpec.model_validate({"data": DataSpec(source="nowhere.csv"), **changes})
    with pytest.raises(SpecError, match=message):
        check_study("sequences", spec)


def test_what_is_not_given_is_chosen() -> None:
    chosen = check_study("sequences", SequencesSpec(data=DataSpec(source="regime:locked")))
    assert chosen == ("sequences", default_families("sequences", CLASSIFICATION), "accuracy", CLASSIFICATION)
