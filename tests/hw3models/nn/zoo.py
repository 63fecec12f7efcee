"""Modules as people write them, none of them for this project: (S, B, ...) is nothing they know of."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import MobileNetV3, ResNet, VisionTransformer, resnet18
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.resnet import Bottleneck

SERIES, IMAGE = (20, 4), (3, 32, 32)


@dataclass(frozen=True)
class Animal:
    """A module, what it is given, and how its replicates are expected to run."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...] = SERIES
    layout: str = "vmap"
    draws: bool = False


class Encoder(nn.Module):
    """torch's transformer."""

    def __init__(self, dropout: float = 0.1, **options: bool) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=dropout, batch_first=True, **options)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.embed(x)).mean(1))


class Recurrent(nn.Module):
    """The last state of torch's recurrent layers, by position in the batch."""

    def __init__(self, cell: type[nn.Module], **options: object) -> None:
        super().__init__()
        self.cell = cell(4, 6, batch_first=True, **options)
        ways = 2 if options.get("bidirectional") else 1
        self.head = nn.Linear(ways * int(str(options.get("proj_size", 6))), 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cell(x)[0][:, -1])


class UNet(nn.Module):
    """A skip connection around a bottleneck."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.down = nn.Conv1d(4, 8, 3, padding=1), nn.Conv1d(8, 8, 3, 2, 1)
        self.up, self.leave = nn.ConvTranspose1d(8, 8, 2, 2), nn.Conv1d(16, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = F.relu(self.enter(x.transpose(1, 2)))
        back = self.up(F.relu(self.down(wide)))
        return self.leave(torch.cat([wide, back], 1)).mean(2)


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(80, 80), nn.Linear(80, 80), nn.Linear(80, 3)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.second(torch.relu(self.first(x.flatten(1))))))


class Twice(nn.Module):
    """One layer, used twice, under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(80, 80)
        self.b = self.a
        self.head = nn.Linear(80, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.b(torch.relu(self.a(x.flatten(-2))))))


class Bare(nn.Module):
    """A parameter and a buffer without a layer; the buffer counts while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(80, 3) / 9)
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x.flatten(1) @ self.weight
        if self.training:
            self.seen.add_(0.1 * out.mean(0).detach())
        return out + self.seen


class Attentive(nn.Module):
    """Attention over time with a mask, and embeddings of the signs of the first channel."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.signs, self.enter = nn.Embedding(2, 8), nn.Linear(4, 8)
        self.attend, self.norm = nn.MultiheadAttention(8, 2, dropout=dropout, batch_first=True), nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.enter(x) + self.signs((x[..., 0] > 0).long())
        later = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool, device=x.device).triu(1)
        found, _ = self.attend(h, h, h, attn_mask=later, need_weights=False)
        return self.head(self.norm(h + found).mean(-2))


class Functional(nn.Module):
    """Dropout and noise by function calls."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.head = nn.Linear(80, 16), nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.enter(x.flatten(1))
        if self.training:
            h = h + 0.1 * torch.randn_like(h)
        return self.head(F.dropout(torch.relu(h), 0.3, self.training))


class Channels(nn.Sequential):
    """Layers over (B, C, T)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.transpose(-1, -2))


def layers(*between: nn.Module) -> Callable[[], nn.Module]:
    """A small network of series around some layers."""

    def make() -> nn.Module:
        first, last = nn.Conv1d(4, 4, 3, padding=1), nn.Linear(8, 3)
        return Channels(first, *map(copy.deepcopy, between), nn.AdaptiveMaxPool1d(2), nn.Flatten(), last)

    return make


def flat(*between: nn.Module) -> Callable[[], nn.Module]:
    """A small dense network around some layers of 16 numbers."""
    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(80, 16), *map(copy.deepcopy, between), nn.Linear(16, 3))


def mobile_net() -> nn.Module:
    block = InvertedResidualConfig(8, 3, 16, 8, True, "HS", 1, 1, 1.0)
    return MobileNetV3([block], last_channel=16, num_classes=3, dropout=0.2)


def conv_next() -> nn.Module:
    return ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)], 0.5, num_classes=3)


def recurrent(cell: type[nn.Module], options: dict[str, object]) -> Animal:
    return Animal(lambda: Recurrent(cell, **options), layout="plain", draws="dropout" in options)


def small_convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding="valid", dilation=2),
        nn.BatchNorm2d(8),
        nn.Hardswish(),
        nn.Dropout2d(0.2),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, (3, 1), padding="same", padding_mode="reflect", groups=8),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


