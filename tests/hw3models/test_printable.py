"""What a terminal may show of a text from a file."""

import json
import unicodedata

import pytest

from hw3models.errors import DataError
from hw3models.printable import ascii_json, one_a_line, printable, visible


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("walk", "walk"),
        ("gehen, größer, 歩く, 🚶", "gehen, größer, 歩く, 🚶"),
        ("wide\u00a0and\u3000wider", "wide\u00a0and\u3000wider"),
        ("\x1b[31mred", r"\u001b[31mred"),
        ("\x9b31mred", r"\u009b31mred"),
        ("bell\a, back\b, return\r", r"bell\u0007, back\b, return\r"),
        ("right\u202eleft", r"right\u202eleft"),
        ("isolated\u2066left\u2069", r"isolated\u2066left\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028separator", r"line\u2028separator"),
        ("half \ud800 a pair", r"half \ud800 a pair"),
        ("two\nlines", r"two\nlines"),
        ("tag \U000e0041", r"tag \udb40\udc41"),
    ],
)
def test_a_name_is_shown_and_not_obeyed(name: str, shown: str) -> None:
    assert one_a_line([name, "next"]) == f"{shown}\nnext"


def test_nothing_that_a_terminal_obeys_passes() -> None:
    for character in map(chr, range(0x110000)):
        text = one_a_line([character])
        assert all(unicodedata.category(one)[0] != "C" for one in text), character
        assert "\n" not in text


def test_lines_of_a_text_stay_lines_and_errors_are_filtered_too() -> None:
    assert printable("a\n\tb\x1b") == "a\n\tb\\u001b"
    assert str(DataError("class '\u202e' \x1b")) == r"class '\u202e' \u001b"


def test_json_is_the_same_in_ascii() -> None:
    value = {"größer": ["\u202e", "🚶", "\x9b", "a\\b", "\ud800"]}
    text = ascii_json(json.dumps(value, ensure_ascii=False))
    assert text.isascii()
    assert json.loads(text) == value


def test_a_page_shows_what_would_be_hidden_and_keeps_letters_and_lines() -> None:
    assert visible("<p>a\x1b[31m\u202eb\n\tc</p>") == "<p>a\\u001b[31m\\u202eb\n\tc</p>"
    assert visible("نمی\u200cخواهم 👩\u200d🔬 \u00a0é") == "نمی\u200cخواهم 👩\u200d🔬 \u00a0é"
