"""deploy/kubernetes: manifests against Kubernetes' own schemas, job templates through Prefect's own worker classes."""

import asyncio
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.client.schemas.objects import FlowRun

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = [*KUSTOMIZATION["resources"], "secret.example.yaml"]
VERSIONS = ("1.30", kubernetes_validate.latest_version())


def objects(*names: str) -> Iterator[dict[str, Any]]:
    for name in names or MANIFESTS:
        yield from yaml.safe_load_all((FOLDER / name).read_text())


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod of everything that runs some, runs of both pools included."""
    for each in objects():
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]
    for kind in ("cpu", "gpu"):
        yield f"run-{kind}", job(kind)["spec"]["template"]


def job(kind: str, **variables: Any) -> dict[str, Any]:
    """The job that a worker of the pool would make for a run of the deployment train/`kind`."""
    from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

    (deployment,) = (each for each in deployments() if each["name"] == kind)
    run = FlowRun(flow_id=uuid.uuid4(), name="train-lstm-order")

    async def make() -> KubernetesWorkerJobConfiguration:
        made = await KubernetesWorkerJobConfiguration.from_template_and_values(
            base_job_template=template(kind),
            values=deployment["work_pool"]["job_variables"] | variables,
            client=object(),  # asked only where the template names blocks
        )
        made.prepare_for_flow_run(run)
        return made

    return asyncio.run(make()).job_manifest


def template(kind: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{kind}-job-template.json").read_text())  # type: ignore[no-any-return]


def deployments() -> list[dict[str, Any]]:
    return yaml.safe_load((FOLDER / "prefect.yaml").read_text())["deployments"]  # type: ignore[no-any-return]


def check(manifest: dict[str, Any]) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_accepts_every_manifest(name: str) -> None:
    for each in objects(name):
        check(each)
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "hw3"


def test_kubernetes_refuses_an_unknown_field() -> None:
    (broken,) = objects("set-up.yaml")
    broken["spec"]["template"]["spec"]["containers"][0]["readOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnly"):
        check(broken)


def test_every_file_is_named_by_the_kustomization_or_is_known_not_to_be() -> None:
    apart = {"kustomization.yaml", "prefect.yaml", "secret.example.yaml", "secret.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} - apart == set(KUSTOMIZATION["resources"])


def test_kustomize_ties_them_together() -> None:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("needs kubectl with kustomize 3.5 or later")
    done = subprocess.run([program, "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(list(objects(*KUSTOMIZATION["resources"])))
    for each in built:
        check(each)


def test_secrets_come_from_secrets_and_the_example_holds_none() -> None:
    examples = {each["metadata"]["name"]: each["stringData"] for each in objects("secret.example.yaml")}
    for values in examples.values():
        assert all("REPLACE-ME" in value for value in values.values())
    for name in ("prefect", "mlflow"):
        (server,) = (each for each in objects(f"{name}-server.yaml") if each["kind"] == "Deployment")
        (container,) = server["spec"]["template"]["spec"]["containers"]
        (source,) = container["envFrom"]
        assert source["secretRef"]["name"] in examples
        assert not {pair["name"] for pair in container["env"]} & set(examples[source["secretRef"]["name"]])


def test_workers_may_make_jobs_in_their_namespace_and_nothing_else() -> None:
    kinds = {each["kind"] for each in objects("rbac.yaml")}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding"}
    (role,) = (each for each in objects("rbac.yaml") if each["kind"] == "Role")
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert resources == {"jobs", "pods", "pods/log", "pods/status", "events"}
    assert not [rule for rule in role["rules"] if "*" in rule["verbs"] + rule["resources"] + rule["apiGroups"]]


def test_only_workers_have_a_token_of_the_cluster() -> None:
    with_token = [name for name, pod in pods() if pod["spec"]["automountServiceAccountToken"]]
    assert with_token == ["worker-cpu", "worker-gpu"]


def test_every_pod_would_pass_the_restricted_standard() -> None:
    for name, pod in pods():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["enableServiceLinks"] is False, f"{name}: MLFLOW_PORT=tcp://..."
        assert all("emptyDir" in volume for volume in spec["volumes"]), f"{name}: no disk is shared"
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name
            writable = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/tmp", "/var/lib/hw3", "/var/cache/hw3"} <= writable, name


def test_servers_and_workers_say_how_they_are() -> None:
    for each in objects():
        if each["kind"] == "Deployment":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            ports = {port["name"] for port in container["ports"]}
            for probe in ("startupProbe", "livenessProbe"):
                assert container[probe]["httpGet"]["port"] in ports


def test_services_and_network_policies_find_the_pods_that_they_mean() -> None:
    parts = {pod["metadata"]["labels"]["hw3.part"] for _, pod in pods()}
    named: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("key") == "hw3.part":
                named.update(value["values"])
            if "hw3.part" in value:
                named.add(value["hw3.part"])
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    for each in objects():
        if each["kind"] in ("Service", "NetworkPolicy"):
            collect(each["spec"])
    assert named == parts
    services = {each["metadata"]["name"] for each in objects() if each["kind"] == "Service"}
    assert services == {"prefect", "mlflow"}


def test_the_job_templates_are_those_of_the_integration_with_our_changes() -> None:
    from deploy.kubernetes import job_templates

    for kind in ("cpu", "gpu"):
        assert template(kind) == job_templates.template(kind), "run deploy/kubernetes/job_templates.py again"


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_a_worker_would_make_a_job_that_kubernetes_accepts(kind: str) -> None:
    made = job(kind)
    pod = made["spec"]["template"]["spec"]
    # The integration insists on these two in the pod; Kubernetes' API drops them with a warning.
    assert (pod.pop("parallelism"), pod.pop("completions")) == (1, 1)
    check(made)
    assert made["metadata"]["namespace"] == "hw3"
    assert made["metadata"]["generateName"] == "train-lstm-order-"
    assert made["spec"]["backoffLimit"] == 0
    assert made["spec"]["ttlSecondsAfterFinished"] == 3600
    assert pod["serviceAccountName"] == "hw3-run"
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["image"] == "hw3:0.1.0"
    environment = {pair["name"]: pair["value"] for pair in container["env"]}
    assert environment["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert environment["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] == "false"
    assert environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert made["spec"]["template"]["metadata"]["labels"]["hw3.part"] == "run"


def test_a_gpu_run_has_one_gpu_and_a_cpu_run_none() -> None:
    gpu, cpu = job("gpu")["spec"]["template"]["spec"], job("cpu")["spec"]["template"]["spec"]
    assert gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert gpu["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert gpu["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert "nvidia.com/gpu" not in cpu["containers"][0]["resources"]["limits"]
    assert not cpu["nodeSelector"]
    assert not cpu["tolerations"]


def test_a_deployment_may_change_the_variables() -> None:
    pod = job("gpu", gpus=2, node_selector={"zone": "b"}, env={"HW3_EXPERIMENT": "night"}, image="r.example/hw3:2")
    spec = pod["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert spec["nodeSelector"] == {"zone": "b"}
    assert spec["containers"][0]["image"] == "r.example/hw3:2"
    environment = {pair["name"]: pair["value"] for pair in spec["containers"][0]["env"]}
    assert environment["HW3_EXPERIMENT"] == "night"
    assert environment["MLFLOW_TRACKING_URI"] == "http://mlflow:5000", "the template's own variables stay"
