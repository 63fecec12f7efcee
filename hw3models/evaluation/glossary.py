"""The words of a verdict, explained to somebody who has never heard of statistics: for reports and docs/glossary.md."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word, and how to find it in a sentence."""

    name: str
    found_by: str
    """A regular expression for the words of sentences that mean it."""
    means: str


GLOSSARY: dict[str, Term] = {
    "family": Term(
        name="family",
        found_by=r"famil(?:y|ies)",
        means="A kind of model with its recipe, such as CNN. It is what is compared, not one trained network.",
    ),
    "seed": Term(
        name="seed",
        found_by=r"seeds?",
        means="The number that fixes the luck of a training: initial weights and the order of examples. Another seed "
        "gives another network and often another score, so each family is trained with several.",
    ),
    "interval": Term(
        name="interval",
        found_by=r"\[-?[\d.,e+-]+, -?[\d.,e+-]+\]",
        means="The numbers in brackets. With other seeds and other test examples of the same kind the number would "
        "have come out differently; 95% of such intervals hold the true one. A wide interval means: not known well.",
    ),
    "difference": Term(
        name="difference, points",
        found_by=r"minus",
        means="One score minus the other, on the same test examples, so that what is hard for both counts for neither. "
        "A point is one of a hundred percent.",
    ),
    "together": Term(
        name="judged together",
        found_by=r"for all \d+ pairs together",
        means="Whoever compares many pairs finds some difference by luck. So all pairs are judged together: the chance "
        "that even one of the differences that are called real is luck is at most 5%. It makes each interval wider.",
    ),
    "beats": Term(
        name="beats, beaten",
        found_by=r"beats?|beaten",
        means="The difference is hardly luck: its interval does not hold zero.",
    ),
    "open": Term(
        name="cannot be separated, cannot tell",
        found_by=r"cannot be separated|cannot tell|cannot be told",
        means="The interval holds zero. The families may be alike or not; these seeds and examples do not show which. "
        "It is not the same as equivalent.",
    ),
    "margin": Term(
        name="margin",
        found_by=r"margin",
        means="The largest difference that does not matter to you: half a point of accuracy unless `--margin` says "
        "otherwise.",
    ),
    "equivalent": Term(
        name="equivalent",
        found_by=r"equivalent",
        means="It is shown that the families differ by less than the margin: the whole interval lies within it.",
    ),
    "could-be-best": Term(
        name="could still be better",
        found_by=r"could still be better",
        means="No family was shown to beat it. The best mean may owe its place to luck, and this one may be the best.",
    ),
    "picked": Term(
        name="corrected for being picked",
        found_by=r"corrected for being picked",
        means="Of several families that are alike the luckiest has the best score. Its corrected score is without that "
        "luck, and is what to expect on new examples.",
    ),
    "baseline": Term(
        name="baseline",
        found_by=r"baselines?",
        means="A cheap method, such as always naming the most frequent class. A network must beat it to be worth its "
        "cost.",
    ),
    "noise": Term(
        name="beyond noise",
        found_by=r"beyond noise",
        means="By more than the luck of seeds and test examples explains.",
    ),
    "collapse": Term(
        name="collapsed",
        found_by=r"collapsed",
        means="With that seed the network learnt next to nothing: it stayed nearer to guessing than to its usual "
        "score. Few seeds say little about how often this happens, so the rate is given at its largest.",
    ),
    "training-set": Term(
        name="about this training set",
        found_by=r"this training set|other training sets",
        means="All seeds learnt from the same examples. Another training set of the same kind might order the families "
        "otherwise; `--resampling training` counts that luck as well.",
    ),
    "group": Term(
        name="groups",
        found_by=r"\d+ groups?",
        means="Several examples of one subject or recording are alike and say little more than one. Where you name "
        "them (`--group-column`), groups are what is counted, not examples.",
    ),
    "split": Term(
        name="resampled split",
        found_by=r"resampled splits?",
        means="Training and test examples drawn anew for each replicate: does the answer depend on the draw?",
    ),
    "power": Term(
        name="80% power",
        found_by=r"80% power",
        means="If the families truly differed by so much, four of five such comparisons would show it.",
    ),
    "look": Term(
        name="look",
        found_by=r"look \d+",
        means="With `--until-decided` seeds are added until it is decided. Each comparison in between is a look, and "
        "all of them together have the chance of a false alarm that one alone would have.",
    ),
}
"""Anchor -> term, in the order in which a reader meets them."""
