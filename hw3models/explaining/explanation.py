"""`explain`: maps of test examples by every seed of a family, and what may be said of them.

S = seeds, n = examples, A, B = cells of a map: steps and channels, or rows and columns
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.explaining.maps import Tell, blank, integrated_gradients, occlusion
from hw3models.explaining.measures import STABLE, Deletion, Interval, agreement, deletion, mean_of
from hw3models.explaining.questions import Questions
from hw3models.explaining.windows import Window, block_means, blocks_of, top_windows, window_of
from hw3models.explaining.wording import WORDS, verdict_of
from hw3models.families import display_name, family_of
from hw3models.serving.predictor import NetworkMember, Predictor
from hw3models.specs import Kind

Method = Literal["occlusion", "gradients"]
METHODS: tuple[Method, ...] = get_args(Method)
NUM_EXAMPLES = 100
MOST_WRONG = 4
"""Wrong examples that are looked for beyond the drawn ones, to be shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """What one method says of all examples."""

    method: Method
    values: NDArray[np.float32]
    """(S, n, A, B) in log-odds of what the model says; NaN after the end of a shorter series."""
    agreement: Interval | None
    """Correlation of two seeds' maps, over the drawn examples; None with one seed."""
    each: NDArray[np.float64] | None
    """(n,): that of each example."""
    deletion: Deletion

    @property
    def is_stable(self) -> bool | None:
        """Do seeds agree? None where there is only one."""
        return None if self.agreement is None else self.agreement.mean >= STABLE

    @property
    def rests_there(self) -> bool:
        """Does the answer fall faster without what is ranked highest than without random parts, beyond noise?"""
        return self.deletion.gap.low > 0

    @property
    def mean(self) -> NDArray[np.float64]:
        """(n, A, B): over seeds."""
        return np.asarray(self.values.mean(axis=0, dtype=np.float64))


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Maps with what is needed to read them. The first `num_drawn` examples were drawn at random: numbers are about
    them; the others are wrong ones, to be shown.
    """

    family: str
    label: str
    kind: Kind
    class_names: tuple[str, ...]
    channels: tuple[str, ...]
    seeds: tuple[int, ...]
    is_deterministic: bool
    """Its training has no randomness: one seed says everything."""
    questions: Questions
    said: NDArray[np.int64]
    """(n,): the class that the seeds together name, which the maps are about."""
    num_drawn: int
    window: Window
    right: Interval | None
    """The share of all labelled examples whose class is named right; None without labels."""
    beyond_guessing: Interval | None
    """That less the share that is right if always the most frequent class is named."""
    maps: tuple[Maps, ...]

    @property
    def has_found(self) -> bool:
        """Is there anything to be explained: are answers better than guesses? True without labels."""
        return self.beyond_guessing is None or self.beyond_guessing.low > 0

    @property
    def verdict(self) -> str:
        """What may be said."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict: first whether there is anything to explain, then what each method says."""
        return tuple(verdict_of(self))

    def tops(self, method: Method = "occlusion") -> NDArray[np.int64]:
        """(n, 2): the first cell of the window that an answer rests on most."""
        return top_windows(self.of(method).mean, self.window)

    def of(self, method: Method) -> Maps:
        """The maps of a method.

        Raises:
            SpecError: they were not made.
        """
        for one in self.maps:
            if one.method == method:
                return one
        raise SpecError(f"`method` {method!r}: maps were made by {', '.join(one.method for one in self.maps)}.")


def explain(
    predictor: Predictor,
    questions: Questions,
    *,
    methods: Sequence[Method] | None = None,
    num: int = NUM_EXAMPLES,
    tell: Tell = lambda _: None,
) -> Explanation:
    """Explain the answers of all members of `predictor` about `num` examples drawn from `questions`.

    Args:
        predictor: each member is taken as a seed of the family.
        questions: examples that it was not trained on.
        methods: None: occlusion, and integrated gradients of networks.
        num: examples; all where there are fewer.
        tell: gets a line before each method.

    Raises:
        SpecError: the model names no classes, or a method is not for it.
        DataError: the examples do not fit the model.
    """
    chosen = check_explainable(predictor, methods)
    if min(num, len(questions.rows)) < 2:
        raise SpecError(f"`examples`: {min(num, len(questions.rows))} are too few to be told apart. Give 2 at least.")
    said_SnK = _said(predictor, questions)
    said = said_SnK.mean(axis=0).argmax(axis=1)
    places = _drawn(questions, said, num)
    manifest, lengths = predictor.manifest, predictor.checked(questions.examples)[1]
    window, own = window_of(manifest.kind, manifest.shape, lengths), questions.of(places)
    right, beyond = _scores(said_SnK, questions)
    maps = []
    for method in chosen:
        num_models = len(predictor.members)
        by = f"{num_models} model{'' if num_models == 1 else 's'}"
        tell(f"{manifest.family}: {WORDS[method]} of {len(places)} examples by {by}")
        maps.append(_maps(predictor, own, said[places], window, method, min(num, len(questions.rows))))
    family = family_of(manifest)
    return Explanation(
        family=manifest.family,
        label=display_name(manifest.family),
        kind=manifest.kind,
        class_names=manifest.class_names,
        channels=manifest.channels,
        seeds=manifest.seeds,
        is_deterministic=bool(getattr(family, "deterministic", False)),
        questions=own,
        said=said[places],
        num_drawn=min(num, len(questions.rows)),
        window=window,
        right=right,
        beyond_guessing=beyond,
        maps=tuple(maps),
    )


