"""Writes cpu-job-template.json and gpu-job-template.json, from the default template of Prefect's own integration.

python deploy/kubernetes/job_templates.py        # needs the packages of deploy/requirements.txt
"""

import json
from pathlib import Path
from typing import Any

from prefect_kubernetes.worker import KubernetesWorker

HERE = Path(__file__).parent
ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": "http://mlflow:5000",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    # Through MLflow's server: otherwise clients fetch from the object store itself, which network.yaml forbids.
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "PREFECT_API_URL": "http://prefect:4200/api",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "30000",
}
WRITABLE = {"tmp": "/tmp", "home": "/var/lib/hw3", "cache": "/var/cache/hw3"}  # noqa: S108


def template(kind: str) -> dict[str, Any]:
    """The base job template of the pool hw3-cpu or hw3-gpu."""
    made: dict[str, Any] = KubernetesWorker.get_default_base_job_template()
    variables = made["variables"]["properties"]
    for name, default in {
        "image": "hw3:0.1.0",
        "namespace": "hw3",
        "service_account_name": "hw3-run",
        "env": ENVIRONMENT,
        "finished_job_ttl": 3600,
        # Time for a node to start and to pull an image of several GB.
        "pod_watch_timeout_seconds": 900,
        "cpu_request": "2",
        "cpu_limit": "4",
        "memory_request": "4Gi",
        "memory_limit": "8Gi",
    }.items():
        variables[name]["default"] = default
    variables["node_selector"] = {
        "title": "Node Selector",
        "description": "Labels of the nodes that may run the job.",
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {},
    }
    variables["tolerations"] = {
        "title": "Tolerations",
        "description": "Taints of nodes that the job does not mind.",
        "type": "array",
        "items": {"type": "object"},
        "default": [],
    }
    manifest = made["job_configuration"]["job_manifest"]
    pod = manifest["spec"]["template"]
    # The network policies and `kubectl get -l` go by it.
    pod["metadata"] = {"labels": {"hw3.part": "run"}}
    _harden(pod["spec"])
    if kind == "gpu":
        _add_gpu(variables, pod["spec"])
    return made


def _harden(spec: dict[str, Any]) -> None:
    spec |= {
        "automountServiceAccountToken": False,
        # A service called mlflow would set MLFLOW_PORT=tcp://..., which MLflow takes for its own.
        "enableServiceLinks": False,
        "nodeSelector": "{{ node_selector }}",
        "tolerations": "{{ tolerations }}",
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [
            *({"name": name, "emptyDir": {}} for name in WRITABLE),
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        ],
    }
    container = spec["containers"][0]
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container["volumeMounts"] = [
        *({"name": name, "mountPath": path} for name, path in WRITABLE.items()),
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
    ]


def _add_gpu(variables: dict[str, Any], spec: dict[str, Any]) -> None:
    variables["gpus"] = {
        "title": "GPUs",
        "description": "GPUs of the container. A training uses one.",
        "type": "integer",
        "minimum": 1,
        "default": 1,
    }
    variables["node_selector"]["default"] = {"nvidia.com/gpu.present": "true"}
    variables["tolerations"]["default"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    variables["memory_limit"]["default"] = "16Gi"
    # An extended resource is only ever limited; its request is the same.
    spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "{{ gpus }}"


if __name__ == "__main__":
    for pool in ("cpu", "gpu"):
        (HERE / f"{pool}-job-template.json").write_text(json.dumps(template(pool), indent=2) + "\n")
