"""`regime:burst` against its equation."""

import hashlib

import numpy as np
import pytest

from hw3models.data.known.number_regimes import best_rmse, burst_shape, make_burst
from hw3models.data.targets import targets_of
from hw3models.specs import DataSpec


def made(**options: object) -> tuple[np.ndarray, np.ndarray]:
    raw = make_burst(DataSpec.model_validate({"source": "regime:burst", "num_train": 300, "num_test": 200, **options}))
    return raw.features.astype(np.float64), targets_of(raw, "here")


def test_the_height_is_what_was_added_at_a_random_place() -> None:
    series, heights = made(difficulty=1e-4)
    peaks = series[:, :, 0].max(axis=1) * 1e-4
    np.testing.assert_allclose(peaks, heights * burst_shape().max(), atol=1e-3)
    places = series[:, :, 0].argmax(axis=1)
    assert (places.min(), places.max()) == (4, 45)
    assert np.abs(series[:, :, 1]).max() < 3, "noise alone"


@pytest.mark.parametrize("difficulty", [0.5, 1.0])
def test_least_squares_at_the_place_has_the_least_error(difficulty: float) -> None:
    series, heights = made(num_train=4000, difficulty=difficulty)
    w, found = burst_shape(), []
    windows = np.lib.stride_tricks.sliding_window_view(series[:, :, 0], 9, axis=1) @ w * difficulty / (w @ w)
    # The place with the least squared error, as one who is not told it would find it.
    found = windows[np.arange(len(series)), windows.argmax(axis=1)]
    rmse = np.sqrt(np.mean((found - heights) ** 2))
    assert best_rmse(difficulty) * 0.98 < rmse < best_rmse(difficulty) * 1.3


def test_a_seed_gives_the_same_series_and_train_is_not_test() -> None:
    series, heights = made()
    assert series.shape == (500, 50, 2)
    np.testing.assert_array_equal(made()[0], series)
    assert not np.array_equal(made(seed=1)[1], heights)
    assert len({one.tobytes() for one in series}) == 500
    np.testing.assert_array_equal(made(num_train=20)[0][20:], series[300:])
    # Pinned: other series under the same spec must come with a new VERSION.
    digest = hashlib.sha256(series.astype(np.float32).tobytes() + heights.tobytes()).hexdigest()
    assert digest[:8] == "0edb32ec"
