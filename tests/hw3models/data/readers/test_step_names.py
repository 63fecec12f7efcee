"""Columns of steps that are called by dates, times and numbers with fractions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.hw3models.data.readers.forms import classes, read, series

MONTHS = pd.date_range("2018-01-01", periods=24, freq="MS")
FORMS = {
    "months of two years": [f"{day:%Y-%m}" for day in MONTHS],
    "two months of 31 days": [f"{day:%Y-%m-%d}" for day in pd.date_range("2019-07-01", periods=62)],
    "day, month, year": [f"{day:%d.%m.%Y}" for day in pd.date_range("2019-01-20", periods=24)],
    "month of year": [f"{day.month}/{day.year}" for day in MONTHS],
    "names of months": [f"{day:%b %Y}" for day in MONTHS],
    "the day or the month first": [f"{day.month}/1/{day.year}" for day in MONTHS],
    "times of the day": [f"{hour:02d}:{minute}" for hour in range(12) for minute in ("00", "30")],
    "quarters": [f"{step / 4:.2f}" for step in range(24)],
    "seconds": [f"t{step / 10}" for step in range(20)],
    "wavelengths": [str(400 + 10 * step) for step in range(24)],
}


@pytest.mark.parametrize("form", FORMS)
def test_dates_times_and_fractions_are_the_steps_of_one_channel(form: str, tmp_path: Path) -> None:
    values = series(num=12, steps=len(FORMS[form]))
    table = pd.DataFrame(values[:, :, 0], columns=FORMS[form]).assign(label=["a", "b"] * 6)
    table.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(raw.features, values)
    assert classes(raw) == ["a", "b"] * 6


@pytest.mark.parametrize("form", ["months of two years", "day, month, year", "names of months", "quarters"])
def test_they_are_put_in_order_and_what_stands_beside_is_none(form: str, tmp_path: Path) -> None:
    values = series(num=12, steps=24)
    table = pd.DataFrame(values[:, :, 0], columns=FORMS[form])[FORMS[form][::-1]]
    table.insert(0, "patient", [f"P{row}" for row in range(12)])
    table.assign(label=["a", "b"] * 6).to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "a.csv").features, values)


def test_numbered_channels_stay_channels(tmp_path: Path) -> None:
    values = series(num=12, steps=10, channels=2)
    names = [f"acc{channel}.{step}" for channel in (1, 2) for step in range(10)]
    table = pd.DataFrame(values.transpose(0, 2, 1).reshape(12, 20), columns=names).assign(label=["a", "b"] * 6)
    table.to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "a.csv").features, values)
