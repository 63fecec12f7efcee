"""Passwords stay out of what is shown."""

import pytest

from hw3models.runtime.redaction import without_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@host/x", "https://host/x"),
        ("postgresql+psycopg2://ada:s@cr@et@db:5432/mlflow", "postgresql+psycopg2://db:5432/mlflow"),
        ("hw3 run --mirror http://token@a/ --mirror http://b/", "hw3 run --mirror http://a/ --mirror http://b/"),
        ("sqlite:////home/ada/mlflow.db", "sqlite:////home/ada/mlflow.db"),
        ("https://host/a@b", "https://host/a@b"),
    ],
)
def test_names_and_passwords_in_addresses_are_left_out(text: str, shown: str) -> None:
    assert without_password(text) == shown
