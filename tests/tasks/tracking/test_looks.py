"""Looks for drift at a model are counted: each content once, wherever and under whichever name it was looked at."""

import pytest

from hw3models.specs import DriftSpec
from tasks import tracking
from tasks.tracking.store import connect

pytestmark = pytest.mark.usefixtures("store")


def opened(number: int) -> str:
    return tracking.open_parent("drift", DriftSpec(reference=f"m/{number}"), {})


def test_each_new_content_is_the_next_look_and_the_same_content_is_the_same_look() -> None:
    contents = ["a", "b", "a", "c", "b", "d"]
    looks = [tracking.count_look(opened(number), "model", content) for number, content in enumerate(contents)]
    assert looks == [1, 2, 1, 3, 2, 4]
    assert tracking.count_look(opened(6), "another model", "d") == 1


def test_what_was_deleted_or_killed_before_it_had_a_number_counts() -> None:
    client, _ = connect()
    first, killed = opened(0), opened(1)
    assert tracking.count_look(first, "model", "a") == 1
    client.delete_run(first)
    client.set_tag(killed, "hw3.drift.model", "model")
    client.set_tag(killed, "hw3.drift.content", "b")
    assert tracking.count_look(opened(2), "model", "c") == 3
    assert tracking.count_look(opened(3), "model", "a") == 1


def test_two_at_once_have_no_number_that_was_not_theirs() -> None:
    # The other has written its content down before this one counts, and counts only afterwards.
    client, _ = connect()
    this, other = opened(0), opened(1)
    for name, value in (("hw3.drift.model", "model"), ("hw3.drift.content", "b")):
        client.set_tag(other, name, value)
    assert tracking.count_look(this, "model", "a") == 2
    assert tracking.count_look(other, "model", "b") == 2
    assert tracking.count_look(opened(2), "model", "c") == 3
