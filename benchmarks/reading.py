"""Read a comparison's sentences back, and hold them against its numbers and against each other.

A sentence that no template gives is a fault, and so is each that says what the report, the scores or another sentence
does not: numbers are taken as they are printed.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import NamedTuple

from hw3models.evaluation.facts import Facts, fact
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.templates import TEMPLATES
from hw3models.specs import ComparisonReport, PairReport, Score

_NUMBER = r"-?(?:\d[\d,]*(?:\.\d+)?)(?:e[+-]\d+)?"
_UNIT = r"(?:%| points?| nats| dB)?"
_VALUE = rf"{_NUMBER}{_UNIT}"
_END = rf"(?:{_NUMBER}|-?∞)"
_INTERVAL = rf"\[{_END}, {_END}\]"
_LABELS = "|".join(re.escape(one.label) for one in METRICS.values())
_BASIS = r"\((?P<confidence>[\d.]+)%(?: for all (?P<pairs>\d+) pairs together)?, (?P<design>[^()]+)\)"
PAIRS = ("beats", "beats_a_little", "equivalent", "open", "one_seed", "one_split")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A comparison, with what its reader may know."""

    report: ComparisonReport
    scores: Mapping[str, Score]
    facts: Facts
    num_test: int
    seeds: Mapping[str, int]
    costs: Mapping[str, float]
    """Training seconds per seed."""
    is_resampled: bool = False
    searches: Mapping[str, int] = field(default_factory=dict)
    """Searches of each family whose luck is counted; they are what more is taken of."""

    def label(self, name: str) -> str:
        """The name in sentences."""
        return fact(self.facts, name).label

    def pair(self, a: str, b: str) -> PairReport:
        """The report on two labels, in whichever order."""
        return next(p for p in self.report.pairs if {self.label(p.a), self.label(p.b)} == {a, b})

    def beats(self, a: str, b: str) -> bool:
        """Is the family labelled `a` shown to be better than `b`?"""
        return _winner(self, self.pair(a, b)) == a


class Said(NamedTuple):
    """A sentence: its template, and what stands in the places."""

    template: str
    places: Mapping[str, str]
    text: str


def faults(case: Case) -> list[str]:
    """Everything that does not fit, with the sentence that says it."""
    found: list[str] = []
    told = [_read(case, f"{pair.sentence}.") for pair in case.report.pairs]
    for pair, sentences in zip(case.report.pairs, told, strict=True):
        if sentences is None or len(sentences) != 1 or sentences[0].template not in PAIRS:
            found.append(f"not a sentence of a pair: {pair.sentence}")
        else:
            found += _checked(sentences[0], _pair_faults(case, sentences[0], pair))
    report = case.report
    texts = (report.verdict, report.advice, report.headline, report.changes)
    read = [_read(case, text) for text in texts]
    if unread := [text for text, sentences in zip(texts, read, strict=True) if sentences is None]:
        return [*found, f"not understood: {unread[0]}"]
    verdict, advice, headline, changes = (sentences or [] for sentences in read)
    for said in (*verdict, *headline, *changes):
        found += _checked(said, _CHECKS.get(said.template, _nothing)(case, said))
        found += _checked(said, _words(said))
    found += _whole(case, verdict)
    found += [f"{fault}: {report.headline}" for fault in _headline_faults(case, headline, verdict)]
    found += [f"{fault}: {report.changes}" for fault in _change_faults(case, changes, advice)]
    found += [f"{fault}: {case.report.advice}" for fault in _advice_faults(case, advice)]
    return found


def templates_in(case: Case) -> set[str]:
    """Which templates the report's sentences are of."""
    report = case.report
    whole = [report.headline, report.changes, report.verdict, report.advice]
    texts = [*whole, *(f"{pair.sentence}." for pair in case.report.pairs)]
    return {said.template for text in texts for said in _read(case, text) or ()}


def _checked(said: Said, problems: Iterator[str]) -> list[str]:
    return [f"{problem}: {said.text}" for problem in problems]


# ------------------------------------------------------------------------------------------ reading


def _read(case: Case, text: str) -> list[Said] | None:
    """The sentences of a text; None where one of them is of no template."""
    names = tuple(sorted({case.label(name) for name in case.scores}, key=len, reverse=True))
    found, place = [], 0
    while place < len(text):
        said = next((one for name in TEMPLATES if (one := _at(name, names, text, place))), None)
        if said is None:
            return None
        found.append(said)
        place += len(said.text) + 2
    return found


