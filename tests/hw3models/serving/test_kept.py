"""Any winner is kept and asked again: baselines as they were judged, ensembles, and files that may not be trusted."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import skops.io
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from hw3models.data.dataset import Dataset, describe, save
from hw3models.engine.asking import ask_again
from hw3models.engine.fitted_store import FITTED, load_fitted, store_fitted
from hw3models.errors import DataError, SpecError
from hw3models.evaluation.ensembles import ensemble_table
from hw3models.evaluation.prediction_table import load_table
from hw3models.families import Baseline, find_family
from hw3models.families.baselines import standardised
from hw3models.families.outside import origin_of
from hw3models.pipeline.merging import merge
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.runtime.devices import pick_device
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import DataReport, Recipe, TrainReport, TrainSpec
from tests.tiny import tiny_dataset, unsealed

FAMILIES = [
    ("sequences", "rocket", False),
    ("sequences", "minirocket", True),
    ("sequences", "multirocket-hydra", True),
    ("sequences", "quant", True),
    ("sequences", "summary", False),
    ("sequences", "logistic", True),
    ("sequences", "majority", False),
    ("sequences", "sklearn.ensemble:RandomForestClassifier", False),
    ("sequences", "aeon.classification.distance_based:KNeighborsTimeSeriesClassifier", False),
    ("images", "logistic", False),
    ("images", "pca", False),
    ("images", "forest", False),
    ("images", "hog", False),
]


def held(dataset: Dataset, folder: Path) -> tuple[Dataset, DataReport]:
    """The data, and the report of the file that holds them."""
    save(dataset, folder / "data.npz")
    return dataset, describe(dataset, folder / "data.npz")


def raw_examples(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[Any]:
    """As people give them: NaN after the end of a shorter series."""
    values = np.array(dataset.features[index])
    if dataset.lengths is not None:
        values[np.arange(values.shape[1]) >= dataset.lengths[index][:, None]] = np.nan
    return values


def fitted(
    tmp_path: Path, data: tuple[Dataset, DataReport], family: str, seeds: tuple[int, ...] = (3, 4)
) -> TrainReport:
    dataset, report = data
    name, origin = family, None
    if ":" in family:
        origin, name = origin_of(family), family.rpartition(":")[2]
        find_family(dataset.kind, name, origin)
    return train_step(TrainSpec(family=name, origin=origin, seeds=seeds), report, tmp_path / "model")


@pytest.fixture(autouse=True)
def few_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw3models.families.baselines.NUM_KERNELS", 500)


@pytest.mark.parametrize(("kind", "family", "unequal"), FAMILIES)
def test_a_kept_baseline_says_what_it_was_judged_by_to_the_bit(
    kind: Any, family: str, unequal: bool, tmp_path: Path
) -> None:
    dataset, report = held(tiny_dataset(kind, unequal=unequal), tmp_path)
    training = fitted(tmp_path, (dataset, report), family)
    assert training.is_kept, training.notes
    judged = load_table(Path(training.directory) / "predictions.npz")
    # Another process would ask the same: nothing of the fit is left but the folder.
    again = ask_again(Path(training.directory), dataset, pick_device("cpu"))
    assert again.digest == judged.digest
    save_use(Path(training.directory), tmp_path / "used")
    said = load_predictor(tmp_path / "used").predict(raw_examples(dataset, dataset.test))
    if judged.probabilities is not None:
        assert np.array_equal(said["probabilities"], judged.probabilities[0])
    else:
        assert judged.codes is not None
        assert np.array_equal(said["code"], judged.codes[0])
    assert not list(tmp_path.rglob("*.pkl"))


def test_an_ensemble_says_the_mean_of_what_its_members_say(tmp_path: Path) -> None:
    dataset, report = held(tiny_dataset(), tmp_path)
    training = train_step(TrainSpec(family="mlp", seeds=(0, 1, 2), recipe=Recipe(epochs=2)), report, tmp_path / "model")
    evaluation = evaluate_step(training, report)
    judged = load_table(Path(evaluation.table_path))
    save_use(Path(training.directory), tmp_path / "all", 3)
    predictor = load_predictor(tmp_path / "all")
    assert (predictor.manifest.use, predictor.manifest.seeds) == ("ensemble", (0, 1, 2))
    said = predictor.predict(raw_examples(dataset, dataset.test))["probabilities"]
    together = ensemble_table(judged, "mlp*3", 3)
    assert (together.family, len(together.seeds)) == ("mlp*3", 1)
    assert judged.probabilities is not None
    np.testing.assert_allclose(said, judged.probabilities.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(said, together.probabilities[0], atol=1e-6)  # type: ignore[index]
    assert (said != judged.probabilities[0]).any()


def test_rockets_make_an_ensemble_and_more_seeds_are_kept_with_the_first(tmp_path: Path) -> None:
    dataset, report = held(tiny_dataset(), tmp_path)
    both = []
    for folder, seeds in (("a", (0, 1)), ("b", (2,))):
        (tmp_path / folder).mkdir()
        training = fitted(tmp_path / folder, (dataset, report), "rocket", seeds)
        both.append((training, evaluate_step(training, report)))
    spec = TrainSpec(family="rocket", seeds=(0, 1, 2))
    merged, evaluation = merge(spec, both[0], both[1], report, tmp_path / "merged")
    assert merged.is_kept
    save_use(tmp_path / "merged", tmp_path / "all", 3)
    said = load_predictor(tmp_path / "all").predict(raw_examples(dataset, dataset.test))["probabilities"]
    assert np.array_equal(said, ensemble_table(load_table(Path(evaluation.table_path)), "rocket*3", 3).probabilities[0])  # type: ignore[index]


def test_what_has_no_mean_makes_no_ensemble(tmp_path: Path) -> None:
    data = held(tiny_dataset("images"), tmp_path)
    training = fitted(tmp_path, data, "pca")
    with pytest.raises(SpecError, match="codes of different seeds have no mean"):
        save_use(Path(training.directory), tmp_path / "all", 3)
    (tmp_path / "one").mkdir()
    training = fitted(tmp_path / "one", data, "logistic")
    with pytest.raises(SpecError, match="it has 1 seed, no ensemble of 3"):
        save_use(Path(training.directory), tmp_path / "all", 3)


def test_what_cannot_be_written_without_pickle_is_not_kept_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Mine:\n"
        "    def fit(self, X, y):\n        self.hook = (n for n in ())\n        return self\n"
        "    def predict(self, X):\n        return np.zeros(len(X), int)\n"
    )
    training = fitted(tmp_path, held(tiny_dataset(), tmp_path), f"{tmp_path}/mine.py:Mine")
    assert not training.is_kept
    assert "is not kept: it cannot be written without pickle" in training.notes[0]


class Stranger:
    """Nobody's estimator."""


