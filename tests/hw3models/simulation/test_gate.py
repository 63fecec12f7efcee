"""The gate on simulated nights: rarely wrong, however often it is asked, and never walked downhill."""

import pytest

from hw3models.simulation.gate import World, changes, downhill, false_changes

SMALL = World(seeds=5, examples=400, luck=0.05)


def test_the_best_of_four_at_the_margin_is_a_wrong_change_in_three_percent_at_most() -> None:
    wrong = changes(SMALL, SMALL.margin, repeats=800)
    assert wrong.share <= 0.03
    # What would be wrong is found: the same world with a gain has changes.
    assert changes(SMALL, 0.10, repeats=40).share >= 0.8


@pytest.mark.slow
def test_ninety_nights_without_a_change_have_a_false_one_in_five_percent_at_most() -> None:
    assert false_changes(SMALL, nights=90, repeats=40).share <= 0.05
    # Where every night has the whole level, some champions fall.
    alike = World(seeds=3, examples=400, luck=0.2, own=0.0, margin=0.0005)
    assert false_changes(alike, nights=90, repeats=10).share <= 0.05
    assert false_changes(alike, nights=90, repeats=10, spend=False).share >= 0.3


def test_slightly_worse_and_cheaper_champions_do_not_walk_downhill() -> None:
    world = World(seeds=3, examples=4000, networks=1, luck=0.0, own=0.2, margin=0.03)
    beyond, lost = downhill(world, 0.012, steps=6, repeats=20)
    assert beyond.share <= 0.05
    assert 0 < lost <= world.margin
    # Without an anchor they do.
    assert downhill(world, 0.012, steps=6, repeats=8, anchored=False)[0].share >= 0.3
