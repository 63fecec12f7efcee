"""Residual networks for small images, in the form of He et al. (2016, section 4.2): 6n + 2 layers in three groups.

Shortcuts without parameters (their option A): every second pixel, and zeros for the new channels. Images of sides over
48 pixels are read in steps of 2 or more by the first convolution.
"""

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.errors import SpecError
from hw3models.families.family import Architecture, Network
from hw3models.families.image_cnn import READ_CLOSELY, reading_step
from hw3models.families.named import IMAGE_CONVOLUTIONS, image_recipes
from hw3models.nn.layers import ChannelsFirst, Dropout, ImageMean


class ResidualBlock(nn.Module):
    """Two convolutions whose output is added to the input (figure 2 of the paper)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.added = stride, outputs - inputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., C, H, W) to (..., C', H', W')."""
        shortcut = x[..., :: self.stride, :: self.stride]
        if self.added:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, self.added // 2, self.added - self.added // 2))
        out: torch.Tensor = self.body(x)
        return torch.relu(out + shortcut)


class ResNet(nn.Module):
    """A convolution, three groups of blocks with `width`, twice and four times as many channels, the mean, a linear
    layer."""

    def __init__(self, shape: tuple[int, ...], num_classes: int, *, depth: int, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = ChannelsFirst(shape)
        step = reading_step(shape, READ_CLOSELY)
        layers: list[nn.Module] = [
            nn.Conv2d(self.enter.num_channels, width, 3, step, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        inputs = width
        for group in range(3):
            for block in range((depth - 2) // 6):
                outputs = width * 2**group
                layers.append(ResidualBlock(inputs, outputs, 2 if group and not block else 1))
                inputs = outputs
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(ImageMean(), Dropout(dropout), nn.Linear(inputs, num_classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) or (..., B, H, W, C) to logits (..., B, K)."""
        logits: torch.Tensor = self.head(self.body(self.enter(x)))
        return logits


def build_resnet(like: Architecture) -> nn.Module:
    """See `ResNet`.

    Raises:
        SpecError: there is none of that depth.
    """
    depth = like.depth or 8
    if depth < 8 or depth % 6 != 2:
        raise SpecError(f"`depth` is {depth}; residual networks have 6n + 2 layers: 8, 14, 20, 32, 44, 56 or 110.")
    model = ResNet(like.shape, like.num_classes, depth=depth, width=like.width or 16, dropout=like.dropout)
    return model.to(memory_format=torch.channels_last)


IMAGES = Network(
    name="resnet",
    label="ResNet",
    kind="images",
    build=build_resnet,
    recipe=IMAGE_CONVOLUTIONS,
    computes_in_bf16=True,
    named=image_recipes(IMAGE_CONVOLUTIONS, {"depth": 20, "width": 32, "cutout": 0.3}),
)
