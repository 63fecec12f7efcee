"""The page of archive sets, from answers that are there."""

from typing import Any

import pytest

from benchmarks import archives
from benchmarks.archives import page, published, sources


def family(mean: float) -> dict[str, Any]:
    return {"accuracy": {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}}


def test_the_page_sets_ours_beside_what_is_published_for_the_same_sets() -> None:
    answers = {
        "GunPoint": {"dataset": {"test": 150}, "families": {"inception*5": family(0.99), "rocket": family(0.95)}},
        "Coffee": {"dataset": {"test": 28}, "families": {"inception*5": family(0.95)}},
    }
    text = page(answers, {"InceptionTime": {"GunPoint": 1.0, "Coffee": 1.0, "Plane": 0.2}})
    assert "| set (test series) | inception*5 | rocket | InceptionTime |" in text
    assert "| GunPoint (150) | 99.0 [97.0, 101.0] | 95.0 [93.0, 97.0] | *100.0* |" in text
    assert "| Coffee (28) | 95.0 [93.0, 97.0] |  | *100.0* |" in text
    # Student's t over two sets: 12.706 times 2.83 / sqrt(2).
    over_sets = "-3.0 [-28.4, +22.4]"
    assert f"| inception*5 - InceptionTime | 2 | {over_sets} | -1.0 [-3.0, +1.0] | -5.0 [-7.0, -3.0] |" in text
    assert "None of the sets has been run yet." in page({}, {})


@pytest.mark.skipif(not (archives.SHARED / "ucr").exists(), reason="the archive's files are not here")
def test_published_figures_are_of_the_default_split() -> None:
    theirs = published()
    assert theirs["InceptionTime"]["ACSF1"] == 0.91
    assert theirs["ResNet"]["RacketSports"] == pytest.approx(0.908, abs=5e-4)
    assert {"Chinatown", "RacketSports", "OSULeaf"} <= set(sources())