def check_explainable(predictor: Predictor, methods: Sequence[Method] | None = None) -> tuple[Method, ...]:
    """The methods that it is to be explained by.

    Raises:
        SpecError: it names no classes, looks at no example, or a method is not for it.
    """
    manifest = predictor.manifest
    family = family_of(manifest)
    if "accuracy" not in family.objective.metrics:
        raise SpecError(f"{manifest.family} names no classes, and only answers of classifiers are explained.")
    if getattr(family, "ignores_examples", False):
        raise SpecError(f"{manifest.family} answers without looking at the example: there is nothing to explain.")
    are_networks = all(isinstance(member, NetworkMember) for member in predictor.members)
    if methods is None:
        return METHODS if are_networks else ("occlusion",)
    if unknown := [one for one in methods if one not in METHODS]:
        raise SpecError(f"`method` {unknown[0]!r} is not known; there are {', '.join(METHODS)}.")
    if "gradients" in methods and not are_networks:
        raise SpecError(f"{manifest.family} is not a network, and has no gradients. Use occlusion.")
    return tuple(dict.fromkeys(methods))


def _maps(
    predictor: Predictor, own: Questions, said: NDArray[np.int64], window: Window, method: Method, num_drawn: int
) -> Maps:
    asked = predictor.checked(own.examples)
    values = (
        occlusion(predictor, asked, said, window)
        if method == "occlusion"
        else integrated_gradients(predictor, asked, said)
    )
    blocks = blocks_of((values.shape[2], values.shape[3]), window)
    drawn = slice(0, num_drawn)
    means = block_means(values, blocks)
    each = agreement(means)
    groups = None if own.groups is None else own.groups[drawn]
    return Maps(
        method=method,
        values=values,
        agreement=None if each is None else mean_of(each[None, drawn], groups),
        each=each,
        deletion=deletion(
            predictor.members,
            (asked[0][drawn], None if asked[1] is None else asked[1][drawn]),
            said[drawn],
            means[:, drawn],
            blocks,
            blank(predictor),
            groups,
        ),
    )


def _said(predictor: Predictor, questions: Questions) -> NDArray[np.float32]:
    """(S, n, K)"""
    predictor.predict(questions.examples[:2])  # says in words what does not fit
    asked, lengths = predictor.checked(questions.examples)
    pieces = [slice(first, first + 1024) for first in range(0, len(asked), 1024)]
    return np.stack(
        [
            np.concatenate(
                [member(asked[rows], None if lengths is None else lengths[rows])["probabilities"] for rows in pieces]
            )
            for member in predictor.members
        ]
    )


def _scores(said: NDArray[np.float32], questions: Questions) -> tuple[Interval | None, Interval | None]:
    """The share that is right, and how much more that is than the best constant answer has."""
    if questions.labels is None:
        return None, None
    right = (said.argmax(axis=2) == questions.labels).astype(np.float64)
    guessed = questions.labels == np.bincount(questions.labels).argmax()
    return mean_of(right, questions.groups), mean_of(right - guessed, questions.groups)


def _drawn(questions: Questions, said: NDArray[np.int64], num: int) -> NDArray[np.int64]:
    """`num` places at random; behind them wrong ones, where few of the drawn are."""
    order = np.random.default_rng(0).permutation(len(said))
    drawn, others = np.sort(order[:num]), order[num:]
    if questions.labels is None:
        return drawn
    wrong = said != questions.labels
    missing = max(0, MOST_WRONG - int(wrong[drawn].sum()))
    return np.concatenate([drawn, np.sort(others[wrong[others]][:missing])])
