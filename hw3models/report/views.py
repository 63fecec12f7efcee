"""What the page shows, in its order and its words: everything is decided here, the template only sets it."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import family_of
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.scores import MOST_CLASSES, main_metric
from hw3models.evaluation.standing import standing
from hw3models.evaluation.wording import amount, seconds_column
from hw3models.report import formatting
from hw3models.report.drawing import AnswerFigures, Drawing, metrics_of, ranked
from hw3models.report.figures import Drawn, per_seed
from hw3models.report.tuning import TuningView, view_tuning
from hw3models.specs import (
    Answer,
    Claim,
    ComparisonReport,
    EvaluationReport,
    HomeworkPart,
    Look,
    PairReport,
    Placement,
    RunReport,
    Score,
    TrainReport,
)

_KINDS = {"images": "Images", "autoencoder": "Autoencoder", "sequences": "Sequences"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value with its interval."""

    value: str
    interval: str = ""
    is_best: bool = False


@dataclass(frozen=True, kw_only=True)
class Family:
    """A row of the table of families."""

    name: str
    is_baseline: bool
    group: int | None
    """Number from 1: a group begins with each family that the first of the group before is shown to beat."""
    scores: tuple[Cell | None, ...]
    """One for each of the answer's metrics."""
    training: TrainReport | None
    evaluation: EvaluationReport
    seconds_per_seed: float | None
    run_id: str | None
    placement: Placement | None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A row of the table of pairs."""

    names: str
    cell: Cell
    p: str
    detectable: str | None
    outcome: str
    is_separated: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class VerdictView:
    """The answer: a sentence, what would change it, and, folded, all that is known."""

    lead: str
    """Which family to take, and why."""
    caveat: str
    changes: str
    whole: str
    """Every sentence of the verdict and of the advice; empty where there is nothing more to say."""


@dataclass(frozen=True, kw_only=True)
class ShortRow:
    """A family in the table under the headline."""

    name: str
    is_taken: bool
    score: Cell
    left: float
    """Where the bar of the interval begins, how long it is, and where the mean is: in percent of the axis."""
    length: float
    middle: float
    seconds: str
    standing: str


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """A family against each other, in the order of the ranks."""

    name: str
    cells: tuple[tuple[str, str, str], ...]
    """Kind (`better`, `worse`, `equal`, `open`, `self`), sign, and difference; row minus column."""


@dataclass(frozen=True, kw_only=True)
class LookView:
    """What a look of a study that goes on until it is decided has seen."""

    seeds: str
    level: str
    leader: str
    equivalent: str
    undecided: str
    out: str


@dataclass(frozen=True, kw_only=True)
class AnswerView:
    """One data set."""

    anchor: str
    kind: str
    answer: Answer
    metric: str
    verdict: VerdictView
    short: tuple[ShortRow, ...]
    matrix: tuple[MatrixRow, ...]
    small_validation: str
    metrics: tuple[tuple[str, str], ...]
    """Name and head of each column of scores."""
    families: tuple[Family, ...]
    pairs: tuple[Pair, ...]
    figures: AnswerFigures
    per_class: tuple[tuple[str, tuple[str, ...]], ...]
    """Class, and the F1 score of each family that has one."""
    per_class_left: int
    """Classes that are not shown, as there are too many."""
    per_class_families: tuple[str, ...]

    looks: tuple[LookView, ...] = ()
    tuning: TuningView | None = None

    @property
    def metric_name(self) -> str:
        """What the families are ranked by, as people write it."""
        return formatting.metric_name(self.metric)

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Titles and ends of anchors of what the page shows of it."""
        figures = self.figures
        there = {
            ("Families", "families"): bool(self.families),
            ("Cost", "cost"): bool(self.families),
            ("Pair by pair", "pairs"): bool(self.pairs),
            ("Largest errors" if figures.mistakes.of_numbers else "Wrong examples", "mistakes"): bool(
                figures.mistakes.shown
            ),
            ("Where families differ", "differences"): bool(figures.mistakes.differences),
            ("Groups", "groups"): bool(figures.mistakes.groups),
            ("Learning curves", "curves"): bool(figures.curves),
            ("Confusion", "confusion"): bool(figures.confusions),
            ("Predicted numbers", "predicted"): bool(figures.scatters),
        }
        return tuple(part for part, is_there in there.items() if is_there)

    @property
    def confidence(self) -> str:
        """Confidence of the intervals of differences."""
        return confidence(self.answer.comparison) if self.answer.comparison else ""

    @property
    def best(self) -> tuple[Family, ...]:
        """The families of the first group."""
        return tuple(family for family in self.families if family.group == 1)

    @property
    def placements(self) -> tuple[str, ...]:
        """Where the families were trained and why there: a sentence for all that share both."""
        groups: dict[str, list[str]] = defaultdict(list)
        for family in self.families:
            if family.placement and family.placement.wish != "here":
                groups[_place(family.placement)].append(family.name)
        return tuple(f"{', '.join(names)}: {text}" for text, names in groups.items())

    @property
    def has_several_devices(self) -> bool:
        """Are the training times of different hardware, and so not to be compared?"""
        return len({family.training.device for family in self.families if family.training}) > 1


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All data sets with the same metric: a row each, a column per family."""

    metric: str
    families: tuple[str, ...]
    rows: tuple[tuple[AnswerView, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class PartView:
    """A part of the homework."""

    part: HomeworkPart
    figure: Drawn | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RecipeView:
    """A recipe, and the trainings that used it."""

    family: str
    data: list[str]
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class RunView:
    """The page."""

    run: RunReport
    warnings: tuple[str, ...]
    answers: tuple[AnswerView, ...]
    summaries: tuple[Summary, ...]
    claims: tuple[tuple[str, Claim], ...]
    """Each with the anchor of its data set."""
    parts: tuple[PartView, ...]
    recipes: tuple[RecipeView, ...] = field(default=())


def view_run(run: RunReport, drawing: Drawing) -> RunView:
    """Order everything, with figures from `drawing`."""
    answers = tuple(
        _view_answer(answer, f"data-{number}", drawing.of_answer(answer))
        for number, answer in enumerate(run.answers, 1)
    )
    return RunView(
        run=run,
        warnings=tuple(_warnings(run)),
        answers=answers,
        summaries=tuple(_summaries(answers)) if len(answers) > 1 else (),
        claims=tuple((view.anchor, claim) for view in answers for claim in view.answer.claims),
        parts=tuple(_view_part(part, drawing) for part in run.homework),
        recipes=tuple(_recipes(run)),
    )


def _warnings(run: RunReport) -> Iterator[str]:
    """The run's own, and failures that it does not mention."""
    yield from run.warnings
    for answer in run.answers:
        for family, why in answer.failures.items():
            if not any(why in warning for warning in run.warnings):
                yield f"{answer.data.name}: {formatting.family_name(family)} could not be trained: {why}"


