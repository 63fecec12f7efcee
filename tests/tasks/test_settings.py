from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.settings import Settings, settings


def test_mirrors_may_be_separated_by_spaces_or_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW3_MNIST_MIRRORS", "http://127.0.0.1:1/, http://127.0.0.1:2/ http://127.0.0.1:3/")
    assert Settings().mirrors == {
        "mnist": ("http://127.0.0.1:1/", "http://127.0.0.1:2/", "http://127.0.0.1:3/"),
    }


def test_without_settings_everything_is_kept_in_the_checkout_and_tracked_to_sqlite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HW3_HOME", raising=False)
    settings = Settings()
    assert (settings.home / "pyproject.toml").exists()
    assert settings.tracking_uri == f"sqlite:///{settings.home}/mlflow/store/mlflow.db"
    assert settings.mirrors == {}


def test_the_servers_keep_their_own_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    monkeypatch.setenv("HW3_HOME", str(tmp_path / "a" / ".." / "b"))
    settings = Settings()
    assert settings.tracking_uri == "http://127.0.0.1:5000"
    assert settings.prefect_api_url == "http://127.0.0.1:4200/api"
    assert settings.home == tmp_path / "b"


def test_a_time_out_must_be_positive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW3_DOWNLOAD_TIMEOUT", "-1")
    with pytest.raises(ValidationError, match="greater than 0"):
        Settings()


def test_settings_are_read_again_when_the_environment_or_the_folder_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HW3_HOME", "here")
    monkeypatch.chdir(tmp_path)
    before = settings()
    assert before == Settings()
    assert settings() is before
    changes = {"HW3_EXPERIMENT": "other", "hw3_silence": "7", "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    changes |= {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "HW3_TEMPORARY_SERVER": "http://127.0.0.1:4200/api"}
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
        assert settings() == Settings(), name
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert settings().home == tmp_path / "below" / "here"
    monkeypatch.setenv("HW3_CACHE", "~/kept")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings().cache == tmp_path / "kept"


def test_a_folder_that_was_deleted_does_not_matter_to_absolute_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HW3_HOME", str(tmp_path))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert settings().home == tmp_path
