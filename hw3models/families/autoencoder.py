"""The autoencoder of homework part 2: 784-128-64-k-64-128-784, a code of just a few numbers; the recipe `deep` has the
wider body of Hinton and Salakhutdinov (2006).

SiLU between the layers and a sigmoid at the end; nothing on the code (a ReLU there kills units and makes
training unstable). Trained with MSE per pixel on pixels in 0..1.
"""

import math
from itertools import pairwise

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.nn.dense import ChainOfChains, DenseChain
from hw3models.objectives import RECONSTRUCTION
from hw3models.specs import Recipe


class Autoencoder(ChainOfChains):
    """Encoder, code of k numbers, decoder (Hinton and Salakhutdinov 2006, with a smaller body)."""

    order = ("encoder", "decoder")

    def __init__(self, shape: tuple[int, ...], latent_dim: int, hidden: tuple[int, ...] = (128, 64)) -> None:
        super().__init__()
        num_pixels, self.axes = math.prod(shape), len(shape)
        self.encoder = _layers((num_pixels, *hidden, latent_dim))
        self.decoder = _layers((latent_dim, *reversed(hidden), num_pixels), nn.Sigmoid())

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) or (..., B, H, W, 3) to codes (..., B, k)."""
        code: torch.Tensor = self.encoder(x.flatten(-self.axes))
        return code

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (..., B, k) to pixels (..., B, P) in 0..1."""
        pixels: torch.Tensor = self.decoder(code)
        return pixels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images to reconstructions (..., B, P) in 0..1."""
        return self.decode(self.encode(x))


def _layers(widths: tuple[int, ...], *end: nn.Module) -> DenseChain:
    """Linear layers with SiLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return DenseChain(*layers[:-1], *end)


def build_autoencoder(like: Architecture) -> nn.Module:
    """See `Autoencoder`."""
    return Autoencoder(like.shape, like.latent_dim, like.hidden or (128, 64))


IMAGES = Network(
    name="autoencoder",
    label="autoencoder",
    kind="images",
    objective=RECONSTRUCTION,
    build=build_autoencoder,
    recipe=Recipe(epochs=10, min_examples=60_000, batch_size=64, optimizer="adam", learning_rate=3e-3),
    named={
        "homework": Recipe(epochs=10, batch_size=128, optimizer="adam", learning_rate=1e-3, schedule="constant"),
        "long": Recipe(epochs=30, min_examples=180_000, batch_size=64, optimizer="adam", learning_rate=3e-3),
        "deep": Recipe(
            epochs=30,
            min_examples=180_000,
            batch_size=128,
            optimizer="adam",
            learning_rate=1e-3,
            hidden=(1000, 500, 250),
        ),
    },
)
