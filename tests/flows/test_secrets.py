"""Passwords in the environment appear in nothing that a study writes or says."""

from pathlib import Path

import pytest

from tests.flows.cli.test_cli import environment, hw3

__all__ = ["environment"]
SECRET = "s3cr3t-Zebra-91"
STUDY = (
    "sequences", "regime:locked", "--num-train", "100", "--num-test", "50", "--seeds", "2", "--epochs", "2",
    "--families", "mlp,majority",
)  # fmt: skip


@pytest.mark.servers  # three commands
def test_planted_passwords_are_found_nowhere(environment: dict[str, str], home: Path, tmp_path: Path) -> None:
    planted = environment | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_AUTH_STRING": f"admin:{SECRET}",
        "MLFLOW_TRACKING_USERNAME": "someone",
        "MLFLOW_TRACKING_PASSWORD": SECRET,
        "HW3_DATABASE_URL": f"postgresql://hw3:{SECRET}@127.0.0.1/hw3",
        # Nobody listens there: the error names the mirror.
        "HW3_MNIST_MIRRORS": f"http://user:{SECRET}@127.0.0.1:9/mnist/",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    done = hw3(planted, *STUDY)
    assert done.returncode == 0, done.stderr
    said = [done.stdout, done.stderr]
    refused = hw3(planted, "images", "mnist")
    assert refused.returncode == 1
    assert "127.0.0.1:9" in refused.stderr
    said += [refused.stdout, refused.stderr]
    looked = hw3(planted, "doctor")
    said += [looked.stdout, looked.stderr]
    assert not [text for text in said if SECRET in text]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "mlflow.db" for path in written)
    assert any(path.suffix == ".html" for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
