"""The claims of homework part 5 hold, fail or stay open as the numbers say."""

from collections.abc import Mapping

import numpy as np
import pytest

from hw3models.homework.claims import judge_claims
from hw3models.specs import Claim, ComparisonReport, EvaluationReport
from tests.tables import classifier, compared, evaluated, skilled

CNN_WINS = "a CNN wins on a motif anywhere"
MLP_POOR = "an MLP is poor there"
RECURRENT_WINS = "a recurrent net wins where the order of far-apart events counts"
CNN_LEAST = "the CNN is at its least effective there"
MLP_FINE = "the MLP is fine on a pattern locked to a position"

Shares = Mapping[str, float]


def judged(num: int = 600, /, **regimes: Shares) -> dict[str, Claim]:
    """Claim -> judgement, for networks that are right with the given probabilities."""
    comparisons: dict[str, ComparisonReport] = {}
    evaluations: dict[str, dict[str, EvaluationReport]] = {}
    for number, (regime, shares) in enumerate(regimes.items()):
        rng = np.random.default_rng(100 + number)
        rights = {name: skilled(rng, share, num=num) for name, share in shares.items()}
        comparisons[regime] = compared(rights)
        evaluations[regime] = {name: evaluated(classifier(right, family=name)) for name, right in rights.items()}
    return {claim.claim: claim for claim in judge_claims(comparisons, evaluations)}


MOTIF = {"mlp": 0.53, "cnn": 0.97, "lstm": 0.7, "gru": 0.9}
ORDER = {"mlp": 0.73, "cnn": 0.52, "lstm": 0.98, "gru": 0.97}
LOCKED = {"mlp": 0.98, "cnn": 0.94, "lstm": 0.93, "gru": 0.93}


def test_the_claims_of_the_homework_hold_where_they_should() -> None:
    claims = judged(motif=MOTIF, order=ORDER, locked=LOCKED)
    assert {name: claim.outcome for name, claim in claims.items()} == dict.fromkeys(
        (CNN_WINS, MLP_POOR, RECURRENT_WINS, CNN_LEAST, MLP_FINE), "holds"
    )
    assert [claim.regime for claim in claims.values()] == ["motif", "motif", "order", "order", "locked"]


def test_evidence_is_a_sentence_with_the_numbers() -> None:
    claims = judged(motif=MOTIF, order=ORDER, locked=LOCKED)
    assert claims[CNN_WINS].evidence.startswith("CNN 97.")
    assert claims[CNN_WINS].evidence.endswith(" CNN beats all.")
    assert "chance is 50.0%, half way to CNN is 73." in claims[MLP_POOR].evidence
    assert claims[RECURRENT_WINS].evidence.startswith("LSTM 98.")
    assert claims[RECURRENT_WINS].evidence.endswith(" LSTM beats both.")
    assert " on order, " in claims[CNN_LEAST].evidence
    assert "on motif" in claims[CNN_LEAST].evidence
    assert claims[MLP_FINE].evidence.endswith(" MLP beats it.")


@pytest.mark.parametrize(
    ("claim", "regime", "shares"),
    [
        (CNN_WINS, "motif", MOTIF | {"gru": 1.0, "cnn": 0.9}),
        (CNN_WINS, "motif", MOTIF | {"mlp": 0.999}),
        (MLP_POOR, "motif", MOTIF | {"mlp": 0.999}),
        (MLP_POOR, "motif", MOTIF | {"mlp": 0.88}),
        (RECURRENT_WINS, "order", ORDER | {"mlp": 0.9999, "lstm": 0.9}),
        (RECURRENT_WINS, "order", ORDER | {"cnn": 0.9999, "lstm": 0.9, "gru": 0.9}),
        (MLP_FINE, "locked", LOCKED | {"mlp": 0.8}),
    ],
)
def test_a_claim_does_not_hold_where_the_numbers_contradict_it(claim: str, regime: str, shares: Shares) -> None:
    assert judged(**{regime: shares})[claim].outcome == "does not hold"


@pytest.mark.parametrize(
    ("claim", "regime", "shares"),
    [
        (CNN_WINS, "motif", {"mlp": 0.80, "cnn": 0.81, "lstm": 0.8, "gru": 0.8}),
        (MLP_POOR, "motif", dict.fromkeys(MOTIF, 0.5)),
        (MLP_POOR, "motif", MOTIF | {"mlp": 0.73}),
        (MLP_POOR, "motif", dict.fromkeys(MOTIF, 0.5) | {"mlp": 0.3}),
        (RECURRENT_WINS, "order", {"mlp": 0.80, "cnn": 0.5, "lstm": 0.81, "gru": 0.8}),
        (MLP_FINE, "locked", dict.fromkeys(LOCKED, 0.5)),
    ],
)
def test_a_claim_stays_open_where_families_are_not_separated(claim: str, regime: str, shares: Shares) -> None:
    assert judged(150, **{regime: shares})[claim].outcome == "cannot tell"


def test_a_cnn_that_is_only_not_separated_from_a_recurrent_network_has_not_won() -> None:
    claim = judged(motif=MOTIF | {"gru": 0.971})[CNN_WINS]
    assert claim.outcome == "cannot tell"
    assert claim.evidence.endswith("CNN beats MLP, but GRU could still be better.")


