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
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    for x, y in DataLoader(images, batch_size=64, shuffle=True):
        loss = F.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()


def naive_autoencoder(images: Dataset[tuple[torch.Tensor, int]], device: str = "cpu") -> None:
    """One epoch of 784-128-64-2-64-128-784, the same way."""
    widths = (784, 128, 64, 2, 64, 128, 784)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    model = nn.Sequential(*layers[:-1], nn.Sigmoid()).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    for x, _ in DataLoader(images, batch_size=64, shuffle=True):
        x = x.to(device)
        loss = F.mse_loss(model(x), x.flatten(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()


Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Of outputs, labels and inputs."""


def classified(output: torch.Tensor, y: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Cross-entropy."""
    return F.cross_entropy(output, y)


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