# ----------------------------------------------------------------------------------------- answers


def _view_answer(answer: Answer, anchor: str, figures: AnswerFigures) -> AnswerView:
    metric, metrics = main_metric(answer), metrics_of(answer)
    answer = ranked(answer)
    names = {name: formatting.family_name(name) for name in answer.evaluation}
    scores = {name: one.metrics[metric] for name, one in answer.evaluation.items() if metric in one.metrics}
    times = {name: per_seed(one) for name, one in answer.training.items()}
    classified = {name: one for name, one in answer.evaluation.items() if one.per_class}
    return AnswerView(
        anchor=anchor,
        kind=_KINDS[answer.kind],
        answer=answer,
        metric=metric,
        verdict=view_verdict(answer.comparison) if answer.comparison else _verdict_of_one(answer, metric),
        short=short_rows(answer.comparison, scores, times, names),
        matrix=view_matrix(answer.comparison, names) if answer.comparison else (),
        small_validation=_small_validation(answer),
        metrics=tuple((name, head(name)) for name in metrics),
        families=tuple(_view_family(answer, name, metrics) for name in answer.evaluation),
        pairs=view_pairs(answer.comparison) if answer.comparison else (),
        looks=tuple(map(_view_look, answer.comparison.looks)) if answer.comparison else (),
        tuning=view_tuning(answer),
        figures=figures,
        per_class=tuple(_per_class(classified, answer.data.class_names)),
        per_class_left=max(0, len(answer.data.class_names) - MOST_CLASSES),
        per_class_families=tuple(formatting.family_name(name) for name in classified),
    )


