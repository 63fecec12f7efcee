"""docs/errors.md is what the code raises."""

from benchmarks.errors import PAGE, errors, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make errors`"


def test_errors_of_every_package_are_found() -> None:
    found = errors()
    assert {one.module.partition(".")[0] for one in found} == {"hw3models", "tasks", "flows"}
    assert any("another process has held the lock" in one.text for one in found)
