"""One data set, several families: the steps that the flows of images, autoencoders and sequences share, in order."""

from flows.studies.looks import train_until_decided
from flows.studies.results import StudyResults
from flows.studies.searches import train_over_searches
from flows.studies.training import train_all
from flows.studies.tuning import Tuned, tune
from hw3models.checking import warnings_about
from hw3models.data import as_kind, check_kind
from hw3models.pipeline.answering import answer_of, with_design
from hw3models.pipeline.defaults import fitting_entries
from hw3models.pipeline.plan import StudyPlan
from hw3models.pipeline.study import check_study
from hw3models.specs import Answer, ComparisonReport, DataSpec, StudyKind, StudySpec
from hw3models.tuning.choice import budget_sentence
from tasks import tracking
from tasks.caching import run_cached
from tasks.data import download, preprocess
from tasks.evaluation import compare
from tasks.progress import say
from tasks.reporting import draw_ahead


def study(kind: StudyKind, spec: StudySpec, data_spec: DataSpec, parent: str, *, latent_dim: int = 2) -> Answer:
    """Download, preprocess, search for recipes, train and evaluate each family, compare."""
    choice = check_study(kind, spec, data_spec.task)
    data_spec = as_kind(choice.kind, data_spec)
    check_kind(choice.kind, data_spec)
    source = download(data_spec)
    check_kind(choice.kind, data_spec, source)
    data, was_cached = run_cached(preprocess, data_spec, source)
    shape = " x ".join(map(str, data.shape))
    say(
        f"{data.name}: {data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples"
        f" of {shape}, {data.labels}"
    )
    for line in data.understood:
        say(line)
    if data.kind == "sequences" and data.notes:
        say(" ".join(data.notes))
    warned = warnings_about(data, data_spec)
    for text in warned:
        say(text)
    entries, left_out = fitting_entries(choice.families, data, spec, choice.objective)
    plan = StudyPlan(
        kind=kind,
        spec=spec,
        source=data_spec,
        data=data,
        families=entries,
        metric=choice.metric,
        parent=parent,
        latent_dim=latent_dim,
    )
    results = StudyResults(data, metric=choice.metric, fresh=spec.fresh, cached=["preprocess"] if was_cached else [])
    results.notes += warned
    results.notes += left_out
    tuned = tune(plan, results)
    plan = plan.with_recipes(tuned.recipes)
    comparison = _train_and_compare(plan, results, tuned)
    answer = _answer(plan, results, comparison and with_design(comparison, plan, *_budget(comparison, plan, tuned)))
    answer = answer.model_copy(update={"tuning": dict(tuned.reports)})
    tuned.log(answer.run_ids, parent)
    tracking.log_answer(parent, answer)
    return answer


def _train_and_compare(plan: StudyPlan, results: StudyResults, tuned: Tuned) -> ComparisonReport | None:
    """All seeds at once, search by search, or until it is decided; None where fewer than two could be trained."""
    if plan.spec.until_decided:
        return train_until_decided(plan, results)
    seeds = range(plan.spec.first_seed, plan.spec.first_seed + plan.spec.seeds)
    if len(tuned.searches) > 1:
        train_over_searches(plan, results, tuned.searches)
    else:
        train_all(plan, plan.trainings(results.without_failures(plan.trained), seeds), results)
    results.add_ensembles(plan.families)
    if results.training:
        # The page is drawn while families are compared.
        draw_ahead(_answer(plan, results, None))
    compared = results.in_order(plan.families)
    if len(compared[0]) < 2:
        return None
    return compare(plan.data, *compared, plan.metric, plan.spec.margin, estimand=plan.spec.estimand)


def _answer(plan: StudyPlan, results: StudyResults, comparison: ComparisonReport | None) -> Answer:
    training, evaluation = results.in_order(plan.families)
    return answer_of(
        plan,
        training,
        evaluation,
        comparison,
        failures=results.failures,
        notes=results.notes,
        cached=tuple(results.cached),
        run_ids={family: tracking.outbox().known_as(one) or one for family, one in results.run_ids.items()},
        placement={family: results.placement[family] for family in plan.families if family in results.placement},
    )


def _budget(comparison: ComparisonReport, plan: StudyPlan, tuned: Tuned) -> tuple[str, ...]:
    """The sentence about the search for recipes, where there was one."""
    if not tuned.reports:
        return ()
    compared = {name for pair in comparison.pairs for name in (pair.a, pair.b)}
    return (budget_sentence(tuned.reports, sorted(compared.difference(plan.networks))),)
