"""A trained family, as a study has left it, explained."""

from collections.abc import Sequence
from pathlib import Path

from hw3models.data import load_prepared
from hw3models.data.dataset import Dataset
from hw3models.data.resamples import split_of, tests_on_splits
from hw3models.engine.model_store import stored_manifest
from hw3models.explaining.explanation import NUM_EXAMPLES, Explanation, Method, explain
from hw3models.explaining.maps import Tell
from hw3models.explaining.questions import questions_of
from hw3models.serving.predictor import load_seeds
from hw3models.specs import Answer


def explain_family(
    answer: Answer,
    family: str,
    *,
    num: int = NUM_EXAMPLES,
    methods: Sequence[Method] | None = None,
    tell: Tell = lambda _: None,
) -> Explanation:
    """A family of a study, where models and prepared data are on this machine.

    Raises:
        SpecError: it cannot be explained.
        DataError: the model or the data are gone.
    """
    training, dataset = answer.training[family], load_prepared(answer.data)
    return explain_folder(
        Path(training.directory), dataset, members=training.members, num=num, methods=methods, tell=tell
    )


def explain_folder(
    directory: Path,
    dataset: Dataset,
    *,
    members: int = 1,
    num: int = NUM_EXAMPLES,
    methods: Sequence[Method] | None = None,
    tell: Tell = lambda _: None,
) -> Explanation:
    """All seeds of a trained folder on the test part of its data; of an ensemble its members.

    Seeds that each have a test part of their own cannot be set side by side: of these the best one on its own.

    Raises:
        SpecError: it cannot be explained.
        DataError: the folder does not hold a whole model, or one for other data.
    """
    manifest = stored_manifest(directory)
    seeds = manifest.seeds[:members] if members > 1 else manifest.seeds
    if tests_on_splits(manifest.resampling):
        seeds = (manifest.best_seed,)
        dataset = split_of(dataset, manifest.resampling, manifest.best_seed)
    predictor = load_seeds(directory, seeds)
    return explain(predictor, questions_of(dataset), methods=methods, num=num, tell=tell)
