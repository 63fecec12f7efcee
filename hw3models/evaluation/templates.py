"""Every sentence that a verdict is made of, with an example and what it means in plain words.

`headline.py`, `verdicts.py` and `sequential.py` fill them in, docs/verdicts.md lists them, and `benchmarks/reading.py`
reads them back and checks each against the numbers of its report.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Template:
    """A sentence, without its capital and its full stop."""

    text: str
    example: Mapping[str, str]
    """What stands in the places, in the example."""
    means: str

    @property
    def told(self) -> str:
        """The example."""
        return self.text.format(**self.example)


_BASIS = "(95%, 5 seeds, 1,000 test examples)"
_TOGETHER = "(95% for all 15 pairs together, 5 seeds, 1,000 test examples of 24 groups)"
_CNN = {"a": "CNN", "b": "GRU"}
_CHEAPER = {"name": "MLP", "best": "CNN", "margin": "0.5 points", "times": "3.0x"}

TEMPLATES: dict[str, Template] = {
    "because_beats": Template(
        text="take {name}, because it is shown to beat {others}",
        example={"name": "GRU", "others": "every other family"},
        means="The headline of the clearest answer: this family beats each other one, and that is hardly luck.",
    ),
    "because_unbeaten": Template(
        text="take {name}, because it has the best {metric} and every other family is shown to be beaten",
        example={"name": "GRU", "metric": "accuracy"},
        means="The headline where each other family is beaten by some family, though not each by this one.",
    ),
    "because_open": Template(
        text="take {name}, because it has the best {mean} {metric}, but {others} could still be better",
        example={"name": "CNN", "mean": "mean", "metric": "accuracy", "others": "GRU and LSTM"},
        means="The headline where the best mean is the best guess, and no more.",
    ),
    "because_cheaper": Template(
        text="take {name}, because it is at most {margin} worse than {best} and {times} faster to train",
        example=_CHEAPER,
        means="The headline where a cheaper family loses less than the margin that you said does not matter.",
    ),
    "change_seeds": Template(
        text="{num} {replicates} would most likely show which of {names} is better, if they differ by {margin} or more",
        example={"num": "23", "replicates": "seeds each", "names": "CNN and GRU", "margin": "0.5 points"},
        means="What would change the answer: with so many seeds a difference of the margin has 80% power to show.",
    ),
    "change_examples": Template(
        text="more test examples would: about {examples} instead of {num} show a difference of {margin}, "
        "which no number of seeds does",
        example={"examples": "4,800", "num": "1,000", "margin": "0.5 points"},
        means="What would change the answer are test examples, not seeds.",
    ),
    "change_hardly": Template(
        text="more {replicates} hardly would: even {many} would not show a difference of {margin} between {names}",
        example={"replicates": "seeds", "many": "1,000", "margin": "0.5 points", "names": "CNN and GRU"},
        means="Trainings, or resamples, vary too much, and how many examples would help is not known.",
    ),
    "change_small": Template(
        text="more {replicates} hardly would: a difference of {margin} between {names} would most likely have shown",
        example={"replicates": "seeds", "margin": "0.5 points", "names": "CNN and GRU"},
        means="Whatever difference there is, it is most likely smaller than what matters to you.",
    ),
    "change_one": Template(
        text="three {replicates} or more of {names} would tell what one cannot",
        example={"replicates": "seeds", "names": "CNN"},
        means="With a single one nobody knows how lucky it was.",
    ),
    "change_training_set": Template(
        text="another training set might order the families otherwise: `--resampling training` asks",
        example={},
        means="All seeds learnt from the same examples, so that the luck of the training set is in no interval.",
    ),
    "alone": Template(
        text="{name} alone ({score}): nothing to compare it with",
        example={"name": "CNN", "score": "90.0% [87.9, 91.7]"},
        means="Only one family was evaluated. The brackets hold the 95% interval of its score.",
    ),
    "only_one": Template(
        text="one family only: nothing to compare",
        example={},
        means="The same, of a study that compared nothing.",
    ),
    "take_beats": Template(
        text="take {name}: the best {metric}, {score}, shown to beat {others}",
        example={"name": "GRU", "metric": "accuracy", "score": "95.0% [93.5, 96.2]", "others": "every other family"},
        means="The clearest answer there is: this family beats each other one, and that is hardly luck.",
    ),
    "take_unbeaten": Template(
        text="take {name}: the best {metric}, {score}, and every other family is shown to be beaten",
        example={"name": "GRU", "metric": "accuracy", "score": "95.0% [93.5, 96.2]"},
        means="No other family could be the best, since each is beaten by some family, though not each by this one.",
    ),
    "take_open": Template(
        text="take {name}: the best {mean} {metric}, {score}, but {names} could still be better",
        example={
            "name": "CNN",
            "mean": "mean",
            "metric": "accuracy",
            "score": "90.0% [87.9, 91.7]",
            "names": "GRU and LSTM",
        },
        means="The best mean is the best guess, and no more: it was not shown that the families named last are worse.",
    ),
    "take_cheaper": Template(
        text="take {name}: shown to be at most {margin} worse than the best, {best}, and {times} faster to train",
        example=_CHEAPER,
        means="Another family has the best mean. What you may lose by the cheaper one is less than the margin that you "
        "said does not matter.",
    ),
    "take_cheaper_beaten": Template(
        text="take {name}: beaten, but shown to be at most {margin} worse than the best, {best}, "
        "and {times} faster to train",
        example=_CHEAPER,
        means="The same where it is shown that the cheaper family is worse, by less than the margin.",
    ),
    "no_baseline_beaten": Template(
        text="no network beats {baseline} beyond noise",
        example={"baseline": "the best baseline, MiniROCKET,"},
        means="Nothing shows that a network is worth its cost here. Read this before anything else.",
    ),
    "not_even": Template(
        text="not even the {name} is beaten: nothing here shows that these data tell the label",
        example={"name": "majority class"},
        means="The baseline gives every example the same answer. If nothing beats it, there may be nothing to learn.",
    ),
    "beats": Template(
        text="{winner} beats {loser} by {difference}",
        example={"winner": "GRU", "loser": "CNN", "difference": f"1.2 points [0.4, 2.0] {_TOGETHER}"},
        means="The difference of the means, and its interval, which does not hold zero: so large a difference is "
        "hardly luck.",
    ),
    "beats_a_little": Template(
        text="{winner} beats {loser} by {difference}; that is less than the margin of {margin}",
        example={
            "winner": "GRU",
            "loser": "CNN",
            "difference": "0.20 points [0.14, 0.26] (95%, 5 seeds, 20,000 test examples)",
            "margin": "0.5 points",
        },
        means="It is better, and by so little that you may not care.",
    ),
    "equivalent": Template(
        text="{a} and {b} are equivalent within {margin}: {a} minus {b} is {difference}",
        example=_CNN | {"margin": "0.5 points", "difference": f"0.1 points [-0.3, 0.4] {_BASIS}"},
        means="It is shown that they differ by less than the margin: the whole interval lies within it.",
    ),
    "open": Template(
        text="{a} and {b} cannot be separated: {a} minus {b} is {difference}",
        example=_CNN | {"difference": f"0.8 points [-0.9, 2.5] {_BASIS}"},
        means="The interval holds zero, and it is not shown either that they are alike within the margin.",
    ),
    "one_seed": Template(
        text="{a} and {b} cannot be separated: one seed of {names} says nothing about other seeds "
        "({a} minus {b} is {amount}, {examples})",
        example=_CNN | {"names": "CNN", "amount": "4.5 points", "examples": "1,000 test examples"},
        means="With one seed nobody knows how lucky it was. There is no interval; train three seeds or more.",
    ),
    "one_split": Template(
        text="{a} and {b} cannot be separated: one split says nothing about other splits "
        "({a} minus {b} is {amount}, {examples})",
        example=_CNN | {"amount": "4.5 points", "examples": "1,000 test examples"},
        means="The same for a single resampled split.",
    ),
    "all_equivalent": Template(
        text="{names} are each equivalent to {best} within {margin}",
        example={"names": "GRU and LSTM", "best": "CNN", "margin": "0.5 points"},
        means="All families that could still be the best differ from the best mean by less than the margin.",
    ),
    "picked": Template(
        text="corrected for being picked as the best of {num}, {name} has {score}",
        example={"num": "4", "name": "CNN", "score": "89.2% [86.6, 91.7]"},
        means="The best of several looks better than it is, because it was lucky, too. This is its score without that "
        "luck: what to expect of it on new examples.",
    ),
    "no_baseline": Template(
        text="no baseline was compared: whether any of them beats one is not known",
        example={},
        means="Families that have all learnt nothing cannot be separated either. Add a baseline to find out.",
    ),
    "few_groups": Template(
        text="the test examples come from {groups} only: intervals from fewer than {few} are rough",
        example={"groups": "6 groups", "few": "10"},
        means="Examples of one subject are alike, so that subjects count, not examples; and there are few of them.",
    ),
    "unequal_groups": Template(
        text="the {groups} of test examples are of so unequal sizes that they say as little as {alike} of one size: "
        "intervals from fewer than {few} are rough",
        example={"groups": "31 groups", "alike": "3.9", "few": "10"},
        means="A group that has half of the examples has half of the say. This is the effective number of groups (Kish "
        "1965): the square of the number of examples over the sum of the squares of the groups' sizes.",
    ),
    "blind_resamples": Template(
        text="each resample tests on {test} examples and trains on {train} only: such resamples show large "
        "differences; more replicates on one split show smaller ones",
        example={"test": "151", "train": "152"},
        means="Resamples of the same examples overlap, the more so the larger their test part is, and what they say "
        "together is hardly more than what one of them says (Nadeau and Bengio 2003).",
    ),
    "collapsed": Template(
        text="{num} of {of} seeds of {name} collapsed (learnt next to nothing); "
        "of all seeds it may be up to {upper}: more seeds tell, and `--estimand median` asks what a usual seed does",
        example={"num": "1", "of": "5", "name": "GRU", "upper": "66%"},
        means="Those seeds stayed near to guessing. Their mean with the others describes neither; with ten seeds or "
        "more the median says what most trainings come to.",
    ),
    "collapsed_of_median": Template(
        text="{num} of {of} seeds of {name} collapsed (learnt next to nothing), which the median hardly feels; "
        "of all seeds it may be up to {upper}",
        example={"num": "1", "of": "10", "name": "GRU", "upper": "40%"},
        means="Whoever trains this family must be ready to train some seeds again.",
    ),
    "about_median": Template(
        text="families are compared by the median over their seeds, not by the mean: by what a usual training comes to",
        example={},
        means="With `--estimand median` seeds that collapse count as bad ones, and not for how bad they are.",
    ),
    "unequal_times": Template(
        text="the training times are of different devices: {devices}",
        example={"devices": "CNN on cuda (H100), GRU on cpu (2 cores)"},
        means="Which family is faster to train cannot be read from them.",
    ),
    "unequal_devices": Template(
        text="devices differ: {devices}",
        example={"devices": "CNN on cuda (H100), GRU on cpu (2 cores)"},
        means="The last digits of a training depend on its device.",
    ),
    "unequal_budgets": Template(
        text="tuning budgets differ (recipes tried: {budgets}), which favours those with more",
        example={"budgets": "CNN 20, GRU 1"},
        means="A family whose recipe was searched for longer has an advantage that is not its own.",
    ),
    "search_counted": Template(
        text="the luck of the search for recipes is counted: seeds are of {num} searches, each with draws of its own",
        example={"num": "5"},
        means="Another search would have found another recipe. The intervals say how much that matters, since each of "
        "the searches has trained networks of its own (Bouthillier et al. 2021).",
    ),
    "search_not_counted": Template(
        text="the luck of the search for recipes is in no interval, since {names} had one search each: "
        "`--searches 5` counts it",
        example={"names": "CNN and GRU"},
        means="Another search would have found another recipe, and all seeds have the one that was found.",
    ),
    "beaten": Template(
        text="shown to be beaten: {scores}",
        example={"scores": "LSTM 84.1%, majority class 50.0%"},
        means="Families that at least one other beats, with their scores.",
    ),
    "seeds_unknown": Template(
        text="with one seed, intervals of {names} count the test examples only",
        example={"names": "CNN"},
        means="The luck of the seed is in no interval of theirs.",
    ),
    "about_training_set": Template(
        text="this is about networks trained on this training set: another one may order them otherwise",
        example={},
        means="All seeds learnt from the same examples. `--resampling training` asks about others like them as well.",
    ),
    "about_bootstraps": Template(
        text="this counts the luck of the training set, as bootstraps of it show it: with few training examples they "
        "show too little",
        example={},
        means="Each seed learnt from a bootstrap of the training part, the same for all families, and what that "
        "changes counts once beside what it leaves in the mean. With 100 training examples families that are alike "
        "were still called different in 8 to 12% of studies, where seeds alone did so in 22 to 30% (docs/estimand.md).",
    ),
    "about_problem": Template(
        text="this counts other training and test sets of these data as well",
        example={},
        means="Each seed had a training set of its own, so that the luck of the training set is in the intervals.",
    ),
    "stopped_decided": Template(
        text="stopped after look {look} of at most {looks}, with {count}: "
        "every other family is beaten, or equivalent to the best one",
        example={"look": "2", "looks": "4", "count": "10 seeds"},
        means="With `--until-decided` seeds were added until it was decided.",
    ),
    "stopped_spent": Template(
        text="stopped after look {look} of at most {looks}: "
        "{count} are all it was given, and {names} still cannot be told from the best",
        example={"look": "4", "looks": "4", "count": "30 resampled splits", "names": "GRU"},
        means="The seeds were used up before it was decided.",
    ),
    "stopped_stuck": Template(
        text="stopped after look {look} of at most {looks}, with {count}: "
        "{names} cannot be told from the best, and none of them can be given more",
        example={"look": "1", "looks": "4", "count": "5 seeds", "names": "GRU"},
        means="More seeds of these families say nothing new, or cannot be trained.",
    ),
    "power_found": Template(
        text="between {names} a true difference of {found} would be found with 80% power{among}",
        example={"names": "CNN and GRU", "found": "1.9 points", "among": " among all 15 pairs"},
        means="If they truly differed by so much, four of five such comparisons would show it.",
    ),
    "power_missed": Template(
        text="between {names} even the largest possible difference, {largest}, could be missed{among}",
        example={"names": "CNN and GRU", "largest": "100 points", "among": ""},
        means="There are too few seeds or examples to show anything.",
    ),
    "power_enough": Template(
        text="that is no more than the margin of {margin}",
        example={"margin": "0.5 points"},
        means="A difference that matters to you would most likely have shown.",
    ),
    "power_seeds": Template(
        text="for {margin} it takes {num} {replicates}",
        example={"margin": "0.5 points", "num": "23", "replicates": "seeds each"},
        means="With so many a difference of the margin would most likely show.",
    ),
    "power_many": Template(
        text="even {many} {replicates} would not find {margin}, but {floor}",
        example={"many": "1,000", "replicates": "seeds each", "margin": "0.5 points", "floor": "1.1 points"},
        means="More seeds do not help enough, and how many examples would is not known.",
    ),
    "power_examples": Template(
        text="no number of seeds finds {margin}: {num} test examples allow {floor} at best, "
        "and {margin} takes about {examples} of them",
        example={"margin": "0.5 points", "num": "1,000", "floor": "1.1 points", "examples": "4,800"},
        means="What is missing are test examples, not seeds.",
    ),
}
"""Name -> sentence, in the order in which a reader meets them."""


def say(name: str, /, **places: str) -> str:
    """The sentence `name`, filled in."""
    return TEMPLATES[name].text.format(**places)