def rewritten(path: Path, old: str, new: str) -> None:
    """Another text in the description of a skops file."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in content["schema.json"]
    content["schema.json"] = content["schema.json"].replace(old.encode(), new.encode())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())


def test_a_file_with_a_type_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    training = fitted(tmp_path, held(tiny_dataset(), tmp_path), "sklearn.linear_model:LogisticRegression", (3,))
    path = Path(training.directory) / FITTED["skops"]
    whole = path.read_bytes()
    path.write_bytes(skops.io.dumps({"3": Stranger()}))
    with pytest.raises(DataError, match=r"types that are not trusted: .*Stranger"):
        load_fitted(Path(training.directory))
    path.write_bytes(whole)
    rewritten(path, '"LogisticRegression"', '"Popen"')
    rewritten(path, '"sklearn.linear_model._logistic"', '"subprocess"')
    with pytest.raises(DataError, match=r"types that are not trusted: subprocess\.Popen"):
        load_fitted(Path(training.directory))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a whole model"):
        load_fitted(Path(training.directory))


ARRAYS: list[tuple[str, dict[str, Any], str]] = [
    ("logistic", {"3.weights": np.full((80, 3), np.nan)}, "its weights are not finite"),
    ("logistic", {"3.weights": np.zeros((79, 3))}, "it takes 79 numbers, an example has 80"),
    ("logistic", {"3.weights": np.zeros(80)}, r"its weights are \(80,\) and \(3,\), of 3 classes"),
    ("logistic", {"3.biases": np.zeros(2)}, r"its weights are \(80, 3\) and \(2,\), of 3 classes"),
    ("logistic", {"3.classes": np.array([0, 1, 3])}, r"it knows the classes \[0, 1, 3\], the manifest names 3"),
    ("logistic", {"3.more": np.zeros(2)}, "it is not a logistic regression"),
    ("logistic", {"4.weights": np.zeros(2)}, r"does not hold the seeds \[3\]"),
    ("majority", {"3.shares": np.array([0.5, 0.7, -0.2])}, "it is not the shares of classes"),
    ("majority", {"3.shares": np.array([0.5, np.nan, 0.2])}, "it is not the shares of classes"),
]


@pytest.mark.parametrize(("family", "changes", "message"), ARRAYS)
def test_arrays_that_are_not_what_was_learnt_are_refused(
    family: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    training = fitted(tmp_path, held(tiny_dataset(), tmp_path), family)
    save_use(Path(training.directory), tmp_path / "used")
    path = tmp_path / "used" / "model.safetensors"
    path.write_bytes(safetensors.numpy.save(safetensors.numpy.load_file(path) | changes))
    with pytest.raises(DataError, match=message):
        load_predictor(tmp_path / "used")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="not a whole model"):
        load_predictor(tmp_path / "used")


@pytest.mark.parametrize(("family", "made"), [("logistic", LogisticRegression), ("majority", DummyClassifier)])
def test_a_model_of_an_earlier_version_that_holds_the_object_answers_the_same(
    family: str, made: type[Any], tmp_path: Path
) -> None:
    """Until arrays were kept, scikit-learn's own object was."""
    dataset, report = held(tiny_dataset(), tmp_path)
    folder = Path(fitted(tmp_path, (dataset, report), family).directory)
    manifest, found = load_fitted(folder)
    assert (manifest.format, {type(one) for one in found.values()}) == ("arrays", {dict})
    flat = standardised(dataset, dataset.train).reshape(len(dataset.train), -1)
    options = {"max_iter": 200, "tol": 1e-3} if family == "logistic" else {"strategy": "prior"}
    whole = made(**options).fit(flat, dataset.labels[dataset.train])
    store_fitted(tmp_path / "old", manifest.model_copy(update={"format": "skops"}), skops.io.dumps({"3": whole}))
    said = []
    for source in (folder, tmp_path / "old"):
        save_use(source, tmp_path / f"used-{source.name}")
        said.append(load_predictor(tmp_path / f"used-{source.name}").predict(raw_examples(dataset, dataset.test)))
    assert np.array_equal(said[0]["probabilities"], said[1]["probabilities"])
    assert np.array_equal(
        said[1]["probabilities"][:, 0],
        whole.predict_proba(standardised(dataset, dataset.test).reshape(len(dataset.test), -1))[:, 0].astype(
            np.float32
        ),
    )


