"""What may be said of an explanation, in sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hw3models.explaining.measures import SHARES, STABLE, Interval

if TYPE_CHECKING:
    from hw3models.explaining.explanation import Explanation, Maps

WORDS = {"occlusion": "occlusion", "gradients": "integrated gradients"}
MOST_CHANNELS = 3
_TOLD = 1
"""Index of the one of `SHARES` that sentences are about."""


def verdict_of(found: "Explanation") -> Iterator[str]:
    """First whether there is anything to explain, then what each method says and whether it can be believed."""
    told = [WORDS[one.method] for one in found.maps if is_told(found, one)]
    if not found.has_found and found.said.is_number:
        yield (
            f"Nothing is found: the numbers of {found.label} are not shown to be nearer to the truth than the mean of "
            "the training examples. What its maps mark is what it has learnt by heart."
        )
    elif not found.has_found:
        assert found.right is not None
        yield (
            f"Nothing is found: {found.label} names {_percent(found.right)} of the classes right, which is not shown "
            "to be more than the most frequent class alone. What its maps mark is what it has learnt by heart."
        )
    elif told and found.said.is_number:
        stable = "" if found.maps[0].agreement is None else ", and the maps are stable over seeds"
        yield (
            f"What the numbers of {found.label} rest on is shown by {' and '.join(told)}: without the parts that the "
            f"maps rank highest they move more than without random parts, beyond noise{stable}."
        )
    elif told:
        stable = "" if found.maps[0].agreement is None else ", and the maps are stable over seeds"
        yield (
            f"What the answers of {found.label} rest on is shown by {' and '.join(told)}: without the parts that the "
            f"maps rank highest the answers fall beyond noise{stable}."
        )
    else:
        said = "numbers" if found.said.is_number else "answers"
        yield f"What the {said} of {found.label} rest on is not shown: no map passes both tests."
    for one in found.maps:
        yield " ".join(_of_method(found, one))
    if len(told) < len(found.maps):
        yield "Read nothing from maps that are not stable, or that the answers do not rest on."


def is_told(found: "Explanation", one: "Maps") -> bool:
    """May be read from it where the answers rest?"""
    return found.has_found and _is_good(one)


def _is_good(one: "Maps") -> bool:
    return one.rests_there and one.is_stable is not False


def _of_method(found: "Explanation", one: "Maps") -> Iterator[str]:
    name = WORDS[one.method]
    gone = one.deletion
    share = f"{100 * SHARES[_TOLD]:.0f}%"
    fall = (
        f"without the {share} that it ranks highest the number moves by {-gone.ranked[_TOLD]:.2f} standard deviations, "
        f"without as many random parts by {-gone.random[_TOLD]:.2f} (over all shares {_number(gone.gap)} further)"
        if found.said.is_number
        else f"without the {share} that it ranks highest the probability of the answer falls from "
        f"{gone.whole:.2f} to {gone.ranked[_TOLD]:.2f}, without as many random parts to {gone.random[_TOLD]:.2f} "
        f"(over all shares {_number(gone.gap)} lower)"
    )
    yield f"{name[0].upper()}{name[1:]}: {fall}{'' if one.rests_there else ', which is no more than random parts do'}."
    yield _stability(found, one)
    if is_told(found, one):
        yield from _places(found, one)


def _stability(found: "Explanation", one: "Maps") -> str:
    if one.agreement is None:
        if found.is_deterministic:
            return "Its training has no randomness, so another seed would give the same maps."
        return "With one seed it is not known whether its maps are stable."
    said = f"The maps of {len(found.seeds)} seeds correlate by {_number(one.agreement)}"
    return f"{said}: they are stable." if one.is_stable else f"{said}, less than {STABLE}: they are not stable."


def _places(found: "Explanation", one: "Maps") -> Iterator[str]:
    """Which channels what speaks for the answers, or moves the numbers, stands in."""
    if found.kind == "images":
        return
    shares = channel_shares(found.said.ranks(one.mean[: found.num_drawn]))
    if len(shares) == 1:
        return
    order = np.argsort(-shares, kind="stable")[:MOST_CHANNELS]
    listed = [f"{100 * shares[c]:.0f}% in {channel_name(found, int(c))}" for c in order]
    what = "moves the numbers" if found.said.is_number else "speaks for the answers"
    yield f"Of what {what} {', '.join(listed)} (by chance {100 / len(shares):.0f}% each)."


def channel_shares(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Maps (n, T, C) to (C,): the share of what speaks for the answers that stands in each channel."""
    positive = np.nan_to_num(np.clip(maps, 0, None)).sum(axis=1)
    total = positive.sum(axis=1, keepdims=True)
    shares = np.divide(positive, total, out=np.zeros_like(positive), where=total > 0)
    return np.asarray(shares.mean(axis=0), np.float64)


def channel_name(found: "Explanation", channel: int) -> str:
    """The name that the data have for it, or its number."""
    return found.channels[channel] if channel < len(found.channels) else f"channel {channel}"


def _percent(value: Interval) -> str:
    return f"{100 * value.mean:.1f}% [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def _number(value: Interval) -> str:
    return f"{value.mean:.2f} [{value.low:.2f}, {value.high:.2f}]"
