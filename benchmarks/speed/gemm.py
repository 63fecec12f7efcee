"""How fast the machine multiplies matrices of the sizes that a training needs: the mark for achieved FLOP/s."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch

from hw3models.runtime.devices import one_thread

Shape = tuple[int, int, int]
"""(rows, inner, columns) of one product."""


def layer_products(batch: int, widths: tuple[int, ...]) -> list[Shape]:
    """Products of one step of a dense net: forward, weights' gradient, and inputs' gradient but for the first layer."""
    return convolution_products(batch, 1, tuple((inputs, outputs, 1) for inputs, outputs in pairwise(widths)))


def convolution_products(batch: int, steps: int, layers: tuple[tuple[int, int, int], ...]) -> list[Shape]:
    """The same for 1-D convolutions (inputs, outputs, kernel) that keep the length, as matrices of patches."""
    shapes: list[Shape] = []
    for number, (inputs, outputs, kernel) in enumerate(layers):
        rows, patch = batch * steps, inputs * kernel
        shapes += [(rows, patch, outputs), (outputs, rows, patch)]
        if number:
            shapes.append((rows, outputs * kernel, inputs))
    return shapes


def flops(shapes: list[Shape]) -> int:
    """Two per multiplication and addition."""
    return sum(2 * m * k * n for m, k, n in shapes)


def seconds_of(shapes: list[Shape], threads: int, *, repeats: int = 7) -> float:
    """Time per step if it were nothing but these products, one thread per core and all cores at work."""
    return sum(_fastest(shape, threads, repeats) for shape in shapes) / threads


def _fastest(shape: Shape, threads: int, repeats: int) -> float:
    """Seconds of one product on one thread: the faster of products alone and batches of eight."""
    m, k, n = shape
    calls = max(3, int(2e8 / (2 * m * k * n * 8)))
    left, right = torch.randn(threads, 8, m, k), torch.randn(threads, 8, k, n)

    def batched(thread: int) -> float:
        out = torch.empty(8, m, n)
        start = time.perf_counter()
        for _ in range(calls):
            torch.bmm(left[thread], right[thread], out=out)
        return (time.perf_counter() - start) / (8 * calls)

    def alone(thread: int) -> float:
        out, a, b = torch.empty(m, n), left[thread, 0], right[thread, 0]
        start = time.perf_counter()
        for _ in range(calls * 8):
            torch.mm(a, b, out=out)
        return (time.perf_counter() - start) / (8 * calls)

    with one_thread(), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return min(sum(pool.map(way, range(threads))) / threads for _ in range(repeats) for way in (batched, alone))
