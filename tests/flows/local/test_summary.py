"""`--json` says which family to take, and what must be known about it."""

import json
import re
from pathlib import Path

import pytest

from flows.answer_table import PLAIN, PRETTY, marks_for, score_table
from flows.local.summary import as_json, as_text, next_commands, with_option
from hw3models.families import facts_of
from hw3models.report.drawing import ranked
from hw3models.specs import PowerReport, RunReport
from hw3models.specs.comparison import Score
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
    assert told["headline"] == answer.comparison.headline
    shown = " ".join(as_text(run, explain=True).split())
    assert answer.comparison.verdict in shown, "the whole verdict, where it is asked for"
    assert answer.comparison.verdict not in " ".join(as_text(run).split())


def test_a_single_family_is_the_one_to_take(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    answer = run.answers[0]
    alone = answer.model_copy(
        update={"evaluation": {"gru": answer.evaluation["gru"]}, "comparison": None, "claims": (), "tuning": {}}
    )
    told = as_json(run.model_copy(update={"answers": (alone,), "homework": ()}))
    assert (told["take"], told["reason"], told["could_be_best"]) == ("gru", "alone", ["gru"])
    assert (told["corrected"], told["num_groups"], told["groups"]) == (None, None, [["gru"]])


def one_study(folder: Path, **changes: object) -> RunReport:
    run = run_report(folder)
    [answer, _] = run.answers
    answer = answer.model_copy(update={"claims": ()})
    command = "hw3 sequences regime:order --seeds 3 --fresh"
    return run.model_copy(update={"answers": (answer,), "homework": (), "command": command} | changes)


@pytest.mark.parametrize("width", [80, 120])
def test_the_answer_is_a_sentence_a_table_by_score_what_next_and_the_report(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run = one_study(tmp_path, warnings=(), report="/reports/page.html")
    lines = as_text(run, seconds=75.0).splitlines()
    assert all(len(line) <= width for line in lines), [line for line in lines if len(line) > width]
    assert len(lines) <= 20
    text = " ".join(lines)
    assert lines[0].startswith("regime:order: Take ")
    assert ", because it " in text
    rows = [line for line in lines if "%" in line and " s a seed" not in line and "because" not in line]
    scores = [float(found[1]) for line in rows if (found := re.search(r" ([\d.]+)%", line))]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    assert lines[-1] == "report:  /reports/page.html (done in 75 s)"
    assert any(line.startswith("next:    hw3 ") for line in lines)
    assert not any(word in text for word in ("points [", "95% for all", "corrected", "power")), "statistics are apart"


def test_every_column_of_the_table_has_one_number_format(tmp_path: Path) -> None:
    answer = ranked(run_report(tmp_path).answers[0])
    scores = {name: one.metrics["accuracy"] for name, one in answer.evaluation.items()}
    seconds = {"cnn": 31.25, "gru": 4.0, "majority": 2e-6}
    head, *rows = score_table("accuracy", scores, answer.comparison, seconds, facts_of(scores), width=80, marks=PRETTY)
    assert head.split()[0] == "accuracy"
    assert len({len(found[1]) for row in rows if (found := re.search(r"\.(\d+)%", row))}) == 1
    times = [found[1] for row in rows if (found := re.search(r"(<?\d+\.\d+)  (?:the best|beaten|cannot|equi)", row))]
    assert times == ["4.0", "31.2", "<0.1"]
    assert [row[0] for row in rows].count("→") == 1


def test_the_ends_of_the_axis_stand_apart_however_long_they_are_and_narrow_the_terminal() -> None:
    scores = {
        name: Score(mean=mean, low=mean - 0.0007, high=mean + 0.0006, per_seed=(mean,))
        for name, mean in (("autoencoder", 0.0145), ("pca", 0.0218))
    }
    head, *rows = score_table("mse", scores, None, {}, facts_of(scores), width=60, marks=PRETTY)
    assert re.search(r" 0\.0138 +0\.0224 ", head)
    assert all(row.index("●") >= head.index("0.0138") for row in rows)


def test_bars_are_drawn_in_the_characters_that_the_terminal_has() -> None:
    assert marks_for("utf-8") is PRETTY
    assert marks_for("ascii") is marks_for("nonsense") is marks_for(None) is PLAIN


def test_the_next_command_is_the_one_that_would_decide_it(tmp_path: Path) -> None:
    run = one_study(tmp_path)
    [answer] = run.answers
    comparison = answer.comparison
    assert comparison is not None
    a, b = comparison.could_be_best[:2]
    power = PowerReport(detectable=0.04, detectable_with_many_seeds=0.01, seeds_for_margin=23, examples_factor=None)
    pairs = [
        pair.model_copy(update={"power": power}) if {pair.a, pair.b} == {a, b} else pair for pair in comparison.pairs
    ]
    open_ = answer.model_copy(update={"comparison": comparison.model_copy(update={"pairs": tuple(pairs)})})
    assert next_commands(run, open_)[0] == "hw3 sequences regime:order --seeds 23"
    assert next_commands(run, open_)[1] == f"hw3 promote {run.tracking.run_id}" if run.tracking else False
    small = power.model_copy(update={"detectable": 0.001})
    pairs = [pair.model_copy(update={"power": small}) for pair in comparison.pairs]
    enough = answer.model_copy(update={"comparison": comparison.model_copy(update={"pairs": tuple(pairs)})})
    assert next_commands(run, enough) == [f"hw3 promote {run.tracking.run_id}"] if run.tracking else False


def test_a_winner_that_is_kept_is_offered_to_the_gate_whatever_it_is(tmp_path: Path) -> None:
    run = one_study(tmp_path, command="hw3 run")
    [answer] = run.answers
    assert run.tracking is not None
    assert answer.comparison is not None
    own = answer.training["gru"].model_copy(update={"recipe": None})
    kept, ensemble = (
        own.model_copy(update={"kept_digest": "d"}),
        answer.training["gru"].model_copy(update={"members": 3}),
    )
    command = [f"hw3 promote {run.tracking.run_id}"]
    for take, training, wanted in (
        ("rocket", kept, command),
        ("rocket", own, []),
        ("gru*3", ensemble, command),
        ("majority", kept, []),  # which looks at no example
    ):
        comparison = answer.comparison.model_copy(update={"take": take})
        won = answer.model_copy(update={"comparison": comparison, "training": {take: training}})
        assert next_commands(run, won) == wanted, take


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("hw3 images mnist", "hw3 images mnist --seeds 9"),
        ("hw3 images mnist --seeds=5 --explain", "hw3 images mnist --seeds 9"),
        (
            "hw3 sequences 'my data.csv' --seeds 5 --json --margin 0.1",
            "hw3 sequences 'my data.csv' --margin 0.1 --seeds 9",
        ),
    ],
)
def test_a_command_is_given_again_with_another_value(command: str, changed: str) -> None:
    assert with_option(command, "--seeds", "9") == changed


def test_a_report_of_an_earlier_version_has_its_first_sentence_as_the_headline(tmp_path: Path) -> None:
    run = one_study(tmp_path)
    [answer] = run.answers
    assert answer.comparison is not None
    old = answer.model_copy(update={"comparison": answer.comparison.model_copy(update={"headline": "", "changes": ""})})
    text = " ".join(as_text(run.model_copy(update={"answers": (old,)})).split())
    assert answer.comparison.verdict.split(", but")[0] in text
