"""A convolutional autoencoder: two convolutions that halve the image, a linear code, and the way back.

Nearest pixels are repeated and then convolved, which leaves no checkerboards as transposed convolutions do (Odena,
Dumoulin and Olah 2016). Nothing on the code, a sigmoid at the end, as in the dense one.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.image_cnn import READ_CLOSELY, reading_step
from hw3models.nn.layers import ChannelsFirst
from hw3models.objectives import RECONSTRUCTION
from hw3models.specs import Recipe


class ConvAutoencoder(nn.Module):
    """Encoder, code of k numbers, decoder."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, *, width: int) -> None:
        super().__init__()
        self.enter = ChannelsFirst(shape)
        channels, step = self.enter.num_channels, 2 * reading_step(shape, READ_CLOSELY)
        halves = tuple(-(-side // step) for side in shape[:2])
        self.smallest = (2 * width, *(-(-side // 2) for side in halves))
        size = self.smallest[0] * self.smallest[1] * self.smallest[2]
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 2 * (step // 2) + 1, step, step // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.SiLU(),
        )
        self.to_code, self.from_code = nn.Linear(size, latent_dim), nn.Linear(latent_dim, size)
        self.decoder = nn.Sequential(
            nn.BatchNorm2d(2 * width),
            nn.SiLU(),
            nn.Upsample(size=halves),
            nn.Conv2d(2 * width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Upsample(size=shape[:2]),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Sigmoid(),
        )

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) or (..., B, H, W, C) to codes (..., B, k)."""
        code: torch.Tensor = self.to_code(self.encoder(self.enter(x)).flatten(-3))
        return code

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (..., B, k) to pixels (..., B, P) in 0..1, in the order in which images are kept."""
        pixels: torch.Tensor = self.decoder(self.from_code(code).unflatten(-1, self.smallest))
        return pixels.movedim(-3, -1).flatten(-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images to reconstructions (..., B, P) in 0..1."""
        return self.decode(self.encode(x))


def build_conv_autoencoder(like: Architecture) -> nn.Module:
    """See `ConvAutoencoder`."""
    model = ConvAutoencoder(like.shape, like.latent_dim, width=like.width or 16)
    return model.to(memory_format=torch.channels_last)


IMAGES = Network(
    name="conv-autoencoder",
    label="convolutional autoencoder",
    kind="images",
    objective=RECONSTRUCTION,
    build=build_conv_autoencoder,
    recipe=Recipe(epochs=10, min_examples=60_000, batch_size=64, optimizer="adam", learning_rate=3e-3),
    in_default=False,
    named={
        "homework": Recipe(epochs=10, batch_size=128, optimizer="adam", learning_rate=1e-3, schedule="constant"),
        "long": Recipe(epochs=30, min_examples=180_000, batch_size=64, optimizer="adam", learning_rate=3e-3),
        "deep": Recipe(epochs=30, min_examples=180_000, batch_size=64, optimizer="adam", learning_rate=3e-3, width=32),
    },
    computes_in_bf16=True,
)
