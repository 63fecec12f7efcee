"""`hw3 learning-curve`: the same study at growing sizes of the training part, and what more data would do."""

from collections.abc import Sequence

import numpy as np
from prefect import flow

from flows.images import images
from flows.sequences import sequences
from flows.studies.closing import HOOKS
from hw3models.data.checks import MIN_TRAIN_PER_CLASS
from hw3models.evaluation.growth import growth
from hw3models.simulation.learning_curves import SHARES
from hw3models.specs import Answer, ImagesSpec, LearningCurveReport, LearningCurveSpec, SequencesSpec
from tasks.progress import say


@flow(name="learning-curve", validate_parameters=True, **HOOKS)
def learning_curve(spec: LearningCurveSpec) -> LearningCurveReport:
    """One study for each size, the whole first; finished ones come from the cache, trainings go where a study's go."""
    study = spec.sequences or spec.images
    assert study is not None
    whole = _answer(study)
    pool = whole.data.num_train + whole.data.num_validation
    answers = [whole]
    for size in reversed(_sizes(pool, len(whole.data.class_names))):
        say(f"{whole.data.name}: {size:,} of {pool:,} training examples")
        data = study.data.model_copy(update={"max_train": size})
        answers.append(_answer(study.model_copy(update={"data": data})))
    return growth(answers[::-1], spec.times)


def _sizes(pool: int, num_classes: int) -> Sequence[int]:
    """Below the whole, halved again and again, as far as classes have enough."""
    least = max(20, 2 * MIN_TRAIN_PER_CLASS * num_classes)
    return [size for share in SHARES[:-1] if (size := int(np.ceil(share * pool))) >= least]


def _answer(study: SequencesSpec | ImagesSpec) -> Answer:
    report = sequences(study) if isinstance(study, SequencesSpec) else images(study)
    return report.answers[0]
