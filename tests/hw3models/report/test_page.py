"""The page as text: what it says, in which order, and what it says when something is gone."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hw3models.errors import DataError
from hw3models.evaluation.glossary import GLOSSARY
from hw3models.evaluation.prediction_table import load_table, save_table
from hw3models.families import display_name
from hw3models.report import family_figures, write_report
from hw3models.report.glossary import with_terms
from hw3models.report.mistakes import find_mistakes
from hw3models.report.views import view_pairs
from hw3models.specs import Look, Placement, Recipe, RunReport, TuningReport
from tests.report_fixtures import HOSTILE, run_report, sequences_answer


class Outline(HTMLParser):
    """Tags, text and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._text = ""
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._in_style = tag == "style"
        self._apart(tag)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        self._apart(tag)

    def _apart(self, tag: str) -> None:
        """A link stands in the middle of a sentence; everything else begins a new piece of text."""
        self._text += "" if tag == "a" else " "

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._text += data

    @property
    def text(self) -> str:
        return " ".join(self._text.split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    return run_report(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run: RunReport, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "new folder" / "report.html"
    write_report(run, path)
    return path.read_text(encoding="utf-8")


def written(run: RunReport, path: Path) -> str:
    write_report(run, path / "report.html")
    return (path / "report.html").read_text(encoding="utf-8")


def test_warnings_come_first_then_the_verdicts_then_everything_else(run: RunReport, page: str) -> None:
    text = Outline(page).text
    comparison = run.answers[0].comparison
    assert comparison is not None
    first_sentence = comparison.verdict.split(". ")[0]
    place = 0
    for mark in (
        "MNIST could not be downloaded", first_sentence, "Contents", "Summary", "Which claims held",
        "Pair by pair", "Reconstructions", "Homework", "How this was made",
    ):  # fmt: skip
        place = text.index(mark, place)
    assert text.index(first_sentence) < text.index("Contents")


def test_times_under_the_headline_are_told_as_on_the_terminal_and_notes_show_code(
    run: RunReport, tmp_path: Path
) -> None:
    answer = run.answers[0]
    seconds = {"gru": 60.0, "majority": 2e-6}
    training = {
        name: one.model_copy(update={"train_seconds": seconds.get(name, 15.0) * len(one.seeds)})
        for name, one in answer.training.items()
    }
    changed = answer.model_copy(update={"notes": ("Name them, or give a `budget`.",), "training": training})
    page = written(run.model_copy(update={"answers": (changed,)}), tmp_path)
    assert '<p class="note">Name them, or give a <code>budget</code>.</p>' in page
    short = page[page.index('class="short"') :]
    times = re.findall(r'<td>([^<]*)</td><td class="text">', short[: short.index("</table>")])
    assert times[0] == "60.0"
    assert set(times[1:]) == {"15.0", "&lt;0.1"}


def test_every_verdict_is_whole(run: RunReport, page: str) -> None:
    text = " ".join(Outline(page).text.split())
    for answer in run.answers:
        assert answer.comparison is not None
        assert answer.comparison.verdict in text


def test_scores_stand_with_their_intervals_in_summary_and_table(run: RunReport, page: str) -> None:
    score = run.answers[0].evaluation["gru"].metrics["accuracy"]
    cell = f'<b>{100 * score.mean:.1f}%</b> <span class="interval">[{100 * score.low:.1f}, {100 * score.high:.1f}]'
    assert page.count(cell) >= 2


def test_families_stand_from_the_best_to_the_worst_and_baselines_are_named(page: str) -> None:
    table = page[page.index('class="families"') :]
    rows = re.findall(r'<tr><th scope="row">([^<]+?) ?<', table[: table.index("</table>")])
    tagged = re.findall(r'<th scope="row">([^<]+) <span class="tag">baseline', table[: table.index("</table>")])
    assert rows[0] == "GRU"
    assert rows[-1] == "majority class"
    assert tagged == ["MiniROCKET", "majority class"]


def test_pairs_are_told_with_their_decision(run: RunReport, page: str) -> None:
    text = Outline(page).text
    comparison = run.answers[0].comparison
    assert comparison is not None
    separated = sum(pair.verdict in ("a better", "b better") for pair in comparison.pairs)
    assert f"15 pairs, {separated} of them separated" in text
    assert "&lt;0.001" in page


def test_words_of_the_verdict_are_explained_where_they_stand_and_in_a_folded_glossary(page: str) -> None:
    outline = Outline(page)
    meanings = {value for tag, name, value in outline.attributes if (tag, name) == ("dt", "id")}
    assert meanings == {f"term-{anchor}" for anchor in GLOSSARY}
    told = [value for tag, name, value in outline.attributes if (tag, name) == ("a", "aria-describedby")]
    assert {"term-interval", "term-seed", "term-could-be-best"} <= set(told)
    whole = page[page.index('<details class="whole">') :].partition("</details>")[0]
    term = r'<a class="term" tabindex="0" aria-describedby="term-interval" data-means="The numbers in brackets[^"]*">'
    assert re.search(term + r"\[[\d., ]+\]</a>", whole)
    assert all(term.means in outline.text for term in GLOSSARY.values() if "`" not in term.means)


def test_each_word_is_linked_once_and_hostile_text_is_escaped() -> None:
    told = with_terms("GRU beats <b>CNN</b> by 1.2 points [0.4, 2.0]; MLP beats it, heartbeats do not.")
    assert told.count('aria-describedby="term-beats"') == 1
    assert "&lt;b&gt;CNN&lt;/b&gt;" in told
    assert "heartbeats" in told


def test_one_seed_has_no_interval_in_the_table_of_pairs_either(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    comparison = run.answers[0].comparison
    assert comparison is not None
    pair = comparison.pairs[0].model_copy(
        update={"difference": 0.45, "low": 0.4, "high": 0.5, "verdict": "cannot tell", "seeds": (1, 5)}
    )
    (row,) = view_pairs(comparison.model_copy(update={"pairs": (pair,)}))
    assert (row.cell.value, row.cell.interval, row.outcome) == ("+45.0 points", "", "cannot tell")


def test_a_report_of_an_earlier_version_is_still_a_page(tmp_path: Path) -> None:
    """Without what later versions added, with the cheapest family, and with what was said then."""
    content = json.loads(run_report(tmp_path).model_dump_json())
    new = (
        "take",
        "reason",
        "could_be_best",
        "corrected",
        "collapses",
        "num_groups",
        "about",
        "level",
        "headline",
        "changes",
        "advice",
        "looks",
    )
    said = "CNN and GRU cannot be separated on this data; the cheapest is CNN (3.1x faster to train than GRU)."
    for answer in content["answers"]:
        comparison = {name: value for name, value in answer["comparison"].items() if name not in new}
        answer["comparison"] = comparison | {"cheapest": "cnn", "verdict": said}
        for pair in answer["comparison"]["pairs"]:
            for name in ("level", "seeds", "power"):
                pair.pop(name)
    page = written(RunReport.model_validate(content), tmp_path)
    assert "the cheapest is CNN (3.1x faster to train than GRU)." in Outline(page).text
    assert 'aria-label="could be the best"' in page, "the families of the first group"


def test_looks_of_a_study_that_goes_on_until_it_is_decided_are_a_table(run: RunReport, tmp_path: Path) -> None:
    assert "Looks" not in Outline(page_of(run, tmp_path)).text
    looks = (
        Look(seeds=5, level=0.0079, leader="gru", out=("mlp",), equivalent=(), undecided=("lstm", "cnn")),
        Look(seeds=10, level=0.0068, leader="gru", out=("mlp", "cnn"), equivalent=("lstm",), undecided=()),
    )
    first = run.answers[0]
    assert first.comparison is not None
    changed = first.model_copy(update={"comparison": first.comparison.model_copy(update={"looks": looks})})
    text = Outline(page_of(run.model_copy(update={"answers": (changed, *run.answers[1:])}), tmp_path)).text
    table = text[text.index("Looks") :]
    place = 0
    for mark in ("1", "5", "0.79%", "GRU", "LSTM, CNN", "MLP", "2", "10", "0.68%", "LSTM", "MLP, CNN"):
        place = table.index(mark, place)


def page_of(run: RunReport, folder: Path) -> str:
    write_report(run, folder / "page.html")
    return (folder / "page.html").read_text()


def test_the_headline_says_what_to_take_and_why_over_a_short_table_and_the_rest_is_folded(
    run: RunReport, page: str
) -> None:
    comparison = run.answers[0].comparison
    assert comparison is not None
    lead = page[page.index('<p class="lead">') :].partition("</p>")[0]
    text = Outline(lead).text
    assert text == comparison.headline.split(". ")[0].rstrip(".") + "."
    short = page[page.index('<table class="short">') :].partition("</table>")[0]
    names = re.findall(r'<th scope="row"[^>]*>([^<]+?) ?(?:<span|</th>)', short)
    assert names[0] == "GRU"
    assert names[-1] == "majority class"
    assert short.count('<tr class="taken">') == 1
    assert set(re.findall(r'<td class="text">([^<]+)</td>', short)) <= {
        "the best",
        "beaten",
        "equivalent",
        "cannot tell",
    }
    assert comparison.changes.split(". ")[0].rstrip(".")[:30] in Outline(page).text
    details = page.index('<details class="whole">')
    assert page.index("</table>") < page.index("What would change the answer") < details


def test_pairs_are_a_matrix_in_the_order_of_ranks(run: RunReport, page: str) -> None:
    comparison = run.answers[0].comparison
    assert comparison is not None
    order = [name for group in comparison.groups for name in group]
    table = page[page.index('<table class="matrix">') :].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table)
    assert len(rows) == len(order) == 6
    kinds = [re.findall(r'<td class="(\w+)">', row) for row in rows]
    opposite = {"better": "worse", "worse": "better"}
    for i, a in enumerate(order):
        assert kinds[i][i] == "self"
        for j, b in enumerate(order[:i]):
            pair = next(one for one in comparison.pairs if {one.a, one.b} == {a, b})
            better = {"a better": pair.a, "b better": pair.b}.get(pair.verdict)
            expected = {a: "better", b: "worse"}.get(better or "", "equal" if pair.verdict == "equivalent" else "open")
            assert kinds[i][j] == expected
            assert kinds[j][i] == opposite.get(expected, expected)


def test_wrong_test_examples_are_drawn_with_what_each_family_said(run: RunReport, page: str) -> None:
    answer = run.answers[0]
    wrong = np.stack(
        [
            (table.probabilities.argmax(axis=2) != table.labels).mean(axis=0)
            for one in answer.evaluation.values()
            if (table := load_table(Path(one.table_path), digest=one.table_digest)).probabilities is not None
        ]
    )
    text = Outline(page).text
    worst = 400 + int(np.argmax(wrong.mean(axis=0)))
    assert f"example {worst:,}" in text or wrong.mean(axis=0).max() in np.sort(wrong.mean(axis=0))[-6:]
    everywhere = int((wrong > 0.5).all(axis=0).sum())
    assert (f"{everywhere} test example" if everywhere else "No test example was") in text
    part = page[page.index('<div class="gallery small mistakes">') :].partition("Learning curves</h3>")[0]
    assert part.count("<figure") == 6
    assert part.count("✓") + part.count("✗") == 6 * len(answer.evaluation)


def test_where_the_best_family_and_the_next_differ_is_told(run: RunReport, page: str) -> None:
    answer = run.answers[0]
    right = {}
    for name, one in answer.evaluation.items():
        table = load_table(Path(one.table_path), digest=one.table_digest)
        assert table.probabilities is not None
        right[name] = (table.probabilities.argmax(axis=2) == table.labels).mean(axis=0)
    first, second = sorted(right, key=lambda name: -right[name].mean())[:2]
    alone = int(((right[first] > 0.5) & (right[second] <= 0.5)).sum())
    text = Outline(page).text
    assert "Where families differ" in text
    assert f"{display_name(first)} and {display_name(second)} differ on " in text
    assert f"{display_name(first)} alone is right on {alone}, " in text


def test_groups_have_their_own_scores_the_hardest_first(run: RunReport, tmp_path: Path) -> None:
    first = run.answers[0]
    assert "Group by group" not in Outline(page_of(run, tmp_path)).text
    evaluation = {}
    for name, one in first.evaluation.items():
        table = load_table(Path(one.table_path), digest=one.table_digest)
        table = replace(table, groups=np.arange(table.num_test) % 4)
        path = tmp_path / f"{name}.npz"
        digest = save_table(table, path)
        evaluation[name] = one.model_copy(update={"table_path": str(path), "table_digest": digest})
    found = find_mistakes(first.model_copy(update={"evaluation": evaluation}))
    assert found.num_groups == 4
    assert [row.examples for row in found.groups] == [50] * 4
    gru = list(evaluation).index("gru")
    table = load_table(Path(evaluation["gru"].table_path), digest=evaluation["gru"].table_digest)
    assert table.probabilities is not None
    right = (table.probabilities.argmax(axis=2) == table.labels).mean(axis=0)
    expected = {f"{100 * right[group::4].mean():.1f}%" for group in range(4)}
    assert {row.scores[gru] for row in found.groups} == expected
    means = [np.mean([float(score.rstrip("%")) for score in row.scores]) for row in found.groups]
    assert means == sorted(means)


@pytest.mark.parametrize(("number", "told"), [(12, "There are 12 validation examples only"), (0, "no validation")])
def test_a_validation_part_that_is_too_small_to_trust_is_told(
    number: int, told: str, run: RunReport, tmp_path: Path
) -> None:
    first = run.answers[0]
    small = first.model_copy(update={"data": first.data.model_copy(update={"num_validation": number})})
    assert told in Outline(page_of(run.model_copy(update={"answers": (small,)}), tmp_path)).text
    assert told not in Outline(page_of(run.model_copy(update={"answers": (first,)}), tmp_path)).text


def test_cells_know_the_head_of_their_column(page: str) -> None:
    table = page[page.index('<table class="cost">') :].partition("</table>")[0]
    heads = re.findall(r'<th scope="col">([^<]+)</th>', table)
    first = re.findall(r'data-label="([^"]*)"', table[table.index("<tbody>") :].partition("</tr>")[0])
    assert first == heads[1:]


def test_claims_have_outcome_and_evidence_in_words(run: RunReport, page: str) -> None:
    text = Outline(page).text
    for claim in run.answers[0].claims:
        assert claim.evidence in text
        assert claim.outcome in text


def test_how_it_was_made_names_digests_runs_and_versions_but_no_password(run: RunReport, page: str) -> None:
    for text in (run.answers[0].data.digest, "model-gru", "spec-gru", "gru-run", "a" * 32, "brave-otter",
                 "torch 2.15.0", "https://mlflow.example", "hw3 run --seeds 3", "learning_rate"):  # fmt: skip
        assert text in page
    assert "secret" not in page


def test_every_kind_of_figure_is_there_with_words_for_those_who_cannot_see_it(page: str) -> None:
    labels = [value for tag, name, value in Outline(page).attributes if (tag, name) == ("svg", "aria-label")]
    for start in (
        "accuracy of each family", "accuracy over training time", "Learning curves of GRU", "Confusion matrix of CNN",
        "Test images of digits", "Map of the test examples", "What the decoder",
    ):  # fmt: skip
        assert any(label.startswith(start) for label in labels), start
    assert page.count("<svg") == page.count('role="img" aria-label') - sum(
        page.count(f'aria-label="{other}') for other in ("could be the best", "interval")
    )


def test_the_page_is_well_formed_for_assistive_technology(page: str) -> None:
    outline = Outline(page)
    assert outline.tags.count("h1") == 1
    assert outline.tags.count("caption") == outline.tags.count("table")
    assert ("html", "lang", "en") in outline.attributes
    levels = [int(tag[1]) for tag in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [value for _, name, value in outline.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for tag, name, value in outline.attributes if (tag, name) == ("a", "href")}
    assert links <= set(ids)


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    outline = Outline(page)
    assert not {"script", "img", "iframe", "object", "form"} & set(outline.tags)
    addresses = [value for _, name, value in outline.attributes if name in ("src", "href", "xlink:href", "action")]
    assert all(value.startswith(("#", "data:")) for value in addresses)
    policy = next(value for _, _, value in outline.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "@import" not in page
    assert "url(http" not in page


def test_hostile_names_are_text(tmp_path: Path) -> None:
    run = run_report(tmp_path, class_names=HOSTILE)
    answer = run.answers[0].model_copy(update={"failures": {"rocket": HOSTILE[1]}, "notes": HOSTILE})
    part = run.homework[0].model_copy(update={"answer": f"`{HOSTILE[0]}` {HOSTILE[1]}", "table": (HOSTILE, HOSTILE)})
    run = run.model_copy(
        update={
            "title": HOSTILE[0],
            "command": HOSTILE[1],
            "answers": (answer,),
            "homework": (part,),
            "warnings": HOSTILE,
        }
    )
    page = written(run, tmp_path)
    outline = Outline(page)
    assert not {"script", "img"} & set(outline.tags)
    assert not any(name.startswith("on") for _, name, _ in outline.attributes)
    assert outline.text.count(HOSTILE[0]) >= 5


# ------------------------------------------------------------------------------- what may be gone


def test_files_that_are_gone_are_named_and_stop_nothing(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    whole = written(run, tmp_path)
    shutil.rmtree(tmp_path / "sequences")
    shutil.rmtree(tmp_path / "images")
    page = written(run, tmp_path)
    assert "Not shown" not in whole
    text = Outline(page).text
    for what in ("learning curves of gru", "predictions of autoencoder", "predictions of pca"):
        assert what in text
    assert "Confusion" in text


def test_data_that_changed_since_are_not_shown_as_the_originals(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    changed = run.answers[1].data.model_copy(update={"digest": "0" * 16})
    run = run.model_copy(update={"answers": (run.answers[1].model_copy(update={"data": changed}),)})
    text = Outline(written(run, tmp_path)).text
    assert "original images of digits" in text
    assert "0" * 16 in text


@pytest.mark.parametrize("content", ["{", '{"seeds": "x"}', "[]", "null"])
def test_a_broken_history_is_named(tmp_path: Path, content: str) -> None:
    run = run_report(tmp_path)
    (Path(run.answers[0].training["gru"].directory) / "history.json").write_text(content)
    assert "is not a training history" in written(run, tmp_path)


def test_one_family_alone_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    answer = sequences_answer(tmp_path)
    alone = answer.model_copy(
        update={
            "training": {"gru": answer.training["gru"]},
            "evaluation": {"gru": answer.evaluation["gru"]},
            "comparison": None,
            "claims": (),
        }
    )
    run = run_report(tmp_path / "other").model_copy(update={"answers": (alone,), "homework": (), "warnings": ()})
    text = Outline(written(run, tmp_path)).text
    assert re.search(r"GRU has 9\d\.\d% \[.+\] accuracy\. It is the only family here", text)


def test_a_failed_family_is_a_warning_even_if_the_run_does_not_say_so(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    answer = run.answers[0].model_copy(update={"failures": {"rocket": "out of memory"}})
    text = Outline(written(run.model_copy(update={"answers": (answer,), "warnings": ()}), tmp_path)).text
    assert "1 warning regime:order: ROCKET could not be trained: out of memory" in text


def test_a_run_without_any_answer_is_still_a_page(tmp_path: Path) -> None:
    run = run_report(tmp_path).model_copy(update={"answers": (), "homework": (), "tracking": None})
    assert "This run compared no data set." in written(run, tmp_path)


def test_long_warnings_are_folded_so_that_the_verdict_stays_in_sight(tmp_path: Path) -> None:
    run = run_report(tmp_path).model_copy(update={"warnings": ("word " * 100, "b", "c", "d")})
    page = written(run, tmp_path)
    assert "2 more warnings" in page
    assert re.search(r"<details><summary>(word ){20,}word…</summary>", page)


def test_a_path_that_cannot_be_written_is_told_without_a_traceback(run: RunReport, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/report.html: the report cannot be written \(.+\)\. Free the path"):
        write_report(run, tmp_path / "file" / "report.html")


def test_the_page_of_a_run_is_always_the_same(run: RunReport, page: str, tmp_path: Path) -> None:
    assert written(run, tmp_path) == page


def test_figures_of_a_family_are_ready_for_tracking(run: RunReport) -> None:
    sequences, images = run.answers
    gru = family_figures(sequences.training["gru"], sequences.evaluation["gru"], sequences.data)
    assert set(gru) == {"confusion", "learning_curves"}
    code = family_figures(images.training["autoencoder"], images.evaluation["autoencoder"], images.data)
    assert set(code) == {"learning_curves", "reconstructions", "code_map", "walk"}
    assert all(svg.startswith("<svg xmlns=") for svg in (*gru.values(), *code.values()))


def test_where_families_were_trained_and_why_is_said_and_other_devices_are_not_compared(tmp_path: Path) -> None:
    answer = sequences_answer(tmp_path)
    gpu, here = ("cuda (NVIDIA H100)", "cpu (Test Processor)")
    training = {
        family: one.model_copy(update={"device": gpu if family == "cnn" else here})
        for family, one in answer.training.items()
    }
    placement = {family: Placement(wish="auto", where="here", reason="no GPU") for family in training}
    placement["cnn"] = Placement(
        wish="auto", where="hw3-gpu", reason="a worker was there", queued_seconds=7, flow_run_id="f"
    )
    placement["gru"] = Placement(wish="auto", where="here", reason="nobody took it", queued_seconds=61, flow_run_id="g")
    mixed = answer.model_copy(update={"training": training, "placement": placement})
    run = run_report(tmp_path / "run")
    text = Outline(written(run.model_copy(update={"answers": (mixed,)}), tmp_path)).text
    assert "trained on different devices: their times are not to be compared" in text
    assert "pool hw3-gpu after 7" in text
    assert "CNN: trained on pool hw3-gpu (a worker was there)." in text
    assert "GRU: trained in the process of the study (nobody took it), after 61 s in the queue." in text
    same = Outline(written(run.model_copy(update={"answers": (answer,)}), tmp_path)).text
    assert "different devices" not in same


def test_the_search_for_recipes_is_a_table_of_what_it_changed(run: RunReport, tmp_path: Path) -> None:
    first = run.answers[0]
    assert "<h3>Tuning</h3>" not in page_of(run, tmp_path)
    recipe = Recipe(learning_rate=0.02, tried=20)
    report = TuningReport(
        family="mlp",
        recipe=recipe,
        trials=20,
        finished=12,
        pruned=7,
        failed=1,
        reused=5,
        goal="accuracy",
        best=13,
        value=0.877,
        default_value=0.8123,
        changed={"learning_rate": ("0.005", "0.02"), "schedule": ("one-cycle", "cosine")},
        folds=3,
        num_judged=151,
        seeds=(1, 2),
        seconds=61.0,
    )
    untouched = report.model_copy(update={"family": "gru", "changed": {}, "best": 0, "value": 0.8123, "reused": 0})
    changed = first.model_copy(update={"tuning": {"mlp": report, "gru": untouched}})
    text = " ".join(page_of(run.model_copy(update={"answers": (changed,)}), tmp_path).split())
    for shown in (
        "20 trials each, judged by accuracy on 3 folds of the training part (151 examples), 2 seeds each",
        '<td data-label="Default">81.2%</td><td data-label="Best">87.7%</td>',
        "<code>learning_rate</code> 0.005 → 0.02, <code>schedule</code> one-cycle → cosine",
        "12 finished, 7 pruned, 1 failed; 5 of an earlier search",
        "nothing: the default is the best",
    ):
        assert shown in text, shown
