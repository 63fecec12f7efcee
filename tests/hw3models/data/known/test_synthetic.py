"""Each regime against what its equation says must come out."""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from hw3models.data.known.synthetic import REGIMES, Draw, chirp, informative, locked_pattern, make_regime, order
from hw3models.data.raw import Raw
from hw3models.errors import SpecError
from hw3models.specs import DataSpec

PINNED = {"motif": "18ddeded", "order": "14fa4704", "locked": "7bd1cd7e", "dynamics": "9d0a958b", "trend": "f981a506"}


def make(name: str, *, seed: int = 0, difficulty: float = 1.0, num_train: int = 2000, num_test: int = 2000) -> Raw:
    return make_regime(
        DataSpec(source=f"regime:{name}", seed=seed, difficulty=difficulty, num_train=num_train, num_test=num_test)
    )


def noise_free(name: str, size: int = 400) -> tuple[Raw, NDArray[np.float32]]:
    """A regime whose signal is 10,000 times stronger than usual, and its series brought back to scale."""
    raw = make(name, difficulty=1e-4, num_train=size, num_test=20)
    return raw, raw.features * np.float32(1e-4)


@pytest.mark.parametrize("name", REGIMES)
def test_series_are_50_by_8_balanced_and_train_and_test_differ(name: str) -> None:
    raw = make(name, num_train=301, num_test=100)
    assert (raw.features.dtype, raw.features.shape) == (np.float32, (401, 50, 8))
    assert raw.test is not None
    assert np.bincount(raw.labels[~raw.test]).tolist() == [151, 150]
    assert np.bincount(raw.labels[raw.test]).tolist() == [50, 50]
    assert len({one.tobytes() for one in raw.features}) == 401, "no series may be in both splits"


@pytest.mark.parametrize("name", REGIMES)
def test_a_seed_gives_the_same_series_and_another_seed_gives_others(name: str) -> None:
    first, again, other = make(name, seed=1), make(name, seed=1), make(name, seed=2)
    np.testing.assert_array_equal(first.features, again.features)
    assert np.abs(first.features - other.features).mean() > 0.5


@pytest.mark.parametrize("name", REGIMES)
def test_the_test_split_does_not_depend_on_the_number_of_training_series(name: str) -> None:
    few, many = make(name, num_train=20, num_test=30), make(name, num_train=50, num_test=30)
    np.testing.assert_array_equal(few.features[20:], many.features[50:])


def test_values_are_rounded_so_that_processors_agree_on_the_digest() -> None:
    features = make("trend", num_train=200, num_test=20).features.astype(np.float64)
    assert np.abs(features - np.round(features, 4)).max() < 1e-6
    # Pinned: other series under the same spec must come with a new REGIME_VERSION.
    digests = {name: hashlib.sha256(make(name, num_train=20, num_test=20).features.tobytes()) for name in REGIMES}
    assert {name: sha.hexdigest()[:8] for name, sha in digests.items()} == PINNED


def test_motif_is_the_chirp_forward_or_backward_at_any_place() -> None:
    raw, series = noise_free("motif")
    wave = chirp(9)
    assert np.mean(wave**2) == pytest.approx(1)
    u = np.arange(9) / 9
    assert np.corrcoef(wave, np.sin(2 * np.pi * (0.5 * u + 1.5 * u**2)))[0, 1] == pytest.approx(1)
    starts = set()
    for one, label in zip(series, raw.labels, strict=True):
        # Correlation with either direction at every place; the larger one tells the class.
        scores = [np.abs(np.correlate(one[:, 0], w, "valid")) for w in (wave[::-1], wave)]
        assert int(scores[1].max() > scores[0].max()) == label
        assert scores[label].max() == pytest.approx(1.5 * 9, rel=1e-2)
        starts.add(int(scores[label].argmax()))
        np.testing.assert_allclose(one[:, 0], -one[:, 1], atol=2e-3)
        assert np.abs(one[:, 2:]).max() < 2e-3
    assert starts == set(range(42))


@pytest.mark.parametrize(("name", "steps"), [("motif", 18), ("order", 10), ("locked", 400)])
def test_a_regime_tells_where_its_class_stands(name: str, steps: int) -> None:
    spec = DataSpec(source=f"regime:{name}", difficulty=1e-4, num_train=50, num_test=30)
    where, series = informative(spec), make_regime(spec).features * 1e-4
    assert (where.sum(axis=(1, 2)) == steps).all()
    # Without noise there is nothing elsewhere, in the channels that tell the class.
    assert np.abs(series[:, :, :2][~where[:, :, :2]]).max(initial=0) < 2e-3
    assert (np.abs(series[where]) > 2e-3).mean() > 0.75, "the chirp crosses zero at two of its steps"


