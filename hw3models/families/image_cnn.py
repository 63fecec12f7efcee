"""A small convolutional network for images, after LeNet-5 (LeCun et al. 1998) with batch normalisation (Ioffe and
Szegedy 2015).

Differs from LeNet: kernels of 3, the maximum is pooled, ReLU, two convolutions at the smallest size, where they cost
little, and one linear layer after them. Pooling comes before the normalisation, which then has a quarter of the pixels.
"""

import torch
from torch import nn

from hw3models.families.family import Architecture, Network
from hw3models.families.named import IMAGE_CONVOLUTIONS, image_recipes
from hw3models.nn.layers import ChannelsFirst, Dropout

READ_CLOSELY = 48
"""Larger images are read in steps: 2 pixels up to twice this side, then 4, and so on."""
SMALLEST = 8
"""Sides that are still halved."""
KEPT = 3
"""Rows and columns of features that the linear layer sees."""


class ImageCNN(nn.Module):
    """Convolution, pooling, normalisation and ReLU, as often as the image can be halved; one more; a linear layer."""

    def __init__(self, shape: tuple[int, ...], num_classes: int, *, width: int = 32, dropout: float = 0.0) -> None:
        super().__init__()
        self.enter = ChannelsFirst(shape)
        step = reading_step(shape, READ_CLOSELY)
        size, first = -(-min(shape[:2]) // step), nn.Conv2d(self.enter.num_channels, width, 3, step, 1, bias=False)
        layers: list[nn.Module] = [first]
        outputs = width
        while size >= SMALLEST:
            layers += [nn.MaxPool2d(2), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs, outputs, size = outputs, 2 * width, size // 2
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)]
        self.body = nn.Sequential(*layers, nn.BatchNorm2d(outputs), nn.ReLU())
        self.pool = nn.AdaptiveMaxPool2d(KEPT)
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(KEPT**2 * outputs, num_classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) or (..., B, H, W, C) to logits (..., B, K)."""
        features = self.pool(self.body(self.enter(x)))
        logits: torch.Tensor = self.head(features.flatten(-3))
        return logits


def reading_step(shape: tuple[int, ...], closely: int) -> int:
    """Pixels that a first convolution goes on by: the smallest power of 2 that leaves at most `closely` of a side."""
    step = 1
    while max(shape[:2]) > closely * step:
        step *= 2
    return step


def build_cnn(like: Architecture) -> nn.Module:
    """See `ImageCNN`."""
    model = ImageCNN(like.shape, like.num_classes, width=like.width or 32, dropout=like.dropout)
    # Where channels lie last in memory, convolutions on a CPU take half as long.
    return model.to(memory_format=torch.channels_last)


RECIPE = IMAGE_CONVOLUTIONS.model_copy(update={"epochs": 13, "tried": 3})
IMAGES = Network(
    name="cnn",
    label="CNN",
    kind="images",
    build=build_cnn,
    recipe=RECIPE,
    computes_in_bf16=True,
    named=image_recipes(RECIPE),
)
