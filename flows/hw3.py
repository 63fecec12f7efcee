"""Everything: images, autoencoder, the regimes of homework part 5, and the homework's questions, in one report."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from prefect import flow

from flows.autoencoder import autoencoder
from flows.images import images
from flows.sequences import sequences
from flows.studies.closing import HOOKS
from flows.studies.reported import Outcome, flow_name, reported
from hw3models.homework.claims import judge_claims
from hw3models.specs import (
    Answer,
    AutoencoderSpec,
    DataSpec,
    HomeworkPart,
    Hw3Spec,
    ImagesSpec,
    RunReport,
    SequencesSpec,
)
from tasks.homework import ask_for_homework, solve_homework, take_solved
from tasks.progress import say

PART_1 = ("mlp", "majority", "logistic")
"""Homework part 1 is about the MLP; other networks on images are there with `hw3 images`."""
PART_5B = ("mlp", "cnn", "majority", "logistic")
OF_PART_5 = ("mlp", "cnn", "lstm", "gru", "majority", "logistic", "minirocket")
"""What homework part 5 asks about, and baselines; MiniROCKET because it is 20 times as fast as ROCKET."""


@flow(name="hw3", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def hw3(spec: Hw3Spec) -> RunReport:
    """All studies and the homework parts."""

    def answer(_: str) -> Outcome:
        common: dict[str, Any] = spec.model_dump(
            include={"seeds", "epochs", "device", "placement", "queue_deadline", "fresh"}
        )
        pictures = DataSpec(source=spec.images)
        coded = AutoencoderSpec(data=pictures, latent_dim=spec.latent_dim, **common)
        studies: dict[str, Callable[[], RunReport]] = {
            f"images {spec.images}": lambda: images(ImagesSpec(data=pictures, families=PART_1, **common)),
            f"autoencoder {spec.images}": lambda: autoencoder(coded),
        }
        for regime in spec.regimes:
            data = DataSpec(source=f"regime:{regime}", num_train=spec.num_train, num_test=spec.num_test)
            studies[regime] = partial(sequences, SequencesSpec(data=data, families=OF_PART_5, **common))
        for shown in spec.image_regimes:
            data = DataSpec(source=f"regime:{shown}", num_train=spec.num_train, num_test=spec.num_test)
            studies[shown] = partial(images, ImagesSpec(data=data, families=PART_5B, **common))
        asked = ask_for_homework() if spec.homework else {}
        answers, missing = _answers(studies)
        if not spec.homework:
            return Outcome(with_claims(answers), (), missing)
        homework, unsolved = _homework(asked)
        return Outcome(with_claims(answers), homework, (*missing, *unsolved))

    return reported("hw3 run", spec, answer)


def _homework(asked: Mapping[str, Future[HomeworkPart]]) -> tuple[tuple[HomeworkPart, ...], tuple[str, ...]]:
    """Answers of the homework, or what is missing: the studies, which took minutes, stand without."""
    try:
        return solve_homework(take_solved(asked)), ()
    except Exception as error:
        say(f"homework FAILED: {error}")
        return (), (f"the homework could not be answered: {error}",)


def _answers(studies: Mapping[str, Callable[[], RunReport]]) -> tuple[list[Answer], tuple[str, ...]]:
    """Answers of all studies; one that fails is missing, and the others stand. Where all fail, so does this."""
    answers: list[Answer] = []
    errors: dict[str, Exception] = {}
    for name, study in studies.items():
        try:
            answers += study().answers
        except Exception as error:
            say(f"{name} FAILED: {error}")
            errors[name] = error
    if errors and not answers:
        raise next(iter(errors.values()))
    return answers, tuple(f"{name} could not be answered: {error}" for name, error in errors.items())


def with_claims(answers: list[Answer]) -> tuple[Answer, ...]:
    """Judge the claims of part 5 over all regimes together; each regime's answer carries its own."""
    regimes = {a.data.source.removeprefix("regime:"): a for a in answers if a.data.source.startswith("regime:")}
    comparisons = {name: a.comparison for name, a in regimes.items() if a.comparison is not None}
    claims = judge_claims(comparisons, {name: a.evaluation for name, a in regimes.items()})
    return tuple(
        a.model_copy(update={"claims": tuple(c for c in claims if a.data.source == f"regime:{c.regime}")})
        for a in answers
    )
