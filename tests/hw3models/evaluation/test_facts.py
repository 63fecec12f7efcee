"""Families as verdicts know them: what is said of them comes from the facts, and strangers are compared as well."""

import subprocess
import sys

import numpy as np

from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import FamilyFacts, fact, labels
from hw3models.families import FAMILIES, Network, facts_of
from tests.tables import classifier, skilled


def test_predictions_of_strangers_are_compared_under_their_own_names() -> None:
    rng = np.random.default_rng(3)
    tables = {name: classifier(skilled(rng, share)) for name, share in {"theirs": 0.9, "my_net": 0.6}.items()}
    report = compare(tables, train_seconds={})
    assert report.groups == (("theirs",), ("my_net",))
    assert report.verdict.startswith("Take theirs: the best accuracy, 90")
    assert "Theirs beats my_net by " in report.verdict
    assert "no baseline" not in report.verdict, "they are separated, so nobody asks whether they learnt anything"


def test_one_seed_of_a_stranger_says_nothing_about_others() -> None:
    right = skilled(np.random.default_rng(4), 0.9, num_seeds=1)
    tables = {"theirs": classifier(right), "always": classifier(~right)}
    (pair,) = compare(tables, train_seconds={}).pairs
    assert pair.verdict == "cannot tell"
    assert "one seed of theirs and always says nothing about other seeds" in pair.sentence
    known = {name: FamilyFacts(label=name.upper(), deterministic=True) for name in tables}
    (pair,) = compare(tables, train_seconds={}, facts=known).pairs
    assert pair.sentence.startswith("THEIRS beats ALWAYS by ")


def test_whoever_ignores_the_examples_is_named_when_nobody_beats_it() -> None:
    rng = np.random.default_rng(5)
    tables = {name: classifier(skilled(rng, 0.5)) for name in ("net", "guess")}
    known = {"guess": FamilyFacts(label="toss of a coin", is_baseline=True, ignores_examples=True)}
    assert "Not even the toss of a coin is beaten" in compare(tables, train_seconds={}, facts=known).verdict
    known = {"guess": FamilyFacts(label="toss of a coin", is_baseline=True)}
    assert "ot even" not in compare(tables, train_seconds={}, facts=known).verdict


def test_the_registry_says_what_it_knows_and_takes_others_for_strangers() -> None:
    for kind, families in FAMILIES.items():
        for name, one in facts_of(families, kind).items():
            family = families[name]
            assert one.label == family.label
            assert one.is_baseline == (not isinstance(family, Network))
    assert facts_of(["nobody"]) == {"nobody": FamilyFacts(label="nobody")}
    assert facts_of(["majority"])["majority"].ignores_examples
    assert fact({}, "nobody") == FamilyFacts(label="nobody")
    assert labels(facts_of(["cnn"]), ["cnn", "nobody"]) == ["CNN", "nobody"]


def test_comparing_loads_no_torch() -> None:
    code = "import sys, hw3models.evaluation.comparison, hw3models.evaluation.gate; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