def _at(template: str, names: tuple[str, ...], text: str, place: int) -> Said | None:
    match = _pattern(template, names).match(text, place)
    return Said(template, match.groupdict(), match.group()[:-1].strip(".")) if match else None


@cache
def _pattern(template: str, names: tuple[str, ...]) -> re.Pattern[str]:
    text, known = "", set[str]()
    for number, part in enumerate(re.split(r"\{(\w+)\}", TEMPLATES[template].text)):
        if number % 2 == 0:
            text += re.escape(part)
        elif part in known:
            text += f"(?i:(?P={part}))"  # with a capital where it stood first
        else:
            text += f"(?P<{part}>{_place(template, part, names)})"
            known.add(part)
    first = re.match(r"[a-z]", text)
    return re.compile((f"[{text[0]}{text[0].upper()}]{text[1:]}" if first else text) + r"\.(?: |$)")


def _place(template: str, name: str, names: tuple[str, ...]) -> str:
    one = "|".join(f"[{re.escape(label[0])}{re.escape(label[0].upper())}]{re.escape(label[1:])}" for label in names)
    of = r"(?:\w[^.]*?) on [^.]*?"
    basis = _BASIS.replace("?P<confidence>", "").replace("?P<pairs>", "").replace("?P<design>", "")
    kinds = {
        "names": rf"(?:{one})(?:, (?:{one}))*(?: and (?:{one}))?",
        "score": rf"{_VALUE} {_INTERVAL}",
        "difference": rf"{_VALUE} {_INTERVAL}(?: in (?:{_LABELS}))?(?: {basis})?",
        "metric": rf"(?:{_LABELS})(?: of those that are not beaten)?",
        "others": rf"the other family|every other family|\d+ others|(?:{one})(?:, (?:{one}))*(?: and (?:{one}))?",
        "baseline": rf"a baseline|the best baseline, (?:{one}),",
        "mean": "mean|median",
        "times": r"(?:over )?[\d.,]+x",
        "groups": r"\d+ groups?",
        "upper": r"\d+%",
        "devices": of,
        "budgets": r"[^()]+",
        "scores": rf"(?:{one}) {_VALUE}(?:, (?:{one}) {_VALUE})*",
        "count": r"[\d,]+ (?:seeds|resampled splits?)",
        "replicates": r"seeds each|seeds|resamples|searches of \d+ seeds? each|searches",
        "among": r"(?: among all \d+ pairs)?",
        "examples": _NUMBER
        if template in ("power_examples", "change_examples")
        else r"[\d,]+ test examples(?: of [\d,]+ groups?)?",
    }
    if name in ("name", "a", "b", "best", "winner", "loser"):
        return one
    if name in ("margin", "amount", "found", "floor", "largest"):
        return _VALUE
    return kinds.get(name, _NUMBER)


def _number(text: str) -> float:
    return float(re.sub(r"[^\d.e+-]", "", text.split()[0].rstrip("%")))


