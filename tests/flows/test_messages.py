"""What reaches the terminal beside results."""

import pydantic

import hw3models.training
from flows.cli.messages import plain_warning


def test_a_warning_of_ours_is_a_sentence_and_that_of_others_says_where_it_comes_from() -> None:
    ours = plain_warning("no checkpoint in /full", UserWarning, str(hw3models.training.__file__), 306)
    assert ours == "hw3: no checkpoint in /full\n"
    theirs = plain_warning("old", UserWarning, str(pydantic.__file__), 1)
    assert theirs.startswith(f"{pydantic.__file__}:1: UserWarning: old\n")
    assert ":306: DeprecationWarning: old" in plain_warning("old", DeprecationWarning, hw3models.training.__file__, 306)
