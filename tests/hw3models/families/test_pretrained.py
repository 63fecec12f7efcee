"""Backbones with weights that the tests make: features once, a linear layer for each seed; and what is said without."""

import functools
import hashlib
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from hw3models.data.dataset import Dataset
from hw3models.engine.fit import fit
from hw3models.errors import SpecError, TrainingError
from hw3models.families import Baseline, Family, Network, facts_of, find_family, pretrained
from hw3models.families.pretrained_weights import backbone, find_weights
from hw3models.specs import TrainSpec
from tests.tiny import quick_recipe, tiny_dataset

NAME = "shufflenet_v2_x0_5"
"""The smallest of torchvision's that ends in a linear layer."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights whose name holds its digest."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(get_model(NAME, weights=None).state_dict(), folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()[:8]
    return (folder / "new.pth").rename(folder / f"{NAME}-{digest}.pth")


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Path) -> None:
    """No weights but those that were made, and no mirrors."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HW3_WEIGHTS", str(made.parent))
    monkeypatch.delenv("HW3_WEIGHTS_MIRRORS", raising=False)


def few(*, colour: bool = True) -> Dataset:
    return tiny_dataset("images", num=48, size=14, colour=colour)


@pytest.mark.parametrize("colour", [False, True])
def test_a_frozen_backbone_computes_its_features_once_and_each_seed_has_its_own_layer(
    colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    really = pretrained._computed
    monkeypatch.setattr(pretrained, "_computed", lambda *args: asked.append(len(args[2])) or really(*args))
    family, dataset = find_family("images", f"frozen-{NAME}"), few(colour=colour)
    assert isinstance(family, Baseline)
    fits = [family.fit(dataset, seed, 2) for seed in range(4)]
    assert asked == [24, 12], "training and test examples, once"
    probabilities = np.stack([one.probabilities for one in fits if one.probabilities is not None])
    np.testing.assert_allclose(probabilities.sum(2), 1, atol=1e-5)
    assert not np.allclose(probabilities[0], probabilities[1])
    np.testing.assert_array_equal(family.fit(dataset, 0, 2).probabilities, probabilities[0])
    assert fits[0].parameters == 1024 * 3 + 3


def test_features_are_those_of_the_network_on_images_as_it_was_trained_on_them(made: Path) -> None:
    dataset = few()
    seen = pretrained._features(NAME, find_weights(NAME), dataset)
    network = get_model(NAME, weights=None)
    network.load_state_dict(torch.load(made, weights_only=True))
    network.fc = torch.nn.Identity()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    found = []
    for index in (dataset.train, dataset.test):
        images = torch.as_tensor(dataset.features[index]).movedim(-1, 1).float() / 255
        large = torch.nn.functional.interpolate(images, (64, 64), mode="bilinear", antialias=True)
        with torch.no_grad():
            found.append(network.eval()((large - mean) / std).numpy())
    for ours, theirs in zip((seen.train, seen.test), found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_fine_tuned_backbone_begins_with_the_weights_and_each_seed_with_its_own_layer() -> None:
    family, dataset = find_family("images", f"tuned-{NAME}"), few()
    assert isinstance(family, Network)
    recipe = quick_recipe(epochs=1, optimizer="sgd", learning_rate=1e-12, weight_decay=0.0)
    result = fit(dataset, family, TrainSpec(family=family.name, seeds=(3, 5), recipe=recipe, device="cpu"))
    assert result.strategy == "separate"
    body, _ = backbone(NAME, find_weights(NAME))
    for name, parameter in body.named_parameters():
        torch.testing.assert_close(result.states[f"net.{name}"], torch.stack([parameter.detach()] * 2))
    heads = result.states["head.weight"]
    assert not torch.equal(heads[0], heads[1])


def asked(family: Family) -> object:
    if isinstance(family, Baseline):
        return family.fit(few(), 0, 2)
    return fit(few(), family, TrainSpec(family=family.name, seeds=(0,), device="cpu"))


def test_without_weights_a_sentence_says_what_to_put_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HW3_WEIGHTS", str(tmp_path))
    for kind in ("frozen", "tuned"):
        family = find_family("images", f"{kind}-resnet18")
        with pytest.raises(TrainingError, match=r"no weights of resnet18 .*: put resnet18-\w+\.pth into .*, or set"):
            asked(family)


def test_weights_that_are_not_what_their_name_says_are_refused(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HW3_WEIGHTS", str(tmp_path))
    damaged = tmp_path / made.name
    damaged.write_bytes(made.read_bytes()[:-1])
    with pytest.raises(TrainingError, match=f"{made.name}: the content has sha256 .* as its name says"):
        find_weights(NAME)
    damaged.unlink()
    other = made.read_bytes()
    (tmp_path / f"resnet18-{hashlib.sha256(other).hexdigest()[:10]}.pth").write_bytes(other)
    weights = find_weights("resnet18")
    with pytest.raises(TrainingError, match=r"these are no weights of resnet18 \(Error.* Take its own file"):
        backbone("resnet18", weights)


def test_a_file_that_would_run_code_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HW3_WEIGHTS", str(tmp_path))
    torch.save(get_model(NAME, weights=None), tmp_path / "whole.pth")
    digest = hashlib.sha256((tmp_path / "whole.pth").read_bytes()).hexdigest()
    (tmp_path / "whole.pth").rename(tmp_path / f"{NAME}-{digest}.pth")
    weights = find_weights(NAME)
    with pytest.raises(TrainingError, match="these are no weights"):
        backbone(NAME, weights)


def test_weights_come_from_a_mirror_and_stay(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hw3models.families.pretrained_weights._published", lambda _: made.name)
    monkeypatch.setenv("HW3_WEIGHTS", str(tmp_path / "mine"))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(made.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HW3_WEIGHTS_MIRRORS", f"http://127.0.0.1:{server.server_port}/")
        assert find_weights(NAME).path == tmp_path / "mine" / made.name
        server.shutdown()
    assert find_weights(NAME).digest.startswith(made.stem.rpartition("-")[2]), "without the server"


def test_names_of_backbones_are_checked_before_anything_is_trained() -> None:
    with pytest.raises(SpecError, match=r"no backbone 'resnet19'\. Did you mean .*resnet"):
        find_family("images", "frozen-resnet19")
    with pytest.raises(SpecError, match="'frozen-resnet18' is not known for sequences"):
        find_family("sequences", "frozen-resnet18")
    fact = facts_of([f"frozen-{NAME}"])[f"frozen-{NAME}"]
    assert (fact.label, fact.is_baseline) == (f"{NAME}, frozen", False)


def test_the_features_of_other_data_are_others() -> None:
    dataset = few()
    weights = find_weights(NAME)
    first = pretrained._features(NAME, weights, dataset).test
    fewer = replace(dataset, test=dataset.test[:5])
    np.testing.assert_allclose(pretrained._features(NAME, weights, fewer).test, first[:5], rtol=1e-4, atol=1e-4)


def test_a_kept_layer_answers_as_it_did_and_only_on_its_own_backbone() -> None:
    family, dataset = find_family("images", f"frozen-{NAME}"), few()
    assert isinstance(family, Baseline)
    assert family.restore is not None
    fit_ = family.fit(dataset, 1, 2)
    answers = family.restore(fit_.fitted, (14, 14, 3), 3)
    pixels = dataset.features[dataset.test].astype(np.float32) / 255
    np.testing.assert_allclose(answers(pixels)["probabilities"], fit_.probabilities, atol=1e-4)
    with pytest.raises(ValueError, match="trained on other weights"):
        family.restore(fit_.fitted | {"digest": "0" * 64}, (14, 14, 3), 3)
    with pytest.raises(ValueError, match="no linear layer"):
        family.restore({}, (14, 14, 3), 3)
