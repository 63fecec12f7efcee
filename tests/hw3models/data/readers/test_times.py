"""Times in other forms than ISO 8601 are read where they can only be meant in one way, and that is said."""

from pathlib import Path

import pandas as pd
import pytest

from hw3models.data.readers.tables import parse, read_table
from hw3models.data.readers.times import dates_note, dates_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec


def seconds(*texts: str) -> list[float]:
    dates = dates_of(pd.Series(texts, name="time"))
    return [(date - dates.iloc[0]).total_seconds() for date in dates]


@pytest.mark.parametrize(
    ("texts", "wanted", "note"),
    [
        (("0:00:00.000", "0:00:01.250", "25:00:00"), [0, 1.25, 90_000], "hours, minutes and seconds"),
        (("00:00:00,5", "00:01:00,75"), [0, 60.25], "hours, minutes and seconds"),
        (("13/03/2024 23:59:59", "14/03/2024 00:00:00.5"), [0, 1.5], "day, month and year"),
        (("1.2.24", "1.3.24"), [0, 29 * 86_400], "day, month and year"),
        (("02/28/2024", "03/01/2024"), [0, 2 * 86_400], "month, day and year"),
        (("03/01/2024 11:59:00 AM", "03/01/2024 12:00:30 PM", "03/01/2024 1:00 p.m."), [0, 90, 3660], "of one day"),
        (("03/13/2024 12:10 AM", "03/13/2024 1:10 PM"), [0, 13 * 3600], "of one day"),
        (("0.5 sec", "0.75 sec"), [0, 0.25], "numbers of sec"),
        (("10ms", "30ms"), [0, 0.02], "numbers of ms"),
    ],
)
def test_times_are_what_a_person_reads(texts: tuple[str, ...], wanted: list[float], note: str) -> None:
    assert seconds(*texts) == pytest.approx(wanted)
    told = dates_note(pd.Series(texts, name="time"))
    assert told == f"Times in 'time' such as {texts[0]!r} are {note}."


@pytest.mark.parametrize(
    "texts",
    [
        ("03/01/2024", "04/01/2024"),  # which is the day?
        ("13/01/2024", "01/13/2024"),
        ("31/02/2024", "30/02/2024"),
        ("23:59:59", "00:00:01"),  # the next day, or the same?
        ("10ms", "1 s"),
        ("12:30", "12:31"),  # minutes or hours?
    ],
)
def test_what_can_be_meant_in_two_ways_is_not_read(texts: tuple[str, ...]) -> None:
    assert dates_of(pd.Series(texts)).isna().all()
    assert dates_note(pd.Series(texts, name="time")) is None


def test_what_was_iso_stays_so_and_is_not_mentioned() -> None:
    texts = pd.Series(["2024-10-27T02:30:00+02:00", "2024-10-27T02:00:00+01:00"], name="time")
    assert dates_of(texts).tolist() == [pd.Timestamp("2024-10-27 00:30Z"), pd.Timestamp("2024-10-27 01:00Z")]
    assert dates_note(texts) is None


def test_rows_are_sorted_by_such_times_and_one_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    times = ["13/02/2024 10:00", "02/03/2024 10:00", "01/01/2025 10:00"]
    rows = [f"{name},{times[place]},{place},{label}" for name, label in (("a", "x"), ("b", "y")) for place in (2, 0, 1)]
    path.write_text("\n".join(["sample,time,value,label", *rows]))
    raw = read_table(path, "toy", DataSpec(source=str(path)))
    assert raw.features[:, :, 0].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert "Times in 'time' such as '01/01/2025 10:00' are day, month and year." in raw.notes
    path.write_text(path.read_text().replace("b,13/02/2024 10:00", "b,soon"))
    with pytest.raises(DataError, match=r"neither a number nor a date .* at line 6: 'soon'"):
        read_table(path, "toy", DataSpec(source=str(path)))


def test_a_model_is_asked_with_the_same_times() -> None:
    table = pd.DataFrame({"sample": "a", "time": ["0:00:02.5", "0:00:01"], "value": [2.0, 1.0]})
    part = parse(table, DataSpec(source="toy.csv"), str, where="toy.csv", labelled=False)
    assert (part.dated, part.series[0][:, 0].tolist()) == (True, [1.0, 2.0])
