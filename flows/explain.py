"""`hw3 explain`: what a model's answers rest on, as a page, as text and in MLflow."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.local.servers import check_servers
from flows.terminal import remark
from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.data.preparation import check_digest, read_raw
from hw3models.data.raw import Raw
from hw3models.data.remembered import as_trained
from hw3models.data.targets import targets_of
from hw3models.errors import DataError, SpecError
from hw3models.explaining import Explanation, Method, Questions, explain
from hw3models.explaining.explanation import check_explainable
from hw3models.explaining.kept import explain_folder
from hw3models.explaining.measures import SHARES
from hw3models.explaining.telling import differences_of
from hw3models.printable import few, one_a_line
from hw3models.report.explain_page import figures, write_page
from hw3models.runtime.files import check_output
from hw3models.serving.predictor import load_predictor
from hw3models.specs import Answer, DataSpec, TrainSpec
from hw3models.specs.model import ModelManifest
from tasks import tracking
from tasks.bringing import bring_upload, on_this_machine
from tasks.names import slug
from tasks.promotion import fetch_challenger
from tasks.settings import Settings
from tasks.tracking import registry
from tasks.tracking.finding import FamilyRun, find_answers


class Explained(NamedTuple):
    """What came of it."""

    found: Explanation
    differences: tuple[str, ...]
    page: Path


def explain_model(
    what: str | None,
    *,
    family: str | None,
    of: str | None,
    on: DataSpec | None,
    methods: Sequence[Method] | None,
    examples: int,
    output: Path | None,
) -> Explained:
    """Explain, write the page, and log it where the model has an MLflow run.

    Raises:
        SpecError: there is no such model, or it cannot be explained.
        DataError: model or data are not there.
    """
    folder = Path(what) if what is not None and (Path(what) / "model.json").is_file() else None
    if output is not None:
        check_output(output, [] if folder is None else folder.iterdir())
    told: tuple[str, ...] = ()
    if folder is not None:
        found, run_id = _of_folder(folder, on, methods, examples), None
    else:
        check_servers()
        if on is not None:
            raise SpecError(
                "`on` is for a model folder: studies and registered models have test examples of their own."
            )
        with tempfile.TemporaryDirectory() as directory:
            run, answer = _fetched(what, family, of, Path(directory))
            run_id, dataset = run.run_id, _data(run.spec, answer)
            found = explain_folder(
                Path(run.training.directory),
                dataset,
                members=run.members,
                num=examples,
                methods=methods,
                tell=remark,
            )
            told = () if answer is None else differences_of(answer, found.family, dataset)
    path = output or Settings().home / "reports" / f"explain-{slug(found.questions.name)}-{slug(found.family)}.html"
    write_page(found, path, told)
    if run_id is not None:
        tracking.log_explanation(run_id, path, figures(found))
    return Explained(found, told, path)


def as_text(done: Explained) -> str:
    """What a terminal shows."""
    return one_a_line([*done.found.sentences, *done.differences, f"page: {done.page}"])


def as_json(done: Explained) -> str:
    """The same as one JSON object."""
    found = done.found
    maps = {
        one.method: {
            "agreement": None if one.agreement is None else one.agreement._asdict(),
            "stable": one.is_stable,
            "answer_rests_there": one.rests_there,
            "deleted": list(SHARES),
            "whole": one.deletion.whole,
            "ranked": list(one.deletion.ranked),
            "random": list(one.deletion.random),
            "gap": one.deletion.gap._asdict(),
        }
        for one in found.maps
    }
    told = {
        "family": found.family,
        "data": found.questions.name,
        "seeds": list(found.seeds),
        "examples": found.num_drawn,
        "found": found.has_found,
        "accuracy": None if found.right is None else found.right._asdict(),
        "beyond_guessing": None if found.beyond_guessing is None else found.beyond_guessing._asdict(),
        "verdict": found.verdict,
        "maps": maps,
        "differences": list(done.differences),
        "page": str(done.page),
    }
    return json.dumps(told, indent=1)


def _fetched(what: str | None, family: str | None, of: str | None, directory: Path) -> tuple[FamilyRun, Answer | None]:
    """A registered model, or a family of a study with the study's answer."""
    if what is not None and ("@" in what or "/" in what) and not what.endswith(".json"):
        if family is not None or of is not None:
            raise SpecError("`family` and `data` choose from a study: name its run instead of a registered model.")
        return registry.fetch_named(what, directory), None
    _, answers = find_answers(what)
    wanted = [answer for answer in answers if of in (None, answer.data.name)]
    if len(wanted) != 1:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"the study has the data sets {names}: name one of them with `--data`.")
    return fetch_challenger(wanted[0], family, directory), wanted[0]


def _data(spec: TrainSpec, answer: Answer | None) -> Dataset:
    """The prepared data of the study: those that are here, or the same again from their source."""
    if answer is not None and Path(answer.data.path).is_file():
        return load_prepared(answer.data)
    settings = Settings()
    source = fetch(
        spec.data,
        cache=settings.cache,
        mirrors=settings.mirrors,
        timeout=settings.download_timeout,
        on_progress=remark,
        uploads=bring_upload,
    )
    report = prepare(spec.data, source, cache=settings.cache)
    check_digest(spec, report)
    return load_prepared(report)


def _of_folder(folder: Path, on: DataSpec | None, methods: Sequence[Method] | None, examples: int) -> Explanation:
    predictor = load_predictor(folder)
    check_explainable(predictor, methods)
    if on is None:
        raise SpecError(f"{folder} holds no examples: give labelled ones that it was not trained on with `--on FILE`.")
    with on_this_machine(on, remark) as here:
        questions = _questions(here, predictor.manifest)
    return explain(predictor, questions, methods=methods, num=examples, tell=remark)


def _questions(spec: DataSpec, manifest: ModelManifest) -> Questions:
    """All examples of a labelled source, read as the model's training data were, as the model counts its classes."""
    settings = Settings()
    spec = as_trained(spec, manifest)
    source = fetch(spec, cache=settings.cache, mirrors=settings.mirrors, timeout=settings.download_timeout)
    raw = read_raw(spec, source, cache=settings.cache)
    labels, targets = _truth(spec, manifest, raw)
    values = np.array(raw.features, np.float32)
    if raw.kind == "sequences":
        steps = manifest.shape[0]
        ends = np.full(len(values), values.shape[1]) if raw.lengths is None else raw.lengths
        values[np.arange(values.shape[1]) >= ends[:, None]] = np.nan
        if manifest.unequal_lengths and values.shape[1] < steps:
            values = np.pad(values, [(0, 0), (0, steps - values.shape[1]), (0, 0)], constant_values=np.nan)
    return Questions(
        name=raw.name,
        examples=values,
        rows=np.arange(len(values)),
        labels=labels,
        targets=targets,
        groups=raw.groups,
        is_images=raw.kind == "images",
        is_test=False,
    )


def _truth(
    spec: DataSpec, manifest: ModelManifest, raw: Raw
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """The classes as the model counts them, or the numbers."""
    if manifest.target is not None:
        return None, targets_of(raw, spec.source)
    if strangers := sorted(set(raw.class_names) - set(manifest.class_names)):
        raise DataError(
            f"{spec.source}: the model knows no class {strangers[0]!r}; there are {few(manifest.class_names)}."
        )
    return np.array([manifest.class_names.index(name) for name in raw.class_names])[raw.labels], None
