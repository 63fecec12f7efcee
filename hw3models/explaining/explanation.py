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
from hw3models.explaining.said import Columns, NumberSaid, Said, said_by
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
    """(S, n, A, B) in log-odds of the class that the model names, or in standard deviations of the number; NaN after
    the end of a shorter series."""
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
    said: Said
    """What the seeds together say of each example, which the maps are about."""
    num_drawn: int
    window: Window
    right: Interval | None
    """The share of all labelled examples whose class is named right; None without labels, and of numbers."""
    beyond_guessing: Interval | None
    """That less the share that is right if always the most frequent class is named; of numbers how much less squared
    error they have than the training mean, in training variances."""
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
        return top_windows(self.said.ranks(self.of(method).mean), self.window)

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
        SpecError: the model says neither classes nor numbers, or a method is not for it.
        DataError: the examples do not fit the model.
    """
    chosen = check_explainable(predictor, methods)
    if min(num, len(questions.rows)) < 2:
        raise SpecError(f"`examples`: {min(num, len(questions.rows))} are too few to be told apart. Give 2 at least.")
    answers = _answers(predictor, questions)
    said = said_by(answers, predictor.manifest.target)
    places = _drawn(questions, said, num)
    manifest, lengths = predictor.manifest, predictor.checked(questions.examples)[1]
    window, own = window_of(manifest.kind, manifest.shape, lengths), questions.of(places)
    right, beyond = _scores(answers, said, questions)
    maps = []
    for method in chosen:
        num_models = len(predictor.members)
        by = f"{num_models} model{'' if num_models == 1 else 's'}"
        tell(f"{manifest.family}: {WORDS[method]} of {len(places)} examples by {by}")
        maps.append(_maps(predictor, own, said.of(places), window, method, min(num, len(questions.rows))))
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
        said=said.of(places),
        num_drawn=min(num, len(questions.rows)),
        window=window,
        right=right,
        beyond_guessing=beyond,
        maps=tuple(maps),
    )


def check_explainable(predictor: Predictor, methods: Sequence[Method] | None = None) -> tuple[Method, ...]:
    """The methods that it is to be explained by.

    Raises:
        SpecError: it says neither classes nor numbers, looks at no example, or a method is not for it.
    """
    manifest = predictor.manifest
    family = family_of(manifest)
    if manifest.target is None and "accuracy" not in family.objective.metrics:
        raise SpecError(
            f"{manifest.family} says neither classes nor numbers, and only answers of classifiers and regressors are "
            "explained."
        )
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


def _maps(predictor: Predictor, own: Questions, said: Said, window: Window, method: Method, num_drawn: int) -> Maps:
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
            said.of(drawn),
            means[:, drawn],
            blocks,
            blank(predictor),
            groups,
        ),
    )


def _answers(predictor: Predictor, questions: Questions) -> list[Columns]:
    """What each member says of all examples."""
    predictor.predict(questions.examples[:2])  # says in words what does not fit
    asked, lengths = predictor.checked(questions.examples)
    pieces = [slice(first, first + 1024) for first in range(0, len(asked), 1024)]
    found: list[Columns] = []
    for member in predictor.members:
        parts = [member(asked[rows], None if lengths is None else lengths[rows]) for rows in pieces]
        found.append({name: np.concatenate([one[name] for one in parts]) for name in parts[0]})
    return found


def _scores(answers: list[Columns], said: Said, questions: Questions) -> tuple[Interval | None, Interval | None]:
    """The share that is right, and how much better answers are than the best constant one."""
    if isinstance(said, NumberSaid):
        return None, None if questions.targets is None else _nearer(answers, said, questions)
    if questions.labels is None:
        return None, None
    named = np.stack([one["probabilities"].argmax(axis=1) for one in answers])
    right = (named == questions.labels).astype(np.float64)
    guessed = questions.labels == np.bincount(questions.labels).argmax()
    return mean_of(right, questions.groups), mean_of(right - guessed, questions.groups)


def _nearer(answers: list[Columns], said: NumberSaid, questions: Questions) -> Interval:
    """How much less squared error than the training mean has, in training variances."""
    truth = said.score({"prediction": np.asarray(questions.targets)}, said.keys())
    errors = np.stack([(said.score(one, said.keys()) - truth) ** 2 for one in answers])
    return mean_of(truth**2 - errors, questions.groups)


def _drawn(questions: Questions, said: Said, num: int) -> NDArray[np.int64]:
    """`num` places at random; behind them wrong classes, where few of the drawn are."""
    order = np.random.default_rng(0).permutation(len(questions.rows))
    drawn, others = np.sort(order[:num]), order[num:]
    if questions.labels is None or isinstance(said, NumberSaid):
        return drawn
    wrong = said.codes != questions.labels
    missing = max(0, MOST_WRONG - int(wrong[drawn].sum()))
    return np.concatenate([drawn, np.sort(others[wrong[others]][:missing])])
