"""Families that somebody else wrote: named by where they are, known by their code."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import nn

from hw3models import families
from hw3models.data.dataset import describe, save
from hw3models.engine.examination import examine
from hw3models.engine.fit import EpochReport
from hw3models.engine.model_store import load_model, rebuild
from hw3models.engine.strategies import faster
from hw3models.errors import SpecError, TrainingError
from hw3models.evaluation.metrics import available
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.families import Baseline, Network, enter, facts_of, find_family, identity_of, origin_of
from hw3models.families.baselines import standardised
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.pipeline.study import check_study, enter_all
from hw3models.serving.predictor import load_predictor, save_predictor
from hw3models.specs import DataReport, DataSpec, Kind, SequencesSpec, TrainReport, TrainSpec
from hw3models.tuning.search import _key
from tests.tiny import quick_recipe, tiny_dataset

NETS = '''
import torch
from torch import nn

class MyNet(nn.Module):
    """All that is needed: a shape and a number of classes."""
    def __init__(self, shape, num_classes):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1], 16), nn.ReLU(), nn.Dropout(0.1),
                                 nn.Linear(16, num_classes))

    def forward(self, x):
        return self.net(x)

class Convolutional(nn.Module):
    """Channels first, as most of the world has it, and a recipe of its own."""
    recipe = {"epochs": 2, "learning_rate": 0.01}

    def __init__(self, num_channels, num_classes, width=8):
        super().__init__()
        self.body, self.head = nn.Conv1d(num_channels, width, 5, padding=2), nn.Linear(width, num_classes)

    def forward(self, x, lengths=None):
        h = torch.relu(self.body(x))
        if lengths is not None:
            h = h * (torch.arange(h.shape[-1]) < lengths[:, None])[:, None]
        return self.head(h.mean(2))

def built(num_steps, num_channels, num_classes, dropout):
    return nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(num_steps * num_channels, num_classes))

def softmaxed(shape, num_classes):
    return nn.Sequential(MyNet(shape, num_classes), nn.Softmax(dim=-1))

def greedy(shape, num_classes, learning_style):
    return MyNet(shape, num_classes)

def too_wide(shape, num_classes):
    return MyNet(shape, num_classes + 1)

def broken(shape, num_classes):
    raise RuntimeError("no such weights")

def a_number(shape, num_classes):
    return 7

class Recurrent(nn.Module):
    def __init__(self, num_channels, num_classes):
        super().__init__()
        self.cell = nn.LSTM(num_channels, 6, num_layers=2, dropout=0.2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, num_classes)

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])

class Coder(nn.Module):
    task = "reconstruction"

    def __init__(self, num_inputs, latent_dim):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(num_inputs, latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, num_inputs), nn.Sigmoid())

    def encode(self, x):
        return self.encoder(x)

    def decode(self, code):
        return self.decoder(code)

    def forward(self, x):
        return self.decode(self.encode(x))

def no_coder(num_inputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(num_inputs, num_inputs))

no_coder.task = "reconstruction"

class Bad(MyNet):
    recipe = {"epochs": 0}

NOT_CALLABLE = 3
'''


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


def prepared(folder: Path, kind: Kind = "sequences", *, unequal: bool = False) -> DataReport:
    save(tiny_dataset(kind, unequal=unequal), folder / "data.npz")
    return describe(tiny_dataset(kind, unequal=unequal), folder / "data.npz")


def trained(
    reference: str, folder: Path, *, unequal: bool = False, seeds: tuple[int, ...] = (0, 1)
) -> tuple[TrainReport, PredictionTable]:
    data = prepared(folder, unequal=unequal)
    family = enter("sequences", reference)
    recipe = quick_recipe() if isinstance(family, Network) else None
    spec = TrainSpec(
        family=family.name, origin=family.origin, seeds=seeds, recipe=recipe, device="cpu", strategy="stacked"
    )
    training = train_step(spec, data, folder / "model")
    evaluation = evaluate_step(training, data)
    return training, load_table(Path(evaluation.table_path))


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("MyNet", "stacked"),
        ("Convolutional", "vmap"),
        ("built", "stacked"),
        ("softmaxed", "stacked"),
        ("Recurrent", "separate"),
    ],
)
def test_a_network_of_a_file_trains_in_replicates_and_is_asked(nets: Path, name: str, strategy: str) -> None:
    training, table = trained(f"{nets}:{name}", nets.parent, seeds=(0, 1, 2))
    assert training.strategy.split(" ")[0] == strategy
    assert training.family == name
    assert training.origin == origin_of(f"{nets}:{name}")
    manifest, states = load_model(Path(training.directory))
    assert manifest.origin == training.origin
    assert table.probabilities is not None
    assert table.probabilities.shape == (3, 60, 3)
    dataset = tiny_dataset()
    inputs = torch.from_numpy((dataset.features[dataset.test] - dataset.mean) / dataset.std)
    for row, seed in enumerate(training.seeds):
        with torch.no_grad():
            expected = rebuild(manifest, states, seed)(inputs).softmax(-1).numpy()
        np.testing.assert_allclose(table.probabilities[row], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["MyNet", "Convolutional", "Recurrent"])
def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(nets: Path, name: str) -> None:
    """As a stack, behind vmap, and one by one; dropout goes on where it stood."""
    data = prepared(nets.parent)
    family = enter("sequences", f"{nets}:{name}")
    spec = TrainSpec(
        family=name, origin=family.origin, seeds=(0, 1), recipe=quick_recipe(), device="cpu", strategy="stacked"
    )
    whole = train_step(spec, data, nets.parent / "whole")

    class CutError(Exception):
        pass

    def cut(report: EpochReport) -> None:
        if report.epoch == 2:
            raise CutError

    checkpoints = nets.parent / "checkpoints"
    with pytest.raises(CutError):
        train_step(spec, data, nets.parent / "cut", on_epoch=cut, checkpoints=checkpoints, every=0)
    heard: list[int] = []
    again = train_step(
        spec, data, nets.parent / "cut", on_epoch=lambda r: heard.append(r.epoch), checkpoints=checkpoints, every=0
    )
    assert again.digest == whole.digest
    assert 3 in heard


def test_an_autoencoder_of_a_file_is_evaluated_and_one_without_a_code_is_refused(nets: Path) -> None:
    data = prepared(nets.parent, "images")
    family = enter("images", f"{nets}:Coder")
    spec = TrainSpec(family="Coder", origin=family.origin, seeds=(0, 1), recipe=quick_recipe(), device="cpu")
    training = train_step(spec, data, nets.parent / "model")
    table = load_table(Path(evaluate_step(training, data).table_path))
    assert table.codes is not None
    assert table.codes.shape == (2, 60, 2)
    with pytest.raises(SpecError, match="no_coder is an autoencoder, and has no `encode` and `decode`"):
        examine(enter("images", f"{nets}:no_coder"), "images", (28, 28), 3)


def test_a_search_for_a_recipe_is_of_this_code_alone(nets: Path) -> None:
    data, keys = prepared(nets.parent), set()
    for text in (NETS, NETS + "# other"):
        nets.write_text(text)
        origin = origin_of(f"{nets}:MyNet")
        training = TrainSpec(family="MyNet", origin=origin, recipe=quick_recipe())
        keys.add(_key(training, data, "accuracy", "trial"))
    assert len(keys) == 2


def test_an_imported_module_that_changed_is_not_taken_for_new(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps what it has imported: the digest of now would be that of other code."""
    nets.rename(nets.with_name("mylib_of_a_test.py"))
    monkeypatch.syspath_prepend(str(nets.parent))
    enter("sequences", "mylib_of_a_test:MyNet")
    nets.with_name("mylib_of_a_test.py").write_text(NETS + "# other")
    with pytest.raises(SpecError, match=r"changed after it was imported. Start Python again"):
        enter("sequences", "mylib_of_a_test:MyNet")
    assert origin_of("hw3models.families.cnn:build_cnn").digest is not None, "installed to be edited: the file counts"
    sys.modules.pop("mylib_of_a_test")