ZOO: dict[str, Animal] = {
    "resnet18": Animal(lambda: resnet18(num_classes=3), IMAGE),
    "resnet-bottleneck": Animal(lambda: ResNet(Bottleneck, [1, 1, 1, 1], num_classes=3, width_per_group=8), IMAGE),
    "mobilenet-v3": Animal(mobile_net, IMAGE, draws=True),
    "vit": Animal(lambda: VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3), IMAGE),
    "vit-dropout": Animal(
        lambda: VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3, dropout=0.1, attention_dropout=0.1),
        IMAGE,
        draws=True,
    ),
    "convnext": Animal(conv_next, IMAGE, "plain", draws=True),
    "transformer": Animal(Encoder, draws=True),
    "transformer-norm-first": Animal(lambda: Encoder(0.0, norm_first=True)),
    **{
        f"{cell.__name__.lower()}-{name}": recurrent(cell, options)
        for cell in (nn.LSTM, nn.GRU, nn.RNN)
        for name, options in {
            "plain": {},
            "both-ways": {"bidirectional": True},
            "deep-dropout": {"num_layers": 2, "dropout": 0.3},
            "no-bias": {"bias": False},
        }.items()
    },
    "lstm-projected": Animal(lambda: Recurrent(nn.LSTM, proj_size=3), layout="plain"),
    "unet": Animal(UNet),
    "tied-weights": Animal(Tied),
    "layer-under-two-names": Animal(Twice, layout="stacked"),
    "bare-parameter-and-buffer": Animal(Bare),
    "attention-and-embedding": Animal(Attentive, layout="stacked"),
    "attention-dropout": Animal(lambda: Attentive(0.2), layout="stacked", draws=True),
    "functional-dropout": Animal(Functional, draws=True),
    "in-place-activations": Animal(
        flat(nn.ReLU(inplace=True), nn.Linear(16, 16), nn.SiLU(inplace=True)), layout="stacked"
    ),
    "softmax-over-an-axis": Animal(flat(nn.Softmax(dim=1)), layout="stacked"),
    "dropout": Animal(flat(nn.ReLU(), nn.Dropout(0.3)), layout="stacked", draws=True),
    "alpha-dropout": Animal(flat(nn.SELU(), nn.AlphaDropout(0.3)), layout="stacked", draws=True),
    "rrelu": Animal(flat(nn.RReLU()), layout="stacked", draws=True),
    "batch-norm-of-rows": Animal(flat(nn.BatchNorm1d(16), nn.Tanh()), layout="stacked"),
    "layer-norm": Animal(layers(nn.LayerNorm(20)), layout="stacked"),
    "group-norm-and-prelu": Animal(layers(nn.GroupNorm(2, 4), nn.PReLU(4)), layout="stacked"),
    "grouped-dilated-circular": Animal(
        layers(nn.Conv1d(4, 4, 3, groups=2, dilation=2, padding=2, padding_mode="circular")), layout="stacked"
    ),
    "pools": Animal(layers(nn.MaxPool1d(2), nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(4)), layout="stacked"),
    "dropout-of-channels": Animal(layers(nn.Dropout1d(0.4)), layout="stacked", draws=True),
    "feature-alpha-dropout": Animal(layers(nn.FeatureAlphaDropout(0.4)), layout="stacked", draws=True),
    "instance-norm": Animal(layers(nn.InstanceNorm1d(4, affine=True))),
    "conv2d": Animal(small_convolutions, IMAGE, "stacked", draws=True),
}


class Quantum(nn.Module):
    """A layer that draws what nobody can give it from the replicate's generator."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.multinomial(torch.ones(2), 1).to(x.dtype)


class OfNumpy(nn.Module):
    """A layer that asks numpy."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * float(np.random.rand())


class Forgetful(nn.Module):
    """A layer that drops while it should not."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, 0.5, training=True)


class Counting(nn.Module):
    """A layer with a memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x + self.calls


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a draw that nobody knows": (flat(Quantum()), r"draws from torch's global generator .*in 2 \(Quantum\)"),
    "numpy": (flat(OfNumpy()), "draws from numpy's global generator"),
    "dropout in evaluation": (flat(Forgetful()), "draws random numbers in evaluation mode"),
    "another answer each time": (flat(Counting()), "gives another answer the second time"),
}


class DropPath(nn.Module):
    """Stochastic depth as timm has it: an example is dropped as a whole, by the first axis."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept.div_(1 - self.p)


class Deciding(nn.Module):
    """What it does depends on the values of the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        largest = x.abs().max()
        return x * (3 / largest) if largest > 3 else x


class Hooked(nn.Module):
    """A parameter whose gradient is changed by a hook, which no copy has."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16)
        self.layer.weight.register_hook(lambda grad: grad * 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class OfItsOwn(nn.Module):
    """Noise from a generator that all replicates of a process share."""

    shared = torch.Generator().manual_seed(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.randn(x.shape, generator=self.shared, dtype=x.dtype) if self.training else x


class NumpyWeights(nn.Module):
    """Weights that do not come from torch's generator."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(np.random.randn(16)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight.to(x.dtype)


def around(layer: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """A small dense network around a fresh layer."""
    return lambda: nn.Sequential(nn.Flatten(-2), nn.Linear(80, 16), layer(), nn.Linear(16, 3))


ZOO["rare-drop-path"] = Animal(around(lambda: DropPath(0.01)), draws=True)
REFUSED["a generator of its own"] = (around(OfItsOwn), "draws from a generator of its own")
REFUSED["weights from elsewhere"] = (around(NumpyWeights), "begins with other weights each time")
NOT_STACKED = {"values": around(Deciding), "a gradient's hook": around(Hooked)}
