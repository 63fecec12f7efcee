"""The trainings of a study, each where it belongs: here, or on a work pool."""

from collections.abc import Mapping

from flows.prefect_tags import prefect_tags
from flows.studies.estimates import guess
from flows.studies.results import StudyResults
from hw3models.errors import PlacementError
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import StudySpec, TrainSpec
from tasks import progress, tracking
from tasks.placement import Decision, Dispatcher, cancel_earlier, decide_now, for_family, server_address
from tasks.progress import say


def train_all(plan: StudyPlan, trainings: Mapping[str, TrainSpec], results: StudyResults) -> None:
    """Train, evaluate and record each family into `results`.

    What goes to a pool is queued first, so that it runs beside what is done here.
    """
    decision = decide(plan.spec)
    if server_address() is not None:
        # Without a server there is nothing to decide, and nothing to tell five times a run.
        say(f"networks are trained {'here' if decision.where == 'here' else f'on {decision.where}'}: {decision.reason}")
    progress.plan({f"{family} on {plan.data.name}": guess(one, plan.data) for family, one in trainings.items()})
    with Dispatcher(deadline=plan.spec.queue_deadline) as children:
        here = []
        for family, training in trainings.items():
            is_batch = plan.spec.until_decided or plan.spec.searches > 1
            run_id = tracking.open_child(plan.parent, training, plan.data, prefect_tags(), is_batch=is_batch)
            cancel_earlier(run_id)
            wanted = for_family(decision, plan.data.kind, family)
            instead = wanted if wanted.deployment is None else results.send(children, training, run_id, wanted)
            if instead is not None:
                here.append((training, run_id, instead))
        for training, run_id, where in here:
            label = f"{training.family} on {plan.data.name}"
            progress.begin(label)
            results.train_here(training, run_id, where)
            progress.finish(label)
        for outcome in children.outcomes():
            results.take(outcome, trainings[outcome.child.family])
            progress.finish(f"{outcome.child.family} on {plan.data.name}")


def decide(spec: StudySpec) -> Decision:
    """Decide where networks are trained.

    Raises:
        PlacementError: the user wants them in a place that cannot be had.
    """
    decision = decide_now(spec.placement, spec.device)
    if not decision.possible:
        raise PlacementError(f"`placement` is {spec.placement}, but {decision.reason}.")
    return decision
