from typing import Any

import pytest
import torch
from torch import nn

from hw3models.errors import SpecError
from hw3models.families import FAMILIES, Network, find_family, recipe_of
from hw3models.families.family import Architecture


def build(kind: str, name: str, **changes: object) -> nn.Module:
    family = FAMILIES["images" if kind == "images" else "sequences"][name]
    assert isinstance(family, Network)
    options: dict[str, Any] = {"shape": (28, 28) if kind == "images" else (50, 8), "num_classes": 10}
    return family.build(Architecture(**(options | changes)))


def test_the_image_mlp_is_exactly_the_homeworks_network() -> None:
    model = build("images", "mlp")
    assert isinstance(model, nn.Sequential)
    assert [type(layer) for layer in model] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]
    assert [(layer.in_features, layer.out_features) for layer in model if isinstance(layer, nn.Linear)] == [
        (784, 64),
        (64, 10),
    ]


def test_the_autoencoder_has_the_promised_layers_and_a_code_of_k_numbers() -> None:
    model = build("images", "autoencoder", latent_dim=3)
    sizes = [layer.out_features for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [128, 64, 3, 64, 128, 784]
    images = torch.randn(5, 28, 28)
    assert model.encode(images).shape == (5, 3)
    pixels = model(images)
    assert pixels.shape == (5, 784)
    assert 0 <= pixels.min() <= pixels.max() <= 1


def test_the_deep_autoencoder_is_hinton_and_salakhutdinovs() -> None:
    family = FAMILIES["images"]["autoencoder"]
    assert isinstance(family, Network)
    model = build("images", "autoencoder", latent_dim=30, hidden=recipe_of(family, "deep").hidden)
    sizes = [layer.out_features for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [1000, 500, 250, 30, 250, 500, 1000, 784]


def test_recipes_have_names_and_a_wrong_one_is_refused() -> None:
    family = FAMILIES["images"]["mlp"]
    assert isinstance(family, Network)
    plain = recipe_of(family, "homework")
    assert (plain.optimizer, plain.learning_rate, plain.schedule, plain.weight_decay) == ("adam", 1e-3, "constant", 0)
    assert recipe_of(family, "default") == family.recipe
    with pytest.raises(SpecError, match="`recipe` 'deep' is not known for mlp on images; known: default, homework, lo"):
        recipe_of(family, "deep")


@pytest.mark.parametrize("name", [name for name, one in FAMILIES["sequences"].items() if isinstance(one, Network)])
@pytest.mark.parametrize(("steps", "channels", "classes"), [(50, 8, 2), (1, 1, 3), (120, 3, 25), (1100, 1, 2)])
def test_sequence_networks_take_any_shape_and_give_logits(name: str, steps: int, channels: int, classes: int) -> None:
    model = build("sequences", name, shape=(steps, channels), num_classes=classes).eval()
    logits = model(torch.randn(4, steps, channels))
    assert logits.shape == (4, classes)
    assert not torch.allclose(logits.exp().sum(1), torch.ones(4)), "logits, not probabilities"


def test_an_lstm_starts_with_its_forget_gate_open() -> None:
    layer = build("sequences", "lstm").get_submodule("ahead")
    hidden = layer.hidden_size
    assert isinstance(hidden, int)
    total = layer.get_parameter("bias_ih_l0") + layer.get_parameter("bias_hh_l0")
    assert torch.equal(total[hidden : 2 * hidden], torch.ones(hidden))


def test_an_unknown_family_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SpecError, match=r"'lstn' is not known for sequences; known: mlp, cnn.*Did you mean 'lstm'\?"):
        find_family("sequences", "lstn")


def test_families_of_images_are_not_found_for_sequences() -> None:
    with pytest.raises(SpecError, match="'autoencoder' is not known for sequences"):
        find_family("sequences", "autoencoder")
