"""`--json` says which family to take, and what must be known about it."""

import json
from pathlib import Path

from flows.local.summary import as_json, as_text
from tests.report_fixtures import run_report


def test_the_answer_of_a_study_says_which_family_to_take_and_why(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    answer = run.answers[0]
    assert answer.comparison is not None
    told = json.loads(json.dumps(as_json(run)["answers"][0]))
    assert told["take"] == answer.comparison.take
    assert told["reason"] == answer.comparison.reason
    assert told["could_be_best"] == list(answer.comparison.could_be_best)
    assert told["corrected"]["mean"] == answer.comparison.corrected.mean if answer.comparison.corrected else True
    assert (told["about"], told["num_groups"], told["collapses"]) == ("training set", None, {})
    assert told["groups"] == [list(group) for group in answer.comparison.groups], "as before"
    assert answer.comparison.verdict in as_text(run)


def test_a_single_family_is_the_one_to_take(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    answer = run.answers[0]
    alone = answer.model_copy(
        update={"evaluation": {"gru": answer.evaluation["gru"]}, "comparison": None, "claims": (), "tuning": {}}
    )
    told = as_json(run.model_copy(update={"answers": (alone,), "homework": ()}))
    assert (told["take"], told["reason"], told["could_be_best"]) == ("gru", "alone", ["gru"])
    assert (told["corrected"], told["num_groups"], told["groups"]) == (None, None, [["gru"]])