def test_kernels_that_would_read_past_the_end_of_a_series_are_refused(tmp_path: Path) -> None:
    training = fitted(tmp_path, held(tiny_dataset(), tmp_path), "rocket", (0,))
    folder = Path(training.directory)
    save_use(folder, tmp_path / "used")
    path = tmp_path / "used" / "model.skops"
    [one] = skops.io.load(path).values()
    names = ("weights", "lengths", "biases", "dilations", "paddings", "num_channels", "channels")
    faults = {
        "channels": ("do not have", lambda a: a + 100),
        "dilations": ("wider than series|cannot be", lambda a: a * 1000),
        "paddings": ("wider than series", lambda a: a - 50),
        "lengths": ("wider than|weights or channels", lambda a: a + 2),
        "biases": ("not finite", lambda a: a * np.float32("nan")),
        "weights": ("weights or channels", lambda a: a[:-1].copy()),
    }
    for name, (message, spoil) in faults.items():
        arrays = tuple(spoil(a) if own == name else a for own, a in zip(names, one["kernels"], strict=True))
        path.write_bytes(skops.io.dumps({"0": one | {"kernels": arrays}}))
        with pytest.raises(DataError, match=message):
            load_predictor(tmp_path / "used")


def test_multirocket_hydra_is_refused_where_it_would_not_say_the_same_or_would_read_past_an_end() -> None:
    family = find_family("sequences", "multirocket-hydra")
    assert isinstance(family, Baseline)
    assert family.restore is not None
    dataset = tiny_dataset()
    whole = family.fit(dataset, 3, 2).fitted
    first, second = whole["kernels"]
    faults = {
        "draws other kernels for Hydra": {"seed": 4},
        "its scaling is not of": {"mean": whole["mean"][1:]},
        "wider than series": {"kernels": [first, (*second[:2], second[2] * 1000, *second[3:])]},
        "do not have": {"kernels": [(first[0], first[1] + 100, *first[2:]), second]},
        "as many biases": {"kernels": [(*first[:4], first[4][:-1].copy()), second]},
        "it is not MultiROCKET-Hydra": {"kernels": [first]},
        "its temperature is -1": {"temperature": -1.0},
    }
    for message, changes in faults.items():
        with pytest.raises(ValueError, match=message):
            family.restore(whole | changes, dataset.features.shape[1:], 3)
    with pytest.raises(ValueError, match="it was fitted to other series"):
        family.restore(whole, (40, 4), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ["a"]}, "it knows the classes"),
        ({"shape": [21, 4]}, "it takes 80 numbers, an example has 84"),
        ({"seeds": [3, 9]}, r"does not hold the seeds \[3, 9\]"),
        ({"family": "mlp"}, "mlp is a network, its file cannot be skops"),
        ({"family": "rocket"}, "it is not kernels with ridge regression"),
        ({"use": "ensemble"}, "`use` is ensemble, of one seed"),
        ({"temperatures": [1.0, 2.0]}, "`temperatures` has 2 numbers for 1 seeds"),
    ],
)
def test_a_manifest_that_does_not_fit_what_was_fitted_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    training = fitted(tmp_path, held(tiny_dataset(), tmp_path), "logistic")
    save_use(Path(training.directory), tmp_path / "used")
    path = tmp_path / "used" / "model.json"
    path.write_text(json.dumps(unsealed(path) | changes))
    with pytest.raises(DataError, match=message):
        load_predictor(tmp_path / "used")


def test_a_tree_whose_branches_lead_out_of_it_is_refused(tmp_path: Path) -> None:
    dataset, report = held(tiny_dataset(), tmp_path)
    training = fitted(tmp_path, (dataset, report), "sklearn.tree:DecisionTreeClassifier", (3,))
    path = Path(training.directory) / FITTED["skops"]
    found = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    found["3"].tree_.children_left[0] = 0
    path.write_bytes(skops.io.dumps(found))
    with pytest.raises(DataError, match="a tree's branches lead out of it"):
        load_fitted(Path(training.directory))
