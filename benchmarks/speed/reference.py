"""What we are measured against: the loop everyone writes, and plain modules one after another.

Kept as plain as they come: no engine, no stacking, torch's defaults.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


def naive_classifier(images: Dataset[tuple[torch.Tensor, int]], device: str = "cpu") -> None:
    """One epoch of 784-64-10 as the tutorials have it: torchvision's MNIST with ToTensor, a DataLoader, `.item()`."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    _epoch(model, images, device, classified)


def naive_autoencoder(images: Dataset[tuple[torch.Tensor, int]], device: str = "cpu") -> None:
    """One epoch of 784-128-64-2-64-128-784, the same way."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise((784, 128, 64, 2, 64, 128, 784)):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    _epoch(nn.Sequential(*layers[:-1], nn.Sigmoid()), images, device, rebuilt)


def _epoch(model: nn.Module, images: Dataset[tuple[torch.Tensor, int]], device: str, loss: "Loss") -> None:
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    for x, y in DataLoader(images, batch_size=64, shuffle=True):
        x, y = x.to(device), y.to(device)
        value = loss(model(x), y, x)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        total += value.item()


Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Of outputs, labels and inputs."""


def classified(output: torch.Tensor, y: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Cross-entropy."""
    return F.cross_entropy(output, y)


def rebuilt(output: torch.Tensor, _: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Squared error per pixel."""
    return F.mse_loss(output, x.flatten(1))


def one_after_another(
    build: Callable[[], nn.Module],
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    models: int,
    epochs: int,
    loss: Loss = classified,
) -> None:
    """Plain modules with batches of 64, each trained alone, on tensors that are on the device already."""
    for seed in range(models):
        torch.manual_seed(seed)
        model = build().to(x.device).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        for _ in range(epochs):
            for index in torch.randperm(len(x), device=x.device).split(64):
                value = loss(model(x[index]), y[index], x[index])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
