"""The autoencoder of homework part 2: 784-128-64-k-64-128-784, a code of just a few numbers.

SiLU between the layers and a sigmoid at the end; nothing on the code (a ReLU there kills units and makes
training unstable). Trained with MSE per pixel on pixels in 0..1.
"""

import math

import torch
from torch import nn

from hw3models.families.family import Network
from hw3models.specs import Recipe


class Autoencoder(nn.Module):
    """Encoder, code of k numbers, decoder (Hinton and Salakhutdinov 2006, with a smaller body)."""

    def __init__(self, num_pixels: int, code_size: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(num_pixels, 128), nn.SiLU(), nn.Linear(128, 64), nn.SiLU(), nn.Linear(64, code_size)
        )
        self.decoder = nn.Sequential(
            nn.Linear(code_size, 64), nn.SiLU(), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, num_pixels), nn.Sigmoid()
        )

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, 28, 28) to codes (..., B, k)."""
        code: torch.Tensor = self.encoder(x.flatten(-2))
        return code

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (..., B, k) to pixels (..., B, 784) in 0..1."""
        pixels: torch.Tensor = self.decoder(code)
        return pixels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, 28, 28) to reconstructions (..., B, 784) in 0..1."""
        return self.decode(self.encode(x))


def build_autoencoder(*, shape: tuple[int, ...], num_classes: int, dropout: float, code_size: int) -> nn.Module:  # noqa: ARG001
    """See `Autoencoder`."""
    return Autoencoder(math.prod(shape), code_size)


IMAGES = Network(
    name="autoencoder",
    label="autoencoder",
    kind="images",
    task="reconstruction",
    build=build_autoencoder,
    recipe=Recipe(epochs=10, min_examples=60_000, batch_size=64, optimizer="adam", learning_rate=3e-3),
)
