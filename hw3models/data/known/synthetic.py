"""Five synthetic families of 50 x 8 series, each built so that one claim of homework part 5 can fail.

T = 50 steps, C = 8 channels, y in {0, 1} balanced, e = white noise of standard deviation s, independent per
step and channel. `a` is the strength of the signal, divided by the spec's `difficulty`. The equations stand
at each regime. The defaults are set so that the families differ and none is right everywhere. `noise` is e alone:
there is nothing to find. `informative` says where the class stands in the series.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import suggestion
from hw3models.data.raw import Raw
from hw3models.data.source import Source, made
from hw3models.errors import SpecError
from hw3models.specs import DataSpec, SourceReport

STEPS = 50
CHANNELS = 8
PREFIX = "regime:"
REGIMES = ("motif", "order", "locked", "dynamics", "trend")
NOISE = "noise"
"""Beside the regimes: series that no class is told by."""
REGIME_VERSION = 1
"""Part of the source's digest. Raise it when a spec would give other series."""
MOTIF = 9
"""Steps of the motif."""
GAP = 16
"""Steps that the events of `order` are apart at least."""
DECIMALS = 4
"""Values are rounded to this, far below the noise, so that the last bit of a sine, which differs between
processors, does not change the content digest."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """What a regime needs: its labels (N,), its random numbers, and those that train and test share."""

    labels: Labels
    rng: np.random.Generator
    shared: np.random.Generator
    difficulty: float


def make_regime(spec: DataSpec) -> Raw:
    """The series of `spec.source` = `regime:NAME`: `num_train` for train, then `num_test` for test.

    Train and test come from independent streams of `spec.seed`; a spec gives the same series on every machine.

    Raises:
        SpecError: the difficulty is impossible for the regime.
    """
    name = spec.source.removeprefix(PREFIX)
    parts, labels = [], []
    for stream, size in enumerate((spec.num_train, spec.num_test)):
        rng = _generator(spec.seed, name, stream)
        labels.append(rng.permutation(np.arange(size) % 2))
        draw = Draw(labels[-1], rng, _generator(spec.seed, name, 2), spec.difficulty)
        parts.append(_MAKERS[name](draw))
    return Raw(
        name=name,
        kind="sequences",
        features=np.round(np.concatenate(parts), DECIMALS).astype(np.float32),
        labels=np.concatenate(labels),
        class_names=("0", "1"),
        test=np.arange(spec.num_train + spec.num_test) >= spec.num_train,
    )


def informative(spec: DataSpec) -> NDArray[np.bool_]:
    """Where in the series of `make_regime(spec)` the class stands: (N, T, C), True at steps and channels that tell it.

    Of `motif` the motif, of `order` both events; `locked`, `dynamics` and `trend` have it everywhere, `noise` nowhere.
    """
    name = spec.source.removeprefix(PREFIX)
    parts = []
    for stream, size in enumerate((spec.num_train, spec.num_test)):
        rng = _generator(spec.seed, name, stream)
        draw = Draw(rng.permutation(np.arange(size) % 2), rng, _generator(spec.seed, name, 2), spec.difficulty)
        where = np.full((size, STEPS, CHANNELS), name not in ("motif", "order", NOISE))
        everyone = np.arange(size)
        if name == "motif":
            _, _, starts = _motifs(draw, 1.0, MOTIF)
            for offset in range(MOTIF):
                where[everyone, starts + offset, :2] = True
        elif name == "order":
            _, centres, channels = _events(draw, 1.0, GAP)
            for event in range(2):
                for offset in range(-2, 3):
                    where[everyone, centres[:, event] + offset, channels[:, event]] = True
        parts.append(where)
    return np.concatenate(parts)


def motif(draw: Draw, *, strength: float = 1.5, noise: float = 1.0, length: int = MOTIF) -> Floats:
    """A short pattern anywhere: what a CNN is for (homework 5B, "best").

    x = e + g a w(t - p) in channel 0 and e - g a w(t - p) in channel 1, with g a random sign, p a random
    position, and the chirp w(t) = sin(2 pi (0.5 u + 1.5 u^2)), u = t / L, t = 0..L-1, brought to unit power
    (mean square 1). y = 1 plays w forward, y = 0 backward. L = 9, a = 1.5, s = 1.

    Returns:
        float64 (N, 50, 8).
    """
    series, signs, starts = _motifs(draw, noise, length)
    forward = chirp(length)
    for one, label, sign, start in zip(series, draw.labels, signs, starts, strict=True):
        pattern = sign * strength / draw.difficulty * (forward if label else forward[::-1])
        one[start : start + length, 0] += pattern
        one[start : start + length, 1] -= pattern
    return series


def _motifs(draw: Draw, noise: float, length: int) -> tuple[Floats, Floats, Labels]:
    """The noise, and the sign and the first step of each motif."""
    series = _white_noise(draw, noise)
    signs = draw.rng.choice((-1.0, 1.0), len(series))
    return series, signs, draw.rng.integers(0, STEPS - length + 1, len(series))


def order(draw: Draw, *, strength: float = 3.0, noise: float = 1.0, gap: int = GAP) -> Floats:
    """Which of two far-apart events came first: what memory is for (homework 5C), and too far apart for a CNN
    with a short receptive field and mean pooling (5B, "worst").

    A bump g a exp(-t^2 / 2), t = -2..2, with a random sign g, stands in channel 0 and another one in
    channel 1, their centres at least 16 steps apart. y = 1 if that in channel 0 comes first. Four more bumps
    at random places in channels 2 to 7 distract. a = 3, s = 1.

    Returns:
        float64 (N, 50, 8).
    """
    series, chosen, channels = _events(draw, noise, gap)
    for event in range(2):
        _add_bumps(series, chosen[:, event], channels[:, event], draw, strength)
    for _ in range(4):
        places = draw.rng.integers(2, STEPS - 2, len(series))
        _add_bumps(series, places, draw.rng.integers(2, CHANNELS, len(series)), draw, strength)
    return series


def _events(draw: Draw, noise: float, gap: int) -> tuple[Floats, Labels, Labels]:
    """The noise, and centres (N, 2) and channels (N, 2) of the early and the late event."""
    series = _white_noise(draw, noise)
    # All pairs of centres (early, late) that keep the gap and stay inside, equally likely.
    centres = np.arange(2, STEPS - 2)
    pairs = np.array([(p, q) for p in centres for q in centres if q - p >= gap])
    chosen = pairs[draw.rng.integers(0, len(pairs), len(series))]
    return series, chosen, np.where(draw.labels[:, None] == 1, [[0, 1]], [[1, 0]])


def locked(draw: Draw, *, strength: float = 0.22, noise: float = 1.0) -> Floats:
    """A weak pattern locked to its place: where an MLP does fine (against homework 5A).

    x = e + (2y - 1) a U, with one fixed U of random signs over all (t, c), the same for train and test.
    The matched filter sign(<x, U>) reaches the Bayes accuracy Phi(a sqrt(T C) / s). a = 0.22, s = 1: 0.99999.

    Returns:
        float64 (N, 50, 8).
    """
    signs = locked_pattern(draw.shared)
    return _white_noise(draw, noise) + (2 * draw.labels - 1)[:, None, None] * strength / draw.difficulty * signs


def dynamics(draw: Draw, *, centre: float = 0.375, spread: float = 0.075) -> Floats:
    """No pattern at all, only how one step follows from the last.

    Stationary AR(1) per channel with unit variance: x_t = phi x_(t-1) + sqrt(1 - phi^2) e_t, x_0 = e_0,
    e_t standard normal; phi = 0.30 for y = 0 and 0.45 for y = 1. The difficulty divides the distance of
    both from 0.375.

    Returns:
        float64 (N, 50, 8).

    Raises:
        SpecError: the difficulty is so small that a coefficient would reach 1.
    """
    if centre + spread / draw.difficulty >= 1:
        raise SpecError(
            f"`difficulty` ({draw.difficulty:g}) puts the coefficient of regime:dynamics at "
            f"{centre + spread / draw.difficulty:g}, and it must stay below 1. Set `difficulty` above "
            f"{spread / (1 - centre):.2f}."
        )
    phi = (centre + np.where(draw.labels == 1, spread, -spread) / draw.difficulty)[:, None]
    series = _white_noise(draw, 1.0)
    innovation = np.sqrt(1 - phi**2)
    for step in range(1, STEPS):
        series[:, step] = phi * series[:, step - 1] + innovation * series[:, step]
    return series


def trend(draw: Draw, *, strength: float = 1.0, noise: float = 1.5) -> Floats:
    """A slow change over the whole window, longer than a short receptive field sees.

    x = e + a g sin(2 pi f t / T + phase) per channel, with a gain g uniform in 0.7 to 1.3 and a phase uniform
    in 0 to 2 pi, both drawn per series and channel; f = 0.9 cycles per window for y = 0, 1.4 for y = 1.
    a = 1, s = 1.5.

    Returns:
        float64 (N, 50, 8).
    """
    size = len(draw.labels)
    noise_NTC = _white_noise(draw, noise)
    phase = draw.rng.uniform(0, 2 * np.pi, (size, 1, CHANNELS))
    gain = draw.rng.uniform(0.7, 1.3, (size, 1, CHANNELS))
    cycles = np.where(draw.labels == 1, 1.4, 0.9)[:, None, None]
    time = np.arange(STEPS)[None, :, None] / STEPS
    noise_NTC += strength / draw.difficulty * gain * np.sin(2 * np.pi * cycles * time + phase)
    return noise_NTC


def chirp(length: int = 9) -> Floats:
    """The motif, (length,), mean square 1."""
    u = np.arange(length) / length
    wave = np.sin(2 * np.pi * (0.5 * u + 1.5 * u**2))
    return np.asarray(wave / np.sqrt(np.mean(wave**2)))


def locked_pattern(shared: np.random.Generator) -> Floats:
    """U of the regime `locked`: (50, 8) of -1 and 1."""
    return np.asarray(shared.choice((-1.0, 1.0), (STEPS, CHANNELS)))


_MAKERS: dict[str, Callable[[Draw], Floats]] = {
    "motif": motif,
    "order": order,
    "locked": locked,
    "dynamics": dynamics,
    "trend": trend,
    NOISE: lambda draw: _white_noise(draw, 1.0),
}


def _generator(seed: int, name: str, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, list(_MAKERS).index(name), stream])))


def _white_noise(draw: Draw, sd: float) -> Floats:
    return sd * draw.rng.standard_normal((len(draw.labels), STEPS, CHANNELS))


def _add_bumps(series: Floats, centres: Labels, channels: Labels, draw: Draw, strength: float) -> None:
    """Add one bump per series, 5 steps wide, in place."""
    signs = draw.rng.choice((-1.0, 1.0), len(series))
    everyone = np.arange(len(series))
    for offset in range(-2, 3):
        bump = strength / draw.difficulty * np.exp(-0.5 * offset**2)
        series[everyone, centres + offset, channels] += signs * bump


def _fetch(spec: DataSpec, *_: object) -> SourceReport:
    name = spec.source.removeprefix(PREFIX)
    if name not in _MAKERS:
        raise SpecError(
            f"`source`: there is no regime {name!r}.{suggestion(name, list(_MAKERS))} Known: {list(_MAKERS)}."
        )
    return made(spec.source, "sequences", REGIME_VERSION)


SYNTHETIC = Source(
    name="regime",
    forms=tuple(f"{PREFIX}{name}" for name in _MAKERS),
    text="synthetic series of 50 x 8",
    kinds=("sequences",),
    matches=lambda source: source.startswith(PREFIX),
    fetch=_fetch,
    read=lambda spec, *_: make_regime(spec),
    licence="synthetic, made by this project (MIT)",
)