class Printed(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


def _printed(text: str) -> Printed:
    match = re.match(rf"({_NUMBER}){_UNIT} \[({_END}), ({_END})\]", text)
    assert match is not None
    return Printed(float(match[1].replace(",", "")), *_ends(match[2], match[3]))


def _ends(low: str, high: str) -> tuple[float, float]:
    return tuple(
        limit if "∞" in end else float(end.replace(",", "")) for end, limit in ((low, -math.inf), (high, math.inf))
    )  # type: ignore[return-value]


def _split(names: str) -> list[str]:
    return re.split(r", | and ", names)


def _same(a: str, b: str) -> bool:
    """A sentence begins with a capital."""
    return a[1:] == b[1:] and a[:1].lower() == b[:1].lower()


def _scale(case: Case) -> int:
    return 100 if METRICS[case.report.metric].unit == "%" else 1


def _winner(case: Case, pair: PairReport) -> str | None:
    names = {"a better": pair.a, "b better": pair.b}
    return case.label(names[pair.verdict]) if pair.verdict in names else None


# -------------------------------------------------------------------------------------------- pairs


def _pair_faults(case: Case, said: Said, pair: PairReport) -> Iterator[str]:
    yield from _numbers_of_a_pair(case, said, pair)
    yield from _words(said)
    a, b = case.label(pair.a), case.label(pair.b)
    margin = case.report.margin
    if said.template in ("beats", "beats_a_little"):
        winner, loser = said.places["winner"], said.places["loser"]
        if not (_same(winner, _winner(case, pair) or "") and {loser} <= {a, b}):
            yield "another pair or another winner"
        if (pair.difference > 0) != ((pair.verdict == "a better") == case.report.higher_is_better):
            yield "the winner has the worse mean"
        if pair.low * pair.high <= 0:
            yield "beats with zero in the interval"
    elif not (_same(said.places["a"], a) and said.places["b"] == b):
        yield "another pair"
    expected = {"a better": "beats", "b better": "beats", "equivalent": "equivalent", "cannot tell": "open"}
    kinds = {"beats_a_little": "beats", "one_seed": "open", "one_split": "open"}
    if kinds.get(said.template, said.template) != expected[pair.verdict]:
        yield f"the verdict is {pair.verdict}"
    single = [name for name in (pair.a, pair.b) if _is_single(case, name)]
    if bool(single) != (said.template in ("one_seed", "one_split")):
        yield "one replicate is said to be enough, or several not"
    if said.template == "one_seed" and _split(said.places["names"]) != [case.label(name) for name in single]:
        yield "another family has one seed"
    if pair.verdict == "equivalent" and not (-margin <= pair.low <= 0 <= pair.high <= margin):
        yield "equivalent beyond the margin"
    if not single and pair.verdict == "cannot tell" and not pair.low <= 0 <= pair.high:
        yield "open without zero"


def _numbers_of_a_pair(case: Case, said: Said, pair: PairReport) -> Iterator[str]:
    if said.template in ("one_seed", "one_split"):
        return
    printed = _printed(said.places["difference"])
    if not printed.low <= printed.value <= printed.high:
        yield "a value outside its interval"
    real = (pair.difference, pair.low, pair.high)
    if said.template in ("beats", "beats_a_little"):
        real = (abs(pair.difference), *sorted((abs(pair.low), abs(pair.high))))
    if not all(_close(one, other * _scale(case)) for one, other in zip(printed, real, strict=True)):
        yield f"other numbers than {real}"
    if "margin" in said.places and not _is_margin(case, said.places["margin"]):
        yield "another margin"
    if said.template.startswith("beats"):
        margin = _number(_margin(case))
        if (printed.value < margin) != (said.template == "beats_a_little"):
            yield f"wrong about the margin of {margin}"
    basis = re.search(_BASIS, said.places["difference"])
    if basis is None:
        return
    if not math.isclose(float(basis["confidence"]), 100 * (1 - case.report.level), abs_tol=0.006):
        yield "another confidence"
    if int(basis["pairs"] or 1) != len(case.report.pairs):
        yield "another number of pairs"
    yield from _design_faults(case, pair, basis["design"])


def _is_margin(case: Case, told: str) -> bool:
    """Rounded up to three digits, so by less than a hundredth."""
    return -1e-8 <= _number(told) / (_scale(case) * case.report.margin) - 1 < 0.0101


def _margin(case: Case) -> str:
    """The margin as any sentence prints it."""
    from hw3models.evaluation.wording import margin_amount

    return margin_amount(case.report.metric, case.report.margin)


def _design_faults(case: Case, pair: PairReport, design: str) -> Iterator[str]:
    if f"{case.num_test:,} test examples" not in design:
        yield "another number of test examples"
    groups = case.report.num_groups
    if not case.is_resampled and (groups is None) == (" group" in design):
        yield "groups are wrong"
    if groups is not None and not case.is_resampled and f"of {groups:,} group" not in design:
        yield "another number of groups"
    counts = [
        num
        for name, num in zip((pair.a, pair.b), pair.seeds, strict=True)
        if case.is_resampled or case.report.about != "training set" or not fact(case.facts, name).deterministic
    ]
    numbers = [int(one) for one in re.findall(r"(\d+)(?= and \d+ seeds| seeds?| resampled)", design)]
    if set(numbers) != ({min(counts)} if case.is_resampled else set(counts)):
        yield "another number of seeds"


def _is_single(case: Case, name: str) -> bool:
    steady = fact(case.facts, name).deterministic and case.report.about == "training set"
    return case.seeds[name] == 1 and not steady


def _close(printed: float, real: float) -> bool:
    """Rounded to what is printed, or to three digits, or to a thousandth of a percent."""
    return math.isclose(printed, real, rel_tol=6e-3, abs_tol=0.0501)


def _words(said: Said) -> Iterator[str]:
    """What a reader who knows only the words expects of the brackets."""
    interval = re.search(rf"\[({_END}), ({_END})\]", said.text)
    if interval is None:
        return
    low, high = _ends(interval[1], interval[2])
    if low > high:
        yield "an interval upside down"
    if " beats " in said.text and low <= 0 <= high:
        yield "beats beside an interval with zero"
    if "cannot be separated" in said.text and not low <= 0 <= high:
        yield "cannot be separated beside an interval without zero"
    limit = re.search(rf"equivalent within ({_NUMBER})", said.text)
    if limit and not (-float(limit[1].replace(",", "")) <= low <= high <= float(limit[1].replace(",", ""))):
        yield "equivalent beside an interval beyond the margin"


# ------------------------------------------------------------------------------------------ verdict


def _nothing(_case: Case, _said: Said) -> Iterator[str]:
    yield from ()


def _best(case: Case) -> str:
    return case.label(case.report.could_be_best[0])


def _name_of(case: Case, label: str) -> str:
    return next(name for name in case.scores if _same(case.label(name), label))


def _take(case: Case, said: Said) -> Iterator[str]:
    report, name = case.report, said.places["name"]
    if name != case.label(report.take):
        yield f"the report takes {report.take}"
    if said.template in ("take_cheaper", "take_cheaper_beaten"):
        yield from _cheaper(case, said)
        return
    printed, good = _printed(said.places["score"]), report.higher_is_better
    if not printed.low <= printed.value <= printed.high:
        yield "a score outside its interval"
    if not _close(printed.value, _scale(case) * case.scores[report.take].mean):
        yield "another score"
    means = {key: score.mean for key, score in case.scores.items()}
    best = (max if good else min)(means.values())
    if (means[report.take] == best) == ("not beaten" in said.places["metric"]):
        yield "not the best mean, or wrongly said not to be it"
    others = [case.label(one) for one in case.scores if one != report.take]
    if said.template == "take_open":
        if _split(said.places["names"]) != [case.label(one) for one in report.could_be_best if one != report.take]:
            yield f"could be best: {report.could_be_best}"
    elif len(report.could_be_best) > 1:
        yield f"could be best: {report.could_be_best}"
    if said.template == "take_beats" and not all(case.beats(name, other) for other in others):
        yield "does not beat each"
    if said.template == "take_unbeaten" and all(case.beats(name, other) for other in others):
        yield "beats each"
    if (len(others) == 1) != (said.places.get("others", "") == "the other family") and said.template == "take_beats":
        yield "another number of families"


def _cheaper(case: Case, said: Said) -> Iterator[str]:
    report, name = case.report, said.places["name"]
    if report.reason != "cheaper and not worse" or not _same(said.places["best"], _best(case)):
        yield "another reason or another best"
    if fact(case.facts, report.take).is_baseline:
        yield "a baseline is taken that is not the best"
    costs = [case.costs[_name_of(case, label)] for label in (said.places["best"], name)]
    if (
        costs[1] > 0
        and "over" not in said.places["times"]
        and not math.isclose(_number(said.places["times"].replace("x", "")), costs[0] / costs[1], rel_tol=0.06)
    ):
        yield f"times of {costs}"
    beaten = report.take not in report.could_be_best
    if beaten != (said.template == "take_cheaper_beaten"):
        yield "wrong about being beaten"
    pair = case.pair(said.places["best"], name)
    sign = 1 if (_same(case.label(pair.a), said.places["best"])) == report.higher_is_better else -1
    if max(sign * pair.low, sign * pair.high) > report.margin * (1 + 1e-9):
        yield f"at most the margin worse, beside {pair.sentence}"


def _no_baseline_beaten(case: Case, said: Said) -> Iterator[str]:
    networks = [case.label(one) for one in case.scores if not fact(case.facts, one).is_baseline]
    baselines = [case.label(one) for one in case.scores if fact(case.facts, one).is_baseline]
    named = re.fullmatch(r"the best baseline, (.*),", said.places["baseline"])
    for baseline in [named[1]] if named else baselines:
        if any(case.beats(network, baseline) for network in networks):
            yield f"{baseline} is beaten"


def _not_even(case: Case, said: Said) -> Iterator[str]:
    name = said.places["name"]
    if any(case.beats(case.label(one), name) for one in case.scores if case.label(one) != name):
        yield "it is beaten"


def _pair_in_verdict(case: Case, said: Said) -> Iterator[str]:
    names = ("winner", "loser") if "winner" in said.places else ("a", "b")
    a, b = (case.label(_name_of(case, said.places[name])) for name in names)
    yield from _pair_faults(case, said, case.pair(a, b))


def _all_equivalent(case: Case, said: Said) -> Iterator[str]:
    names, best = _split(said.places["names"]), said.places["best"]
    if [_best(case), *names] == [] or not _same(names[0], case.label(case.report.could_be_best[1])):
        yield "others could be the best"
    if len(names) + 1 != len(case.report.could_be_best):
        yield "some are missing"
    for name in names:
        if case.pair(best, case.label(_name_of(case, name))).verdict != "equivalent":
            yield f"{name} is not equivalent to {best}"


def _picked(case: Case, said: Said) -> Iterator[str]:
    printed, report = _printed(said.places["score"]), case.report
    if report.corrected is None or said.places["name"] != _best(case):
        yield "the report does not say so"
        return
    if int(said.places["num"]) != len(report.could_be_best):
        yield f"could be best: {report.could_be_best}"
    if not printed.low <= printed.value <= printed.high:
        yield "a score outside its interval"
    if not _close(printed.value, _scale(case) * report.corrected.mean):
        yield "another score"
    plain = re.search(rf"^Take {re.escape(said.places['name'])}: the best.*?, ({_VALUE} {_INTERVAL})", report.verdict)
    if plain and report.higher_is_better != (printed.value <= _printed(plain[1]).value) != (
        printed.value == _printed(plain[1]).value
    ):
        yield f"corrected to be better than {plain[1]}"


def _few_groups(case: Case, said: Said) -> Iterator[str]:
    if case.report.num_groups != _number(said.places["groups"]) or case.report.num_groups >= 10:
        yield f"{case.report.num_groups} groups"


def _unequal_groups(case: Case, said: Said) -> Iterator[str]:
    groups, alike = case.report.num_groups, case.report.equal_groups
    if groups != _number(said.places["groups"]) or alike is None or not _close(_number(said.places["alike"]), alike):
        yield f"{groups} groups, as {alike}"


def _collapsed(case: Case, said: Said) -> Iterator[str]:
    name = _name_of(case, said.places["name"])
    found = case.report.collapses.get(name)
    num, of, upper = (_number(said.places[place]) for place in ("num", "of", "upper"))
    if found is None or (num, of) != (found.seeds, found.of) or of != case.seeds[name]:
        yield f"collapses are {case.report.collapses}"
    if not 0 < num < of or not 100 * num / of < upper <= 100:
        yield "an impossible rate"


def _beaten(case: Case, said: Said) -> Iterator[str]:
    report, labels = case.report, [case.label(name) for name in case.scores]
    found = dict(re.findall(rf"({'|'.join(map(re.escape, sorted(labels, key=len, reverse=True)))}) ({_VALUE})",
                            said.places["scores"]))  # fmt: skip
    for label, value in found.items():
        name = _name_of(case, label)
        if name in report.could_be_best or name == report.take:
            yield f"{label} is taken, or could be best"
        if not any(case.beats(other, label) for other in labels if other != label):
            yield f"nobody beats {label}"
        if not _close(_number(value), _scale(case) * case.scores[name].mean):
            yield f"another score of {label}"
    both = {*map(case.label, report.could_be_best), *found, case.label(report.take)}
    if both != set(labels):
        yield "some family is neither"


def _seeds_unknown(case: Case, said: Said) -> Iterator[str]:
    single = {case.label(name) for name in case.scores if _is_single(case, name)}
    if set(_split(said.places["names"])) != single:
        yield f"one seed each: {single}"


def _stopped(case: Case, said: Said) -> Iterator[str]:
    report = case.report
    best, *rest = report.could_be_best
    open_ = [n for n in rest if case.pair(case.label(best), case.label(n)).verdict != "equivalent"]
    if said.template == "stopped_decided" and open_:
        yield f"undecided: {open_}"
    if "names" in said.places and [_name_of(case, one) for one in _split(said.places["names"])] != open_:
        yield f"undecided: {open_}"
    if int(said.places["look"]) > int(said.places["looks"]) or int(said.places["look"]) != len(report.looks):
        yield "another look"


_CHECKS: dict[str, Callable[[Case, Said], Iterator[str]]] = {
    **dict.fromkeys(("take_beats", "take_unbeaten", "take_open", "take_cheaper", "take_cheaper_beaten"), _take),
    **dict.fromkeys(PAIRS, _pair_in_verdict),
    **dict.fromkeys(("stopped_decided", "stopped_spent", "stopped_stuck"), _stopped),
    "no_baseline_beaten": _no_baseline_beaten,
    "not_even": _not_even,
    "all_equivalent": _all_equivalent,
    "picked": _picked,
    "few_groups": _few_groups,
    "unequal_groups": _unequal_groups,
    **dict.fromkeys(("collapsed", "collapsed_of_median"), _collapsed),
    "beaten": _beaten,
    "seeds_unknown": _seeds_unknown,
}


def _whole(case: Case, verdict: list[Said]) -> Iterator[str]:
    """What must be said, what stands first, and what is said twice."""
    report, kinds = case.report, [said.template for said in verdict]
    if not (kinds[0].startswith("take") or kinds == ["alone"] or kinds[0] == "alone"):
        yield f"the answer does not stand first: {report.verdict}"
    texts = [said.text for said in verdict]
    if len(set(texts)) < len(texts):
        yield f"said twice: {report.verdict}"
    if len(case.scores) == 1:
        return
    about = f"about_{report.about.replace(' ', '_')}"
    networks = [case.label(one) for one in case.scores if not fact(case.facts, one).is_baseline]
    baselines = [one for one in case.scores if fact(case.facts, one).is_baseline]
    first = next((one for one in case.scores if one in baselines), None)
    wanted = {
        about: True,
        "picked": report.corrected is not None,
        "few_groups": report.num_groups is not None and report.num_groups < 10,
        "unequal_groups": (report.num_groups or 0) >= 10 > (report.equal_groups or 0),
        "collapsed": bool(report.collapses) and report.estimand == "mean",
        "collapsed_of_median": bool(report.collapses) and report.estimand == "median",
        "about_median": report.estimand == "median",
        "beaten": len(case.scores) > 2 and bool(set(case.scores) - {*report.could_be_best, report.take}),
        "no_baseline_beaten": bool(networks)
        and first is not None
        and not any(case.beats(one, case.label(first)) for one in networks),
    }
    for template, is_wanted in wanted.items():
        if (template in kinds) != is_wanted:
            yield f"{template} is {'not said' if is_wanted else 'said'}: {report.verdict}"
    if sum(kind.startswith("collapsed") for kind in kinds) != len(report.collapses):
        yield f"collapses: {report.verdict}"
    yield from _lists(case)


def _lists(case: Case) -> Iterator[str]:
    """The report's own lists."""
    report = case.report
    beaten = {
        {"a better": pair.b, "b better": pair.a}[pair.verdict]
        for pair in report.pairs
        if pair.verdict in ("a better", "b better")
    }
    if both := beaten & set(report.could_be_best[1:]):
        yield f"both beaten and perhaps the best: {both}"
    if set(report.could_be_best) | beaten != set(case.scores):
        yield "a family is neither beaten nor perhaps the best"
    if [name for group in report.groups for name in group] != list(case.scores):
        yield "groups are in another order"
    if len(report.pairs) != len(list(combinations(case.scores, 2))):
        yield "pairs are missing"
    corrected, best = report.corrected, case.scores[report.could_be_best[0]]
    if corrected is not None:
        worse = corrected.mean <= best.mean if report.higher_is_better else corrected.mean >= best.mean
        if not worse or not corrected.low <= corrected.mean <= corrected.high:
            yield f"corrected {corrected} of {best}"


# ----------------------------------------------------------------------------- headline and changes


def _headline_faults(case: Case, headline: list[Said], verdict: list[Said]) -> Iterator[str]:
    """The headline says what the verdict's first sentence says, and of baselines what the verdict says of them."""
    if len(case.scores) == 1:
        if headline:
            yield "a headline of one family"
        return
    first, *rest = headline
    kinds = {
        "take_beats": "because_beats",
        "take_unbeaten": "because_unbeaten",
        "take_open": "because_open",
        "take_cheaper": "because_cheaper",
        "take_cheaper_beaten": "because_cheaper",
    }
    if first.template != kinds[verdict[0].template]:
        yield f"the verdict is {verdict[0].text}"
    for place in ("name", "margin", "best", "times", "metric"):
        if place in first.places and first.places[place] != verdict[0].places[place]:
            yield f"the verdict is {verdict[0].text}"
    others = first.places.get("others", "")
    if first.template == "because_open":
        names = _split(verdict[0].places["names"])
        if others != f"{len(names)} others" and _split(others) != names:
            yield f"others are {names}"
        if others.endswith("others") != (len(names) > 3):
            yield "too many names, or too few"
    if first.template == "because_beats" and (len(case.scores) == 2) != (others == "the other family"):
        yield "another number of families"
    of_baselines = [said.text for said in verdict if said.template in ("no_baseline_beaten", "not_even")]
    if [said.text for said in rest] != of_baselines:
        yield f"of baselines the verdict says {of_baselines}"


def _change_faults(case: Case, changes: list[Said], advice: list[Said]) -> Iterator[str]:
    """Only an open answer is decided by more; what it takes is what the advice says."""
    report = case.report
    kinds = [said.template for said in changes]
    if (len(case.scores) > 1 and report.about == "training set") != ("change_training_set" in kinds):
        yield "wrong about the training set"
    more = [said for said in changes if said.template != "change_training_set"]
    is_open = report.reason == "best mean" and len(report.could_be_best) > 1
    if more and (not is_open or len(more) > 1):
        yield "the answer is not open, or it is said twice"
    if not more:
        return
    said, leaders = more[0], [case.label(name) for name in report.could_be_best[:2]]
    single = [case.label(name) for name in report.could_be_best[:2] if _is_single(case, name)]
    if bool(single) != (said.template == "change_one"):
        yield f"one replicate: {single}"
    if "names" in said.places and [_name_of(case, one) for one in _split(said.places["names"])] != [
        _name_of(case, one) for one in single or leaders
    ]:
        yield f"the leaders are {leaders}"
    if "margin" in said.places and not _is_margin(case, said.places["margin"]):
        yield "another margin"
    if not advice or [_name_of(case, one) for one in _split(advice[0].places["names"])] != [
        _name_of(case, one) for one in leaders
    ]:
        return  # the advice is about the two best means
    tails = {
        "change_seeds": "power_seeds",
        "change_examples": "power_examples",
        "change_hardly": "power_many",
        "change_small": "power_enough",
    }
    if said.template in tails and advice[1].template != tails[said.template]:
        yield f"the advice is {advice[1].text}"
    for place in ("num", "examples"):
        if place in said.places and said.places[place] != advice[1].places.get(place):
            yield f"the advice is {advice[1].text}"


# ------------------------------------------------------------------------------------------- advice


def _advice_faults(case: Case, advice: list[Said]) -> Iterator[str]:
    if not advice:
        return
    if len(advice) != 2 or advice[0].template not in ("power_found", "power_missed"):
        yield "not two sentences"
        return
    head, tail = advice
    margin = _number(tail.places["margin"])
    if not _is_margin(case, tail.places["margin"]):
        yield "another margin"
    if head.template == "power_found":
        found = _number(head.places["found"])
        if (found <= margin) != (tail.template == "power_enough"):
            yield "found and margin do not fit"
        if "floor" in tail.places and _number(tail.places["floor"]) > found:
            yield "more seeds find less"
    if "floor" in tail.places and _number(tail.places["floor"]) <= margin:
        yield "the floor is within the margin"
    names = [_name_of(case, one) for one in _split(head.places["names"])]
    if tail.template == "power_seeds":
        counts = [case.searches.get(one, case.seeds[one]) for one in names if not (fact(case.facts, one).deterministic)]
        if counts and _number(tail.places["num"]) <= min(counts):
            yield f"so many seeds were there: {counts}"
    if tail.template == "power_examples" and _number(tail.places["examples"]) <= _number(tail.places["num"]):
        yield "no more examples than there are"
    among = re.search(r"\d+", head.places["among"])
    if int(among.group() if among else 1) != len(case.report.pairs):
        yield "another number of pairs"
