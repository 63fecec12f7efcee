"""docs/errors.md is what the code raises."""

from benchmarks.errors import PAGE, errors, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make errors`"


def test_every_message_says_something() -> None:
    for one in errors():
        words = one.text.replace("{...}", "").split()
        assert len(words) >= 3, one
