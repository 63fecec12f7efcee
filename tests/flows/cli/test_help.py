"""Help that fits: options in groups, twenty at most, and the rest where they are asked for."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from flows.cli.help import BEGIN, COMMANDS, GROUPS, MOST_OPTIONS
from flows.cli.main import app, main
from hw3models.errors import SpecError
from hw3models.specs import StudySpec

STUDIES = ("sequences", "images", "autoencoder")


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["hw3", *arguments])
    with suppress(SystemExit):
        main()
    return capsys.readouterr().out


def options(text: str) -> list[str]:
    """Each once: what switches one off stands on lines of its own at times."""
    found = re.findall(r"(?m)^[│*\s]*(--[\w.-]+)", text)
    return [one for one in found if not re.match(r"--(no-|empty-|own-recipe\.empty-)", one)]


def all_commands() -> Iterator[str]:
    yield from (name for name in app if not name.startswith("-"))


@pytest.mark.parametrize("command", sorted(all_commands()))
def test_a_page_of_help_has_twenty_options_at_most(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, command, "--help")
    assert 0 <= len(options(text)) <= MOST_OPTIONS
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.startswith(f"Usage: hw3 {command}")
    own = {"check": {"--output"}, "drift": {"--reference", "--new"}, "predict": {"--model", "--run", "--output"}}
    assert own.get(command, set()) <= set(options(text))


@pytest.mark.parametrize("command", STUDIES)
def test_the_options_of_a_study_are_in_groups_and_the_rest_is_behind_help_all(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short, whole = (shown(monkeypatch, capsys, command, one) for one in ("--help", "--help-all"))
    assert [title for title in GROUPS if f"─ {title} ─" in short] == list(GROUPS)
    assert "--own-recipe" not in short
    hidden = re.search(r"(?m)^(\d+) more options: --help-all$", short)
    assert hidden
    assert len(options(whole)) == len(options(short)) + int(hidden[1])
    assert {"--own-recipe.learning-rate", "--precision", "--difficulty"} <= set(options(whole))
    assert "more options" not in whole


def test_every_command_stands_in_a_group_and_hw3_alone_says_where_to_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {name for names in COMMANDS.values() for name in names} == set(all_commands())
    text = shown(monkeypatch, capsys, "--help")
    assert [title for title in COMMANDS if f"─ {title} ─" in text] == list(COMMANDS)
    assert shown(monkeypatch, capsys) == f"{BEGIN}\n"
    assert all(len(line) <= 80 for line in BEGIN.splitlines())
    assert len(BEGIN.splitlines()) <= 20


@pytest.mark.parametrize(("size", "trials"), [("small", 5), ("medium", 20), ("large", 60), ("7", 7)])
def test_a_search_has_a_size_or_a_number(size: str, trials: int) -> None:
    _command, bound, _ = app.parse_args(
        ["sequences", "regime:order", "--tune", size], exit_on_error=False, print_error=False
    )
    assert bound.arguments["study"].tune == trials
    assert bound.arguments["study"].trials == trials
    assert bound.arguments["study"].fingerprint() == StudySpec(tune=trials).fingerprint()


def test_a_size_that_there_is_not_is_refused() -> None:
    with pytest.raises((SpecError, ValueError), match="small"):
        StudySpec.model_validate({"tune": "huge"})


def test_the_list_of_families_is_json_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.loads(shown(monkeypatch, capsys, "families", "--json"))
    assert {"family", "data", "recipe", "parameters", "for"} <= set(rows[0])
    assert {(row["family"], row["data"]) for row in rows} >= {("cnn", "images"), ("rocket", "sequences")}


def test_help_about_pictures_shows_what_pictures_need_and_no_columns_of_series(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of_pictures, of_series = (set(options(shown(monkeypatch, capsys, one, "--help"))) for one in STUDIES[1::-1])
    assert {"--image-size", "--group-from", "--skip-unreadable"} <= of_pictures - of_series
    assert {"--sample-column", "--time-column", "--missing"} <= of_series - of_pictures
