"""What the comparison of the two leading families could have shown, and what more seeds or examples would change."""

from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.templates import say
from hw3models.evaluation.verdicts import Setting, Standings
from hw3models.evaluation.wording import amount, margin_amount, printed_margin, sentence
from hw3models.specs import PowerReport
from hw3models.stats.power import MANY


def power_advice(setting: Setting, standings: Standings) -> str:
    """Two sentences: what could have been found, and what it takes for the margin. Empty where that is not known."""
    leaders = list(standings.scores)[:2]
    if len(leaders) < 2:
        return ""
    pair = standings.pair(*leaders)
    if pair.power is None:
        return ""
    digits = _margin_digits(setting, pair.power)
    among = f" among all {setting.num_pairs} pairs" if setting.num_pairs > 1 else ""
    lowest, highest = METRICS[setting.metric].range
    names = setting.listed(leaders)
    if pair.power.detectable > highest - lowest:
        found = say("power_missed", names=names, largest=amount(setting.metric, highest - lowest), among=among)
    else:
        told = _told(setting, pair.power.detectable, digits)
        found = say("power_found", names=names, found=told, among=among)
    seeds = min((setting.replicates(name) for name in leaders if not setting.is_steady(name)), default=0)
    return f"{sentence(found)} {sentence(_what_it_takes(setting, pair.power, digits, seeds))}"


def _what_it_takes(setting: Setting, power: PowerReport, digits: int, seeds: int) -> str:
    margin = margin_amount(setting.metric, setting.margin, digits)
    if power.detectable <= setting.margin:
        return say("power_enough", margin=margin)
    replicates = setting.replicate_each_told
    if power.seeds_for_margin is not None:
        # With few seeds the variance is hardly known, and fewer than there were can look like enough.
        enough = max(power.seeds_for_margin, seeds + 1)
        return say("power_seeds", margin=margin, num=f"{enough:,}", replicates=replicates)
    lowest, highest = METRICS[setting.metric].range
    floor = _told(setting, min(power.detectable_with_many_seeds, highest - lowest), digits)
    if power.examples_factor is None:
        # Training itself varies too much (or resamples overlap): no number of test examples is known to help.
        return say("power_many", many=f"{MANY:,}", replicates=replicates, margin=margin, floor=floor)
    examples = float(f"{setting.num_test * power.examples_factor:.2g}")
    num = f"{setting.num_test:,}"
    return say("power_examples", margin=margin, num=num, floor=floor, examples=f"{examples:,.0f}")


def _margin_digits(setting: Setting, power: PowerReport) -> int:
    """Significant digits of the margin with which nothing that is larger looks smaller."""
    larger = [size for size in (power.detectable, power.detectable_with_many_seeds) if size > setting.margin]
    return next(
        (
            digits
            for digits in range(3, 10)
            if all(size > printed_margin(setting.metric, setting.margin, digits) for size in larger)
        ),
        10,
    )


def _told(setting: Setting, size: float, least: int) -> str:
    """The size with as many digits as it takes to look different from the margin."""
    margin = margin_amount(setting.metric, setting.margin, least)
    if size <= setting.margin:
        return amount(setting.metric, min(size, printed_margin(setting.metric, setting.margin)))
    return next(
        (told for digits in range(3, 12) if _number(told := amount(setting.metric, size, digits)) > _number(margin)),
        amount(setting.metric, size, 12),
    )


def _number(told: str) -> float:
    return float(told.split()[0])
