"""An ensemble of a family's seeds as an entry of its own: no training, the mean of what the seeds have predicted."""

from collections.abc import Iterable, MutableMapping
from pathlib import Path

from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import Ensemble, ensemble_table, named_ensemble
from hw3models.evaluation.prediction_table import load_table, save_table
from hw3models.evaluation.scores import evaluate
from hw3models.specs import EvaluationReport, TrainReport


def add_ensembles(
    entries: Iterable[str],
    training: MutableMapping[str, TrainReport],
    evaluation: MutableMapping[str, EvaluationReport],
    failures: MutableMapping[str, str],
) -> tuple[str, ...]:
    """Put the ensembles among the entries to what their families' seeds have given; those that could be made."""
    made = []
    for name in entries:
        ensemble = named_ensemble(name)
        if ensemble is None:
            continue
        if ensemble.family not in training:
            failures[name] = f"{ensemble.family} could not be trained."
            continue
        try:
            found = make_ensemble(name, ensemble, training[ensemble.family], evaluation[ensemble.family])
        except SpecError as error:
            # Some of the seeds were lost.
            failures[name] = str(error)
            continue
        training[name], evaluation[name] = found
        made.append(name)
    return tuple(made)


def make_ensemble(
    name: str, ensemble: Ensemble, training: TrainReport, evaluation: EvaluationReport
) -> tuple[TrainReport, EvaluationReport]:
    """Both reports of the ensemble; its prediction table stands beside that of its members.

    It costs what the training of its members has cost, and as many predictions.

    Raises:
        SpecError: there are fewer seeds than members.
    """
    members = load_table(Path(evaluation.table_path), evaluation.table_digest)
    table = ensemble_table(members, name, ensemble.members)
    path = Path(training.directory) / f"ensemble-{ensemble.members}.npz"
    digest = save_table(table, path)
    used = table.num_networks
    left = len(members.seeds) - used
    report = training.model_copy(
        update={
            "family": name,
            "seeds": table.seeds,
            "members": ensemble.members,
            "failures": (),
            "parameters": training.parameters * ensemble.members,
            "train_seconds": training.train_seconds * used / len(members.seeds),
            "notes": (f"{left} of the {len(members.seeds)} seeds are left over, in no ensemble.",) if left else (),
        }
    )
    scored = evaluate(
        table,
        tuple(evaluation.per_class),
        predict_seconds_per_1000=evaluation.predict_seconds_per_1000 * ensemble.members,
        device=evaluation.device,
        table_path=str(path),
        table_digest=digest,
    )
    return report, scored
