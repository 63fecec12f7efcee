"""`hw3 learning-curve`: the same study at growing sizes of the training part, and what more data would do."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from prefect import flow

from flows.images import images
from flows.sequences import sequences
from flows.studies.closing import HOOKS
from hw3models.data.checks import MIN_TRAIN_PER_CLASS
from hw3models.errors import SpecError
from hw3models.evaluation.growth import MIN_SIZES, growth
from hw3models.simulation.learning_curves import SHARES
from hw3models.specs import Answer, DataReport, ImagesSpec, LearningCurveReport, LearningCurveSpec, SequencesSpec
from tasks.progress import say

LEAST_GROUPS = 3
"""Groups of the smallest size: one of them may be for validation."""


@flow(name="learning-curve", validate_parameters=True, **HOOKS)
def learning_curve(spec: LearningCurveSpec) -> LearningCurveReport:
    """One study for each size, the whole first; finished ones come from the cache, trainings go where a study's go.

    A size is a number of whole groups where there are enough of them. A budget is of all sizes together.
    """
    study = spec.sequences or spec.images
    assert study is not None
    whole = _answer(_with_budget(study))
    rest, data = _like(study, whole), whole.data
    answers = _smaller(rest, whole, "max_train_groups", _group_sizes(data))
    by_groups = len(answers) >= MIN_SIZES
    if not by_groups:
        sizes = _sizes(data.num_train + data.num_validation, len(data.class_names))
        answers = _smaller(rest, whole, "max_train", sizes)
    return growth(answers, spec.times, by_groups=by_groups)


def _smaller(
    study: SequencesSpec | ImagesSpec,
    whole: Answer,
    field: Literal["max_train", "max_train_groups"],
    sizes: Sequence[int],
) -> list[Answer]:
    """Answers from the smallest size to the whole; without groups that are too few for all classes."""
    what = "training examples" if field == "max_train" else "training groups"
    answers = [whole]
    for size in reversed(sizes):
        say(f"{whole.data.name}: {size:,} {what}")
        asked = study.model_copy(update={"data": study.data.model_copy(update={field: size})})
        try:
            answers.append(_answer(asked))
        except SpecError as error:
            if field == "max_train":
                raise
            say(f"{size:,} groups are too few: {error}")
            break
    return answers[::-1]


def _sizes(pool: int, num_classes: int) -> Sequence[int]:
    """Below the whole, halved again and again, as far as classes have enough."""
    least = max(20, 2 * MIN_TRAIN_PER_CLASS * num_classes)
    return [size for share in SHARES[:-1] if (size := int(np.ceil(share * pool))) >= least]


def _group_sizes(data: DataReport) -> Sequence[int]:
    """The same of groups; empty where there are none, or too few of them for a curve."""
    pool = data.num_pool_groups or 0
    sizes = [size for share in SHARES[:-1] if (size := int(np.ceil(share * pool))) >= LEAST_GROUPS]
    return sizes if len(sizes) >= MIN_SIZES - 1 else []


def _with_budget(study: SequencesSpec | ImagesSpec) -> SequencesSpec | ImagesSpec:
    """The study with its part of the budget: the sizes take as long as their shares of the examples."""
    if study.budget_seconds is None:
        return study
    return study.model_copy(update={"budget": f"{max(0.001, study.budget_seconds / sum(SHARES)):.3f}s"})


def _like(study: SequencesSpec | ImagesSpec, whole: Answer) -> SequencesSpec | ImagesSpec:
    """What smaller sizes are trained by: the families that the budget has left, without a budget of their own."""
    if study.budget is None:
        return study
    # What is written as a path is a family from outside, which is called otherwise in the answer.
    families = tuple(one for one in study.families or tuple(whole.training) if one in whole.training or ":" in one)
    return study.model_copy(update={"families": families, "budget": None})


def _answer(study: SequencesSpec | ImagesSpec) -> Answer:
    report = sequences(study) if isinstance(study, SequencesSpec) else images(study)
    return report.answers[0]