def test_lengths_reach_a_network_that_asks_for_them_and_no_other(nets: Path) -> None:
    for name in ("Convolutional", "MyNet"):
        _, table = trained(f"{nets}:{name}", nets.parent, unequal=True)
        assert table.num_test == 60


def test_a_network_brings_its_recipe_or_gets_one(nets: Path) -> None:
    own, given = (enter("sequences", f"{nets}:{name}") for name in ("Convolutional", "MyNet"))
    assert isinstance(own, Network)
    assert isinstance(given, Network)
    assert (own.recipe.epochs, own.recipe.learning_rate) == (2, 0.01)
    assert given.recipe.epochs > 1
    with pytest.raises(SpecError, match="the `recipe` of Bad is none"):
        enter("sequences", f"{nets}:Bad")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Nothing", r"nets.py has no 'Nothing'; it has MyNet, Convolutional, built"),
        ("NOT_CALLABLE", "is int. A family is a class or function that makes a torch module, or an estimator"),
        ("greedy", "greedy asks for learning_style, which nobody can give it. It may ask for shape, num_classes"),
        (
            "too_wide",
            r"does not take examples of shape \(20, 4\). Tried: plain: it gives \(2, 4\) for 2 examples, not \(2, 3\)",
        ),
        ("broken", r"broken\(shape=\(20, 4\), num_classes=3\) failed \(RuntimeError: no such weights\)"),
        ("a_number", "a_number makes int, not a torch module"),
    ],
)
def test_what_cannot_be_trained_is_told_before_it_is(nets: Path, name: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        examine(enter("sequences", f"{nets}:{name}"), "sequences", (20, 4), 3)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("./gone.py:Net", r"names the file .*gone.py, which cannot be read \(No such file or directory\)"),
        ("no.such.package:Net", r"cannot be imported \(ModuleNotFoundError: No module named 'no'\)"),
        ("what is this:Net", r"is neither `./file.py:Name` nor `package.module:name`"),
        ("hw3.families:nobody", "no installed package offers 'nobody'"),
    ],
)
def test_code_that_is_not_there_is_told_in_a_sentence(reference: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        enter("sequences", reference)


def test_a_file_that_does_not_run_is_told_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import torch\nx = 1 / 0\n")
    with pytest.raises(SpecError, match=r"cannot be loaded \(ZeroDivisionError: division by zero\)"):
        enter("sequences", f"{tmp_path / 'bad.py'}:Net")


def test_other_code_under_the_same_name_is_another_family(nets: Path) -> None:
    """A kept model, a worker, a cache key: each has the digest that it was made with."""
    before = enter("sequences", f"{nets}:MyNet")
    nets.write_text(NETS.replace("nn.Linear(shape[0] * shape[1], 16)", "nn.Linear(shape[0] * shape[1], 16, bias=True)"))
    after = enter("sequences", f"{nets}:MyNet")
    assert before.name == after.name == "MyNet"
    assert before.origin is not None
    assert after.origin is not None
    assert before.origin.digest != after.origin.digest
    own, other = (TrainSpec(family="MyNet", origin=family.origin).fingerprint() for family in (before, after))
    assert own != other
    with pytest.raises(SpecError, match="It is other code"):
        find_family("sequences", "MyNet", before.origin)


def test_a_model_is_served_where_its_code_is_and_a_sentence_elsewhere(
    nets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, table = trained(f"{nets}:MyNet", nets.parent)
    manifest, states = load_model(Path(training.directory))
    save_predictor(nets.parent / "one", manifest, states, 1)
    dataset = tiny_dataset()
    raw = dataset.features[dataset.test]
    ours = load_predictor(nets.parent / "one").predict(raw)["probabilities"]
    assert table.probabilities is not None
    np.testing.assert_allclose(ours, table.probabilities[1], atol=1e-5)
    nets.unlink()
    # Another process has met no family yet.
    monkeypatch.setattr(families, "_outside", {})
    with pytest.raises(SpecError, match=r"`families`: .*MyNet' names the file .* which cannot be read"):
        load_predictor(nets.parent / "one")


def test_an_estimator_of_scikit_learn_is_fitted_once_a_seed() -> None:
    family = enter("sequences", "sklearn.ensemble:RandomForestClassifier")
    assert isinstance(family, Baseline)
    assert not family.deterministic
    assert family.origin is not None
    assert str(family.origin.distribution).startswith("scikit-learn ")
    dataset = tiny_dataset()
    fits = [family.fit(dataset, seed, 2) for seed in (0, 1, 1)]
    probabilities = [fit.probabilities for fit in fits]
    assert not np.array_equal(probabilities[0], probabilities[1])
    np.testing.assert_array_equal(probabilities[1], probabilities[2])
    rows = [standardised(dataset, index).reshape(len(index), -1) for index in (dataset.train, dataset.test)]
    oracle = RandomForestClassifier(random_state=1).fit(rows[0], dataset.labels[dataset.train])
    np.testing.assert_allclose(probabilities[1], oracle.predict_proba(rows[1]), atol=1e-6)


def test_without_probabilities_the_metrics_that_need_them_are_left_out(tmp_path: Path) -> None:
    training, table = trained("sklearn.svm:LinearSVC", tmp_path, seeds=(0,))
    assert training.recipe is None
    assert table.hard
    assert set(available(table)) == {"accuracy", "balanced_accuracy", "macro_f1"}
    assert set(np.unique(table.probabilities)) == {0.0, 1.0}


@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept context")
def test_an_estimator_of_aeon_gets_channels_first(tmp_path: Path) -> None:
    _, table = trained("aeon.classification.interval_based:QUANTClassifier", tmp_path, seeds=(0,))
    assert table.probabilities is not None
    assert (table.probabilities[0].argmax(1) == table.labels).mean() > 0.5


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_pipeline_that_was_made_in_a_file_is_cloned_and_seeded(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        "from sklearn.neural_network import MLPClassifier\n"
        "small = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=300))\n"
    )
    family = enter("sequences", f"{tmp_path / 'mine.py'}:small")
    assert isinstance(family, Baseline)
    assert not family.deterministic
    one, two = (family.fit(tiny_dataset(), seed, 2).probabilities for seed in (0, 1))
    assert not np.array_equal(one, two)


def test_an_estimator_that_fails_is_a_family_that_could_not_be_trained(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Sulky:\n    def fit(self, X, y):\n        raise ValueError('not today')\n    def predict(self, X): ...\n"
    )
    family = enter("sequences", f"{tmp_path / 'mine.py'}:Sulky")
    assert isinstance(family, Baseline)
    with pytest.raises(TrainingError, match="Sulky could not be fitted: ValueError: not today"):
        family.fit(tiny_dataset(), 0, 2)


def test_names_are_short_and_told_apart(nets: Path) -> None:
    other = nets.with_name("others.py")
    other.write_text(NETS.replace("class Convolutional", "class cnn"))
    names = enter_all("sequences", ["cnn", f"{nets}:MyNet", f"{other}:MyNet", f"{other}:cnn"])
    assert names == ("cnn", "MyNet", "others.MyNet", "others.cnn")
    assert facts_of(["others.cnn"])["others.cnn"].label == "others.cnn"
    other_spelling = f"{nets.parent}/../{nets.parent.name}/nets.py:MyNet"
    for twice in (f"{nets}:MyNet", other_spelling):
        with pytest.raises(SpecError, match="more than once"):
            enter_all("sequences", [f"{nets}:MyNet", twice])


def test_a_study_checks_families_from_outside_before_anything_is_read(nets: Path) -> None:
    spec = SequencesSpec(data=DataSpec(source="nowhere.csv"), families=(f"{nets}:MyNet", "mlp"))
    assert check_study("sequences", spec).families == ("MyNet", "mlp")
    wrong = spec.model_copy(update={"families": (f"{nets}:Nope", "./gone.py:Net")})
    with pytest.raises(SpecError, match=r"has no 'Nope'.*gone\.py"):
        check_study("sequences", wrong)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that offers a family."""
    (tmp_path / "mynets.py").write_text(NETS)
    info = tmp_path / "mynets-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mynets\nVersion: 1.2\n")
    (info / "RECORD").write_text("mynets.py,,\n")
    (info / "entry_points.txt").write_text("[hw3.families]\nmine = mynets:MyNet\nlost = mynets:Gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("mynets", None)


@pytest.mark.usefixtures("package")
def test_an_installed_package_offers_families_by_name() -> None:
    family = find_family("sequences", "mine")
    assert isinstance(family, Network)
    assert family.name == "mine"
    assert family.origin is not None
    assert family.origin.distribution == "mynets 1.2"
    assert (identity_of("mine"), identity_of("cnn")) == ("mynets 1.2", "")
    with pytest.raises(SpecError, match=r"hw3.families:lost cannot be loaded \(AttributeError"):
        find_family("sequences", "lost")
    with pytest.raises(SpecError, match=r"known: .*mine"):
        find_family("sequences", "nobody")


def test_a_check_says_how_replicates_run_and_what_looks_wrong(nets: Path) -> None:
    found = examine(enter("sequences", f"{nets}:MyNet"), "sequences", (20, 4), 3, device="cpu")
    assert found.strategy == faster("cpu", "sequences", "MyNet", nn.Linear(80, 16)), (
        "as was measured for its kind of layer"
    )
    assert (found.own_noise, found.parameters) == (True, 81 * 16 + 17 * 3)
    assert found.step_milliseconds is not None
    assert found.step_milliseconds > 0
    [warning] = examine(enter("sequences", f"{nets}:softmaxed"), "sequences", (20, 4), 3).warnings
    assert "its outputs are probabilities" in warning
    assert examine(enter("sequences", "sklearn.svm:LinearSVC"), "sequences", (20, 4), 3).parameters is None


def test_a_network_of_images_is_told_that_they_have_one_channel(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def net(num_channels, num_classes):\n"
        "    return nn.Sequential(nn.Conv2d(num_channels, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),\n"
        "                         nn.Linear(4, num_classes))\n"
    )
    found = examine(enter("images", f"{tmp_path / 'mine.py'}:net"), "images", (28, 28), 10, num_seeds=2, device="cpu")
    assert found.parameters == 4 * 10 + 5 * 10


def test_images_get_the_channels_that_a_network_wants() -> None:
    """torchvision's networks take three channels; our images have none."""
    found = examine(enter("images", "torchvision.models:mobilenet_v3_small"), "images", (32, 32), 3, num_seeds=1)
    assert found.parameters is not None
    assert found.parameters > 1_000_000
    model = find_family("images", "mobilenet_v3_small")
    assert isinstance(model, Network)
