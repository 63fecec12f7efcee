"""What MLflow's clients of ours are told by environment variables. Importing this loads no MLflow."""

from collections.abc import MutableMapping

CLIENT = {
    # It would start a thread on import, which races `os.environ`.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Otherwise a client blocks for minutes on a server that is away.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # A server that is busy may ask for minutes, before anything is said; how long is waited is `patience.py`'s to say.
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # With a server it would print to stdout, which is for answers.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def set_mlflow_defaults(environment: MutableMapping[str, str]) -> None:
    """Set what is not set, before MLflow is imported. What the user has set stays."""
    for name, value in CLIENT.items():
        environment.setdefault(name, value)