def of_rights(regime: str, rights: dict[str, np.ndarray]) -> dict[str, Claim]:
    evaluations = {name: evaluated(classifier(right, family=name)) for name, right in rights.items()}
    return {claim.claim: claim for claim in judge_claims({regime: compared(rights)}, {regime: evaluations})}


def test_a_cnn_wins_beside_a_recurrent_network_that_is_shown_to_be_equivalent() -> None:
    right = skilled(np.random.default_rng(6), 0.97, num_seeds=1, num=4000).repeat(5, axis=0)
    rights = {"mlp": ~right, "cnn": right, "gru": right}
    claim = of_rights("motif", rights)[CNN_WINS]
    assert claim.outcome == "holds"
    assert claim.evidence.endswith("CNN beats MLP, and is at most 0.5 points worse than GRU.")


def test_an_mlp_is_fine_where_it_is_shown_to_be_equivalent_and_not_where_it_is_only_not_separated() -> None:
    right = skilled(np.random.default_rng(7), 0.97, num_seeds=1, num=4000).repeat(5, axis=0)
    claim = of_rights("locked", {"mlp": right, "cnn": right, "gru": ~right})[MLP_FINE]
    assert claim.outcome == "holds"
    assert claim.evidence.endswith("They are equivalent within 0.5 points.")
    few = of_rights("locked", {"mlp": right[:, :200], "cnn": right[:, :200], "gru": ~right[:, :200]})[MLP_FINE]
    assert few.outcome == "cannot tell"
    assert few.evidence.endswith("CNN could still be better.")
    one_seed = of_rights("locked", {"mlp": right[:1], "cnn": right, "gru": ~right})[MLP_FINE]
    assert one_seed.outcome == "cannot tell"


def test_the_winner_among_the_recurrent_networks_is_the_one_that_counts() -> None:
    claim = judged(order=ORDER | {"lstm": 0.5})[RECURRENT_WINS]
    assert claim.outcome == "holds"
    assert claim.evidence.startswith("GRU 97.")


def test_the_cnn_is_not_least_effective_on_order_if_it_is_worse_elsewhere() -> None:
    assert judged(order=ORDER, motif=MOTIF | {"cnn": 0.4})[CNN_LEAST].outcome == "does not hold"
    assert judged(order=ORDER, motif=MOTIF | {"cnn": 0.52})[CNN_LEAST].outcome == "cannot tell"


def test_one_regime_says_nothing_about_the_others() -> None:
    claim = judged(order=ORDER)[CNN_LEAST]
    assert claim.outcome == "cannot tell"
    assert claim.evidence.endswith("no other regime was run.")


@pytest.mark.parametrize(("lacking", "named"), [("cnn", "CNN was"), ("mlp", "MLP was")])
def test_a_missing_family_leaves_its_claims_open_and_is_named(lacking: str, named: str) -> None:
    claim = judged(motif={name: share for name, share in MOTIF.items() if name != lacking})[CNN_WINS]
    assert (claim.outcome, claim.evidence) == ("cannot tell", f"{named} not trained on this regime.")


def test_without_any_recurrent_network_its_claims_stay_open() -> None:
    claim = judged(order={"mlp": 0.7, "cnn": 0.5})[RECURRENT_WINS]
    assert (claim.outcome, claim.evidence) == ("cannot tell", "LSTM or GRU was not trained on this regime.")


def test_baselines_have_no_say() -> None:
    claims = judged(motif=MOTIF | {"minirocket": 0.9999}, locked=LOCKED | {"minirocket": 0.9999})
    assert claims[CNN_WINS].outcome == claims[MLP_FINE].outcome == "holds"


def test_regimes_without_claims_only_serve_the_comparison_of_the_cnn() -> None:
    claims = judged(order=ORDER, trend={"mlp": 0.9, "cnn": 0.86}, dynamics={"cnn": 0.94})
    assert {claim.regime for claim in claims.values()} == {"order"}
    assert claims[CNN_LEAST].outcome == "holds"


def test_a_regime_without_a_comparison_leaves_its_claims_open() -> None:
    right = skilled(np.random.default_rng(0), 0.9)
    alone = {"locked": {name: evaluated(classifier(right, family=name)) for name in ("mlp", "cnn", "gru")}}
    assert {claim.outcome for claim in judge_claims({}, alone)} == {"cannot tell"}
    assert judge_claims({}, {}) == ()


def test_claims_about_images_are_judged_by_the_mlp_and_the_cnn_and_apart_from_series() -> None:
    images = {
        "shifted-digits": {"mlp": 0.4, "cnn": 0.97},
        "shuffled-digits": {"mlp": 0.97, "cnn": 0.9},
        "locked-image": {"mlp": 0.99, "cnn": 0.6},
    }
    claims = judged(600, order=ORDER, motif=MOTIF, **images)
    told = [claim for claim in claims.values() if claim.regime in images]
    assert [(claim.regime, claim.outcome) for claim in told] == [(name, "holds") for name in images]
    assert "image" not in claims[CNN_LEAST].evidence
    assert "digits" not in claims[CNN_LEAST].evidence
    turned = {name: {"mlp": one["cnn"], "cnn": one["mlp"]} for name, one in images.items()}
    assert {claim.outcome for claim in judged(600, **turned).values()} == {"does not hold"}