def test_noise_is_the_same_for_both_classes() -> None:
    raw = make("noise")
    assert not informative(DataSpec(source="regime:noise", num_train=2000, num_test=2000)).any()
    assert raw.features.std() == pytest.approx(1, abs=0.01)
    for part in (raw.features, raw.features**2, raw.features[:, 1:] * raw.features[:, :-1]):
        gap = part[raw.labels == 1].mean(axis=0) - part[raw.labels == 0].mean(axis=0)
        assert np.abs(gap).max() < 4.5 * part.std() / np.sqrt(1000)


def test_order_is_told_by_which_channel_peaks_first() -> None:
    raw, series = noise_free("order")
    peaks = np.abs(series).argmax(axis=1)  # (N, 8)
    np.testing.assert_array_equal(peaks[:, 0] < peaks[:, 1], raw.labels == 1)
    assert np.abs(peaks[:, 0] - peaks[:, 1]).min() == 16
    np.testing.assert_allclose(np.abs(series[:, :, :2]).max(axis=1), 3, rtol=1e-3)
    bump = 3 * np.exp(-0.5 * np.arange(-2, 3) ** 2)
    one, peak = series[0, :, 0], peaks[0, 0]
    np.testing.assert_allclose(np.abs(one[peak - 2 : peak + 3]), bump, atol=2e-3)
    # Four distractors in the other channels; two on top of each other may add up or cancel.
    mass = (np.abs(series[:, :, 2:]) > 0.1).sum(axis=(1, 2))
    assert np.median(mass) == 4 * 5
    assert mass.max() <= 4 * 5


def test_order_has_its_published_noise() -> None:
    # Far from any bump only the noise is left: s = 1.
    labels = np.arange(400) % 2
    rng = [np.random.default_rng(i) for i in range(2)]
    silent = order(Draw(labels, *rng, difficulty=1e9))
    assert silent.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("difficulty", [4.0, 6.0])
def test_a_matched_filter_reaches_the_bayes_accuracy_of_locked(difficulty: float) -> None:
    raw = make("locked", difficulty=difficulty, num_train=4000, num_test=4000)
    # The filter is learnt: U is the sign of the difference of the class means, over train and test alike.
    difference = raw.features[raw.labels == 1].mean(axis=0) - raw.features[raw.labels == 0].mean(axis=0)
    pattern = np.sign(difference)
    accuracy = ((raw.features * pattern).sum(axis=(1, 2)) > 0) == (raw.labels == 1)
    bayes = norm.cdf(0.22 / difficulty * np.sqrt(50 * 8))
    assert accuracy.mean() == pytest.approx(bayes, abs=4 * np.sqrt(bayes * (1 - bayes) / 8000) + 0.01)


def test_locked_shares_its_pattern_between_train_and_test_but_not_between_seeds() -> None:
    raw, series = noise_free("locked")
    signed = series * (2 * raw.labels - 1)[:, None, None]
    np.testing.assert_allclose(np.abs(signed), 0.22, atol=2e-3)
    assert len({np.sign(one).tobytes() for one in signed}) == 1
    patterns = {locked_pattern(np.random.default_rng(seed)).tobytes() for seed in range(5)}
    assert len(patterns) == 5


@pytest.mark.parametrize(("difficulty", "low", "high"), [(1.0, 0.30, 0.45), (0.5, 0.225, 0.525)])
def test_dynamics_has_unit_variance_and_its_lag_one_autocorrelation(difficulty: float, low: float, high: float) -> None:
    raw = make("dynamics", difficulty=difficulty)
    x = raw.features.astype(np.float64)
    for label, phi in ((0, low), (1, high)):
        of_class = x[raw.labels == label]
        assert (of_class[:, 1:] * of_class[:, :-1]).mean() == pytest.approx(phi, abs=0.005)
        # Stationary: the first step has the variance of the last.
        assert of_class[:, 0].var() == pytest.approx(1, abs=0.04)
        assert of_class[:, -1].var() == pytest.approx(1, abs=0.04)


def test_dynamics_refuses_a_difficulty_that_is_not_stationary() -> None:
    with pytest.raises(SpecError, match=r"`difficulty` \(0\.1\).*at 1\.125.*above 0\.12"):
        make("dynamics", difficulty=0.1)


def test_trend_is_a_sine_of_the_frequency_of_its_class() -> None:
    raw, series = noise_free("trend", size=100)
    time = np.arange(50) / 50
    gains = []
    for one, label in zip(series[:100], raw.labels, strict=False):
        cycles = 1.4 if label else 0.9
        design = np.stack([np.sin(2 * np.pi * cycles * time), np.cos(2 * np.pi * cycles * time)], axis=1)
        weights, *_ = np.linalg.lstsq(design, one, rcond=None)
        np.testing.assert_allclose(design @ weights, one, atol=2e-3)
        gains.append(np.hypot(*weights))
    assert 0.69 < np.min(gains) < 0.72
    assert 1.28 < np.max(gains) < 1.31


def test_trend_and_motif_have_their_published_noise() -> None:
    assert make("motif", difficulty=1e9).features.std() == pytest.approx(1.0, abs=0.01)
    assert make("trend", difficulty=1e9).features.std() == pytest.approx(1.5, abs=0.01)
