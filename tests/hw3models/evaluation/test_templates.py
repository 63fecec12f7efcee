"""Sentences of verdicts never contradict their numbers: random comparisons, read back by `benchmarks/reading.py`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from benchmarks.reading import Case, faults, templates_in
from benchmarks.sentences import random_case
from hw3models.evaluation.glossary import GLOSSARY
from hw3models.evaluation.templates import TEMPLATES
from hw3models.evaluation.wording import (
    amount,
    difference_with_interval,
    is_smaller,
    margin_amount,
    sentence,
    times,
    value_with_interval,
)

NUMBER = 200


@cache
def some_cases() -> tuple[Case, ...]:
    return tuple(random_case(number, with_power=number % 5 == 0) for number in range(NUMBER))


def test_no_sentence_contradicts_its_numbers() -> None:
    found = {number: wrong for number, case in enumerate(some_cases()) if (wrong := faults(case))}
    assert not found


def test_the_random_comparisons_use_nearly_every_sentence() -> None:
    used = set().union(*map(templates_in, some_cases()))
    assert used <= set(TEMPLATES)
    assert len(set(TEMPLATES) - used) <= 8, sorted(set(TEMPLATES) - used)


def cases_with(template: str) -> Iterator[Case]:
    found = [case for case in some_cases() if template in templates_in(case)]
    assert found, template
    yield from found


@pytest.mark.parametrize(
    ("before", "after", "template", "fault"),
    [
        (r"\bbeats (.*?) by ([\d.]+)( points?| nats| dB)? \[[^,]+,", r"beats \1 by \2\3 [-0.1,", "beats", "with zero"),
        (r"(cannot be separated: .*? minus .*? is ).*?\]", r"\g<1>5.3 points [1.3, 9.2]", "open", "without zero"),
        (r"Take (.*?):", r"Take nobody:", "take_open", "not understood"),
        (r"but (.*?) could still be better", r"but it could still be better", "take_open", "not understood"),
        (r"picked as the best of \d", r"picked as the best of 9", "picked", "could be best"),
        (r"Shown to be beaten: (.*?) [\d.]+", r"Shown to be beaten: \1 0.123", "beaten", "another score"),
        (r"(\d+) of (\d+) seeds of", r"9 of \2 seeds of", "collapsed", "collapses are"),
        (r"(would be found.*?)\. .*", r"\1. That is no more than the margin of 0.001.", "power_examples", "margin"),
    ],
)
def test_the_reader_sees_what_is_wrong(before: str, after: str, template: str, fault: str) -> None:
    for case in cases_with(template):
        report = case.report
        verdict, advice = (re.sub(before, after, text, count=1) for text in (report.verdict, report.advice))
        if (verdict, advice) == (report.verdict, report.advice):
            continue
        told = faults(replace(case, report=report.model_copy(update={"verdict": verdict, "advice": advice})))
        assert any(fault in one for one in told), told
        return
    pytest.fail("no sentence was changed")


def test_a_report_that_takes_another_family_than_its_sentence_is_seen() -> None:
    case = next(case for case in cases_with("take_open") if len(case.scores) > 2)
    other = next(name for name in case.scores if name != case.report.take)
    assert any(
        "the report takes" in one
        for one in faults(replace(case, report=case.report.model_copy(update={"take": other})))
    )


def test_an_interval_within_the_margin_looks_so() -> None:
    """0.47 points would be printed as 0.5, which lies beyond a margin of 0.48."""
    assert margin_amount("accuracy", 0.0048) == "0.48 points"
    told = difference_with_interval("accuracy", 0.0, -0.0047, 0.0047, margin=0.0048)
    assert told == "0.00 points [-0.47, 0.47]"
    assert margin_amount("accuracy", 0.0123449) == "1.24 points", "up, such that the limit holds"
    assert margin_amount("accuracy", 0.005) == "0.5 points"
    assert margin_amount("accuracy", 1e-6) == "0.0001 points"


def test_a_difference_that_is_printed_like_the_margin_is_not_called_smaller() -> None:
    assert not is_smaller("accuracy", 0.00496, 0.001, 0.009, 0.005), "0.5 points [0.1, 0.9]"
    assert is_smaller("accuracy", 0.0044, 0.001, 0.009, 0.005)


def test_numbers_without_a_limit_and_divisions_by_zero_are_written_as_such() -> None:
    assert value_with_interval("cross_entropy", 0.5, 0.0, float("inf")) == "0.500 nats [0.00, ∞]"
    assert times(float("inf")) == "over 1,000,000x"
    assert amount("accuracy", 1e-7) == "0.00001 points"


def test_every_example_is_a_sentence_of_its_template_alone() -> None:
    for name, template in TEMPLATES.items():
        assert set(re.findall(r"\{(\w+)\}", template.text)) == set(template.example), name
        assert "{" not in template.told
        assert len(sentence(template.told)) <= 200, f"{name} is long"


def test_the_glossary_explains_the_words_of_every_sentence_that_needs_it() -> None:
    told = " ".join(template.told for template in TEMPLATES.values())
    for anchor, term in GLOSSARY.items():
        assert re.search(term.found_by, told, re.IGNORECASE), anchor