def _place(placement: Placement) -> str:
    if placement.where != "here":
        return f"trained on pool {placement.where} ({placement.reason})."
    queued = f", after {placement.queued_seconds:.0f} s in the queue" if placement.flow_run_id else ""
    return f"trained in the process of the study ({placement.reason}){queued}."


def head(metric: str) -> str:
    """The head of a metric's column, such as `cross-entropy (nats) ↓`."""
    unit = METRICS[metric].unit if metric in METRICS else ""
    name = formatting.metric_name(metric) + (f" ({unit})" if unit not in ("", "%") else "")
    return name if formatting.higher_is_better(metric) else f"{name} ↓"


def view_verdict(comparison: ComparisonReport) -> VerdictView:
    """Reports of earlier versions have no headline: the verdict's first sentence is theirs."""
    lead, caveat = formatting.lead_and_rest(comparison.headline or comparison.verdict)
    whole = " ".join(filter(None, (comparison.verdict, comparison.advice)))
    if not comparison.headline:
        caveat = ""
    return VerdictView(lead=lead, caveat=caveat, changes=comparison.changes, whole=whole)


def _verdict_of_one(answer: Answer, metric: str) -> VerdictView:
    for name, one in answer.evaluation.items():
        score = " ".join(formatting.value_and_interval(metric, one.metrics[metric])) if metric in one.metrics else "n/a"
        return VerdictView(
            lead=f"{formatting.family_name(name)} has {score} {formatting.metric_name(metric)}.",
            caveat="It is the only family here, so there is nothing to compare it with.",
            changes="",
            whole="",
        )
    return VerdictView(lead="No family could be trained.", caveat="The reasons are given below.", changes="", whole="")


def short_rows(
    comparison: ComparisonReport | None,
    scores: Mapping[str, Score],
    seconds: Mapping[str, float],
    names: Mapping[str, str],
) -> tuple[ShortRow, ...]:
    """The table under the headline, the best family first; of a single family there is none."""
    finite = {n: s for n, s in scores.items() if all(map(math.isfinite, (s.mean, s.low, s.high)))}
    if comparison is None or len(finite) < 2:
        return ()
    low, high = min(s.low for s in finite.values()), max(s.high for s in finite.values())
    room = (high - low) or 1.0
    rows = []
    times = seconds_column([seconds.get(name, math.nan) for name in finite])
    for (name, score), time in zip(finite.items(), times, strict=True):
        ends = [100 * (end - low) / room for end in (score.low, score.mean, score.high)]
        rows.append(
            ShortRow(
                name=names[name],
                is_taken=name == comparison.take,
                score=view_cell(comparison.metric, score),
                left=round(ends[0], 1),
                length=round(max(ends[2] - ends[0], 1.0), 1),
                middle=round(ends[1], 1),
                seconds=time,
                standing=standing(comparison, name, names),
            )
        )
    return tuple(rows)


SIGNS = {"better": "▲", "worse": "▼", "equal": "=", "open": "?", "self": ""}
"""What stands in the matrix of pairs."""


