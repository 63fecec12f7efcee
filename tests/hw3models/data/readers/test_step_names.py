"""Columns of steps that are called by dates, times and numbers with fractions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data.readers.step_names import are_timed
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
    "wavelengths with a unit": [f"{400 + 10 * step} nm" for step in range(24)],
    "wavelengths of a spectrometer": [f"w{401.5 + 3.1 * step:.1f}" for step in range(24)],
    "wavenumbers as R writes them": [f"X{400 + step / 10:.1f}" for step in range(40)],
    "seconds with a sign and a unit": [f"t={step / 10:.1f}s" for step in range(20)],
    "milliseconds": [f"{20 * step}ms" for step in range(20)],
    "before and after": [f"{step / 10 - 1:.1f}" for step in range(20)],
    "before": [str(step - 20) for step in range(20)],
    "months": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "months from July on": ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun"],
    "months in full": [f"{day:%B}" for day in MONTHS[:12]],
    "months of years of two digits": [f"{day:%b-%y}" for day in MONTHS],
    "days of months": [f"{day:%b} {day.day}" for day in pd.date_range("2019-01-20", periods=24)],
    "weekdays from Sunday on": ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    "quarters of years": [f"Q{day.quarter} {day.year}" for day in MONTHS[::3]],
    "years and quarters": [f"{day.year}Q{day.quarter}" for day in MONTHS[::3]],
    "weeks of two years": [f"{2019 + week // 52}-W{week % 52 + 1:02d}" for week in range(60)],
    "month and year": [f"{day.month}-{day.year}" for day in MONTHS],
    "a year of two digits": [f"{day.month}/1/{day:%y}" for day in MONTHS],
    "dates with times": [f"{time:%Y-%m-%d %H:%M}" for time in pd.date_range("2019-01-31", periods=24, freq="3h")],
    "hours of twelve": [f"{hour:%I %p}" for hour in pd.date_range("2019-01-01", periods=24, freq="h")],
}


@pytest.mark.parametrize("form", FORMS)
def test_dates_times_and_fractions_are_the_steps_of_one_channel(form: str, tmp_path: Path) -> None:
    values = series(num=12, steps=len(FORMS[form]))
    table = pd.DataFrame(values[:, :, 0], columns=FORMS[form]).assign(label=["a", "b"] * 6)
    table.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(raw.features, values)
    assert classes(raw) == ["a", "b"] * 6


@pytest.mark.parametrize(
    "form",
    [
        "months of two years",
        "day, month, year",
        "names of months",
        "quarters",
        "wavelengths with a unit",
        "months of years of two digits",
        "days of months",
        "dates with times",
        "hours of twelve",
    ],
)
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


@pytest.mark.parametrize("form", ["{}_{}ms", "{} {}.5s", "{}-{}", "{}{}"])
def test_channels_with_times_stay_channels(form: str, tmp_path: Path) -> None:
    values = series(num=12, steps=10, channels=2)
    names = [form.format(channel, step) for channel in ("acc", "gyro") for step in range(10)]
    table = pd.DataFrame(values.transpose(0, 2, 1).reshape(12, 20), columns=names).assign(label=["a", "b"] * 6)
    table.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv")
    np.testing.assert_array_equal(raw.features, values)
    assert raw.channels == ("acc", "gyro")


@pytest.mark.parametrize(
    "names", [["may", "sun", "x"], ["mean 5s", "sd 5s", "max 60s"], ["5s", "5", "6"], ["3m_x", "6m_x"]]
)
def test_words_and_numbers_that_are_no_steps_are_none(names: list[str]) -> None:
    assert not are_timed(names)
