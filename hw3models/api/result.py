"""What a study has found, for a notebook or a program."""

import shutil
import weakref
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from hw3models.api.model import Model
from hw3models.engine.fitted_store import load_fitted
from hw3models.engine.model_store import load_model, rebuild
from hw3models.errors import SpecError
from hw3models.evaluation.scores import main_metric
from hw3models.evaluation.verdicts import verdict_of
from hw3models.explaining import Explanation, Method
from hw3models.explaining.explanation import NUM_EXAMPLES
from hw3models.explaining.kept import explain_family
from hw3models.families import display_name, facts_of
from hw3models.printable import few
from hw3models.report import write_report
from hw3models.report.figures import figure_of_scores
from hw3models.serving.predictor import Predictor, fitted_member
from hw3models.specs import Answer, Axes, RunReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class StudyFolder:
    """Where models and predictions are; a temporary one goes when nobody holds this any more."""

    def __init__(self, path: Path, *, is_temporary: bool) -> None:
        self.path = path
        if is_temporary:
            weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)


class StudyResult:
    """The verdict, the numbers under it, and the models."""

    def __init__(
        self,
        run: RunReport,
        *,
        classes: NDArray[Any],
        folder: StudyFolder,
        axes: Axes | None = None,
    ) -> None:
        self.run = run
        """Everything, as the flows return it; `run.model_dump_json()` keeps it."""
        self.classes = classes
        """(K,) labels."""
        self._folder, self._axes = folder, axes

    @property
    def folder(self) -> Path:
        """Where models and predictions are."""
        return self._folder.path

    @property
    def answer(self) -> Answer:
        """The report of the study."""
        return self.run.answers[0]

    @property
    def take(self) -> str:
        """The family to use."""
        comparison = self.answer.comparison
        return comparison.take if comparison else next(iter(self.answer.evaluation))

    @property
    def verdict(self) -> str:
        """Which family to take, and why, in sentences."""
        return verdict_of(self.answer)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each family, the best first: its score with a 95% interval, and what it costs."""
        answer, metric = self.answer, main_metric(self.answer)
        facts = facts_of(answer.evaluation, answer.data.kind)
        rows = []
        for name, one in answer.evaluation.items():
            score, training = one.metrics[metric], answer.training[name]
            rows.append(
                {
                    "family": name,
                    metric: score.mean,
                    "low": score.low,
                    "high": score.high,
                    "seeds": len(one.seeds),
                    "seconds_per_seed": training.train_seconds / len(one.seeds),
                    "parameters": training.parameters,
                    "baseline": facts[name].is_baseline,
                    "could_be_best": answer.comparison is None or name in answer.comparison.could_be_best,
                }
            )
        lower_is_better = answer.comparison is not None and not answer.comparison.higher_is_better
        return pd.DataFrame(rows).sort_values(metric, ascending=lower_is_better, ignore_index=True, kind="stable")

    @property
    def pairs(self) -> pd.DataFrame:
        """A row for each pair of families: the difference, its interval, and what was decided."""
        comparison = self.answer.comparison
        pairs = () if comparison is None else comparison.pairs
        columns = ["a", "b", "difference", "low", "high", "p_value", "verdict", "sentence"]
        return pd.DataFrame([one.model_dump(include=set(columns)) for one in pairs], columns=columns)

    @property
    def best(self) -> Model:
        """The model to use: of the family to take, the seed with the best validation."""
        return self.model(self.take)

    def model(self, family: str, *, seed: int | None = None) -> Model:
        """The trained model of a family: of `seed`, or of the one with the best validation; of an ensemble all members.

        Raises:
            SpecError: there is no such family or seed, or its model is not kept.
            DataError: the model is gone.
        """
        answer = self.answer
        if family not in answer.training:
            raise SpecError(f"`family` {family!r} was not trained; there are {few(answer.training)}.")
        directory, is_network = Path(answer.training[family].directory), answer.training[family].recipe is not None
        if not answer.training[family].is_kept:
            why = " ".join(answer.training[family].notes)
            raise SpecError(f"{display_name(family)} keeps no model that could be asked. {why}")
        kept: Any
        manifest, kept = load_model(directory) if is_network else load_fitted(directory)
        wanted = manifest.best_seed if seed is None else seed
        if wanted not in manifest.seeds:
            raise SpecError(f"`seed` {wanted} of {family} was not trained; there are {few(manifest.seeds)}.")
        members = answer.training[family].members
        seeds = manifest.seeds[:members] if members > 1 and seed is None else (wanted,)
        if is_network:
            networks = [(manifest.of((one,)), rebuild(manifest, kept, one)) for one in seeds]
            return Model([Predictor.of_network(*network) for network in networks], self.classes, self._axes)
        fitted = [Predictor(manifest.of((one,)), [fitted_member(manifest, kept[one])]) for one in seeds]
        return Model(fitted, self.classes, self._axes)

    def explain(
        self,
        family: str | None = None,
        *,
        examples: int = NUM_EXAMPLES,
        methods: Sequence[Method] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Explanation:
        """What the answers of a family's seeds about test examples rest on, and whether that can be believed.

        Args:
            family: None: the one to take.
            examples: how many are drawn from the test part.
            methods: of `occlusion` and `gradients`; None: both of a network, occlusion of others.
            tell: gets a line before each method, such as `print`.

        Raises:
            SpecError: there is no such family, its model is not kept, or it cannot be explained.
            DataError: the model or the data are gone.
        """
        self.model(wanted := family or self.take)
        return explain_family(self.answer, wanted, num=examples, methods=methods, tell=tell)

    def plot(self) -> "Figure":
        """Families with their intervals; baselines are hollow."""
        return figure_of_scores(self.answer, main_metric(self.answer))

    def report(self, path: str | Path) -> Path:
        """Write the report page: one HTML file that loads nothing.

        Raises:
            DataError: it cannot be written.
        """
        page = Path(path)
        write_report(self.run, page)
        return page

    def __repr__(self) -> str:
        """The verdict, then the table."""
        return f"{self.verdict}\n\n{self.table.to_string(index=False, float_format=lambda value: f'{value:.4g}')}"

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        table = self.table.to_html(index=False, float_format=lambda value: f"{value:.4g}", border=0)
        return f"<p>{escape(self.verdict)}</p>{table}"