def view_matrix(comparison: ComparisonReport, names: Mapping[str, str]) -> tuple[MatrixRow, ...]:
    """Each family against each other, row minus column."""
    order = [name for group in comparison.groups for name in group if name in names]
    pairs = {frozenset((pair.a, pair.b)): pair for pair in comparison.pairs}
    rows = []
    for a in order:
        cells = []
        for b in order:
            pair = pairs.get(frozenset((a, b)))
            if a == b or pair is None:
                cells.append(("self", "", ""))
                continue
            kind = {"equivalent": "equal", "cannot tell": "open"}.get(pair.verdict, "")
            kind = kind or ("better" if (pair.verdict == "a better") == (pair.a == a) else "worse")
            size = pair.difference if pair.a == a else -pair.difference
            value, _ = formatting.difference(pair.metric, size, size, size)
            told = value.removesuffix(" points").removesuffix(" point")
            cells.append((kind, SIGNS[kind], told))
        rows.append(MatrixRow(name=names[a], cells=tuple(cells)))
    return tuple(rows)


SMALL_VALIDATION = 50
"""Validation examples below which what is measured on them is too rough to choose by."""


def _small_validation(answer: Answer) -> str:
    number = answer.data.num_validation
    if number >= SMALL_VALIDATION:
        return ""
    if number == 0:
        return "There are no validation examples: the curves show training only, and no epoch was chosen by them."
    if answer.data.target is not None:
        return (
            f"There are {number} validation examples only: curves on them jump by chance. Scores and verdicts "
            "are of the test examples."
        )
    return (
        f"There are {number} validation examples only, so that one of them is {100 / number:.2g} points: curves on "
        "them jump by chance. Scores and verdicts are of the test examples."
    )


def _view_family(answer: Answer, name: str, metrics: tuple[str, ...]) -> Family:
    evaluation, training = answer.evaluation[name], answer.training.get(name)
    groups = answer.comparison.groups if answer.comparison else ((name,),)
    return Family(
        name=formatting.family_name(name),
        is_baseline=formatting.is_baseline(name),
        group=next((number for number, group in enumerate(groups, 1) if name in group), None),
        scores=tuple(
            view_cell(metric, evaluation.metrics[metric]) if metric in evaluation.metrics else None
            for metric in metrics
        ),
        training=training,
        evaluation=evaluation,
        seconds_per_seed=per_seed(training) if training else None,
        run_id=answer.run_ids.get(family_of(name)),
        placement=answer.placement.get(name),
    )


def view_cell(metric: str, score: Score, *, is_best: bool = False) -> Cell:
    """A score, as the table of families shows it."""
    value, interval = formatting.value_and_interval(metric, score)
    unit = METRICS[metric].unit if metric in METRICS else ""
    # The head of the column names it, but for percent, which belongs to the number.
    value = value.removesuffix(f" {unit}") if unit else value
    return Cell(value=value, interval=interval, is_best=is_best)


def confidence(comparison: ComparisonReport) -> str:
    """Confidence of the intervals of differences, as the verdict states it."""
    together = len(comparison.pairs) > 1
    return f"{100 * (1 - comparison.level):.4g}%" + (f" for all {len(comparison.pairs)} pairs together" * together)


def view_pairs(comparison: ComparisonReport, name: Callable[[str], str] = formatting.family_name) -> tuple[Pair, ...]:
    """The rows of the table of pairs; `name` is how a family is written."""
    return tuple(_view_pair(pair, comparison.margin, name) for pair in comparison.pairs)


def _view_pair(pair: PairReport, margin: float, name: Callable[[str], str]) -> Pair:
    a, b = name(pair.a), name(pair.b)
    outcome = {"a better": f"{a} is better", "b better": f"{b} is better"}.get(pair.verdict, pair.verdict)
    equivalent = pair.verdict == "equivalent"
    value, interval = formatting.difference(
        pair.metric, pair.difference, pair.low, pair.high, margin=margin if equivalent else None
    )
    if pair.verdict == "cannot tell" and not pair.low <= 0 <= pair.high:
        # It counts the examples of a single seed only, or is an earlier version's, which was of another level.
        interval = ""
    return Pair(
        names=f"{a} − {b}",
        cell=Cell(value=value, interval=interval),
        p=formatting.p_value(pair.p_value),
        detectable=amount(pair.metric, pair.power.detectable) if pair.power else None,
        outcome=outcome,
        is_separated=pair.verdict in ("a better", "b better"),
        sentence=pair.sentence,
    )


