"""A study whose search for recipes is repeated: the seeds of a family are spread over the recipes that were found."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from flows.studies.batches import Batches, add_batch, gather
from flows.studies.results import StudyResults
from flows.studies.training import train_all
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import Recipe


def train_over_searches(plan: StudyPlan, results: StudyResults, found: Sequence[Mapping[str, Recipe]]) -> None:
    """Train as many seeds with each of the recipes that were `found`, search by search, into `results`.

    What has no recipe to search for is trained with all seeds at once.
    """
    first, each = plan.spec.first_seed, plan.spec.seeds // len(found)
    batches: Batches = defaultdict(list)
    for number, recipes in enumerate(found):
        own, batch = plan.with_recipes(recipes), results.empty()
        begin = first + number * each
        trainings = own.trainings(results.without_failures(plan.networks), range(begin, begin + each))
        if number == 0:
            rest = [name for name in plan.trained if name not in plan.networks]
            trainings |= own.trainings(rest, range(first, first + plan.spec.seeds))
        train_all(own, trainings, batch)
        add_batch(own, results, batch, batches, search=number)
    gather(plan, results, batches)
