"""What `make precision` measures with: imitated products of TF32, and a test of equivalence that can fail."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks import precision as page_of
from benchmarks.precision import Row, furthest, page, write_table
from benchmarks.tf32 import CutProducts, cut


def of_ten_bits(x: torch.Tensor) -> np.ndarray:
    """By arithmetic: mantissas in units of 2**-11 of [0.5, 1), cut towards zero."""
    mantissa, exponent = np.frexp(x.detach().double().numpy())
    return np.ldexp(np.trunc(mantissa * 2**11) / 2**11, exponent)


def test_numbers_are_cut_to_ten_bits_of_mantissa() -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 1e3
    np.testing.assert_array_equal(cut(x).numpy(), of_ten_bits(x))
    assert not torch.equal(cut(x), x)
    whole = torch.arange(8)
    assert cut(whole) is whole


def test_products_forward_and_backward_are_those_of_cut_numbers_and_sums_are_not() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(3, 8, 8, generator=generator, requires_grad=True) for _ in range(2))
    bias, out = torch.randn(3, 1, 8, generator=generator), torch.empty(3, 8, 8)
    with CutProducts():
        y = torch.baddbmm(bias, x, weight)
        y.sum().backward()
        with torch.no_grad():
            torch.bmm(x, weight, out=out)
    exact = of_ten_bits(x) @ of_ten_bits(weight)
    np.testing.assert_allclose(y.detach().numpy(), exact + bias.numpy(), atol=2e-6)
    np.testing.assert_allclose(out.numpy(), exact, atol=2e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.ones((3, 8, 8)) @ of_ten_bits(weight).transpose(0, 2, 1), atol=2e-6)
    assert np.abs((x @ weight).detach().numpy() - exact).max() > 1e-4


def test_convolutions_are_cut_as_well() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(*shape, generator=generator) for shape in ((2, 3, 9), (4, 3, 5), (4,)))
    with CutProducts():
        y = F.conv1d(x, weight, bias)
    expected = F.conv1d(torch.from_numpy(of_ten_bits(x)), torch.from_numpy(of_ten_bits(weight)), bias.double())
    np.testing.assert_allclose(y.numpy(), expected.numpy(), atol=2e-6)


def losses(seeds: int, shift: float = 0.0, draw: int = 0) -> np.ndarray:
    """Twenty epochs, log-normal over the seeds with a standard deviation of 0.1, shifted at the end by so many."""
    noise = np.random.default_rng(draw).normal(0, 0.1, seeds)
    fall = np.linspace(1, -2, 20)[:, None]
    late = np.where(np.arange(20) >= 15, 0.1 * shift, 0)[:, None]
    return np.exp(fall + noise + late)


def test_a_difference_counts_in_standard_deviations_of_the_seeds() -> None:
    full = losses(40)
    assert furthest(full, full) == 0
    # The same seeds, all shifted alike: the interval has no width.
    exact = 0.3 * 0.1 / np.log(full[-1]).std(ddof=1)
    assert furthest(losses(40, 0.3), full) == pytest.approx(exact)


def test_other_draws_pass_with_many_seeds_and_a_shift_or_few_seeds_do_not() -> None:
    assert furthest(losses(60, draw=1), losses(60, draw=2)) < 1
    assert furthest(losses(60, 1.5, draw=1), losses(60, draw=2)) > 1
    assert furthest(losses(5, draw=1), losses(5, draw=2)) > 1


def test_auto_gets_tf32_where_no_data_set_shows_a_change(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(page_of, "TABLE", tmp_path / "precision.json")
    rows = [
        Row("sequences/cnn", "a", "tf32", True, 0.2, 0.3),
        Row("sequences/cnn", "b", "tf32", True, 0.2, 1.3),
        Row("sequences/gru", "a", "tf32", True, 0.2, 0.3),
        Row("sequences/gru", "a", "bf16", False, 2.2, 0.3),
    ]
    write_table(rows)
    assert (tmp_path / "precision.json").read_text() == '{\n  "tf32": [\n    "sequences/gru"\n  ]\n}\n'
    text = page(rows, {("sequences/gru", "bf16"): 1.25}, 40, torch.device("cpu"))
    assert "| sequences/cnn | b | tf32, imitated | 0.20 | 1.30 (changed) |  |" in text
    assert "| sequences/gru | a | bf16 | 2.20 (changed) | 0.30 | 1.25 |" in text
    assert "40 seeds; cpu (" in text