def _view_look(look: Look) -> LookView:
    def named(families: tuple[str, ...]) -> str:
        return ", ".join(map(formatting.family_name, families)) or "–"

    return LookView(
        seeds=str(look.seeds),
        level=f"{100 * look.level:.2g}%",
        leader=formatting.family_name(look.leader),
        equivalent=named(look.equivalent),
        undecided=named(look.undecided),
        out=named(look.out),
    )


def _shown_classes(classified: Mapping[str, EvaluationReport], class_names: tuple[str, ...]) -> tuple[str, ...]:
    """All, or of many those with the lowest F1 over the families, in their order."""
    if len(class_names) <= MOST_CLASSES:
        return class_names

    def f1(name: str) -> float:
        return sum(one.per_class.get(name, {}).get("f1", 0.0) for one in classified.values())

    worst = set(sorted(class_names, key=f1)[:MOST_CLASSES])
    return tuple(name for name in class_names if name in worst)


def _per_class(
    classified: Mapping[str, EvaluationReport], class_names: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in _shown_classes(classified, class_names):
        scores = [one.per_class.get(name, {}) for one in classified.values()]
        if scores:
            yield name, tuple(map(_f1_and_recall, scores))


def _f1_and_recall(scores: Mapping[str, float]) -> str:
    """`83.1% (recall 80.0 [61.2, 91.0])`; reports of earlier versions have no limits."""
    if "f1" not in scores:
        return "n/a"
    text = f"{100 * scores['f1']:.1f}%"
    if "recall_low" not in scores:
        return text
    recall, low, high = (100 * scores[name] for name in ("recall", "recall_low", "recall_high"))
    return f"{text} (recall {recall:.1f} [{low:.1f}, {high:.1f}])"


# ----------------------------------------------------------------------- summary, homework, recipes


def _summaries(answers: tuple[AnswerView, ...]) -> Iterator[Summary]:
    for metric in dict.fromkeys(view.metric for view in answers):
        same = [view for view in answers if view.metric == metric]
        families = dict.fromkeys(name for view in same for name in view.answer.evaluation)
        # Networks first, then what they must beat.
        columns = sorted(families, key=formatting.is_baseline)
        yield Summary(
            metric=formatting.metric_name(metric),
            families=tuple(map(formatting.family_name, columns)),
            rows=tuple((view, tuple(_summary_cell(view, name) for name in columns)) for view in same),
        )


def _summary_cell(view: AnswerView, family: str) -> Cell | None:
    evaluation = view.answer.evaluation.get(family)
    if evaluation is None or view.metric not in evaluation.metrics:
        return None
    comparison = view.answer.comparison
    # Reports of earlier versions do not say which families could be the best.
    could_be_best = (comparison.could_be_best or comparison.groups[0]) if comparison else ()
    is_best = family in could_be_best
    return view_cell(view.metric, evaluation.metrics[view.metric], is_best=is_best)


def _view_part(part: HomeworkPart, drawing: Drawing) -> PartView:
    try:
        return PartView(part=part, figure=drawing.of_part(part))
    except SpecError as error:
        return PartView(part=part, problem=str(error))


def _recipes(run: RunReport) -> Iterator[RecipeView]:
    """Equal recipes of a family once, with all data sets that they were used on."""
    found: dict[tuple[str, str], RecipeView] = {}
    for answer in run.answers:
        for name, training in answer.training.items():
            if training.recipe is None:
                continue
            key = (name, training.recipe.model_dump_json())
            settings = training.recipe.model_dump(mode="json").items()
            view = found.setdefault(
                key,
                RecipeView(
                    family=formatting.family_name(name),
                    data=[],
                    settings=tuple((field, "none" if value is None else str(value)) for field, value in settings),
                ),
            )
            view.data.append(answer.data.name)
    yield from found.values()
