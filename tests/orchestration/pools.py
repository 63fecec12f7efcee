"""Pools, deployments and workers of a stack, and what tests ask about them."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.servers import wait_until
from tests.stack import Stack

REPOSITORY = Path(__file__).resolve().parents[2]


def api(stack: Stack, path: str, body: object | None = None, *, method: str = "POST") -> httpx.Response:
    """Prefect's REST interface, without its client. On SQLite its server says 503 while it is busy: asked again."""
    address = f"{stack.environment['PREFECT_API_URL']}{path}"
    end = time.monotonic() + 120
    while True:
        with suppress(httpx.TimeoutException):
            answer = httpx.request(method, address, json=body, timeout=30)
            if answer.status_code != 503 or time.monotonic() > end:
                return answer
        assert time.monotonic() < end, f"{address} does not answer"
        time.sleep(1)


def deploy(stack: Stack, pools: tuple[str, ...] = ("hw3-cpu", "hw3-gpu")) -> None:
    """Pools, and everything in prefect.yaml."""
    for pool in pools:
        made = stack.command("-m", "prefect", "work-pool", "create", pool, "--type", "process")
        assert made.returncode == 0, made.stderr + made.stdout
    deployed = stack.command(
        "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(REPOSITORY / "prefect.yaml")
    )
    assert deployed.returncode == 0, deployed.stderr + deployed.stdout


def workers(stack: Stack, pool: str) -> dict[str, str]:
    """Name -> status."""
    found = api(stack, f"/work_pools/{pool}/workers/filter", {})
    return {worker["name"]: worker["status"] for worker in found.json()}


def wait_for_worker(stack: Stack, pool: str, name: str) -> None:
    """Until it is online and has asked its queue for work."""
    wait_until(lambda: workers(stack, pool).get(name) == "ONLINE", f"{name} is online")
    wait_until(
        lambda: any(queue["last_polled"] for queue in api(stack, f"/work_pools/{pool}/queues/filter", {}).json()),
        f"{name} asks for work",
    )


def end_workers(stack: Stack, pool: str) -> None:
    """Those that earlier tests have left running: nobody serves the pool now."""
    for program in stack.programs:
        arguments = program.process.args
        if isinstance(arguments, list) and pool in arguments and program.process.poll() is None:
            program.end()


def flow_runs(stack: Stack, *, flow: str) -> list[dict[str, Any]]:
    """Flow runs of a flow, newest first."""
    body = {"sort": "EXPECTED_START_TIME_DESC", "limit": 200, "flows": {"name": {"any_": [flow]}}}
    return list(api(stack, "/flow_runs/filter", body).json())


def child_of(stack: Stack, run_id: str) -> dict[str, Any]:
    """The flow run on a pool that trains for an MLflow run."""
    [child] = [one for one in flow_runs(stack, flow="train") if one["parameters"]["spec"]["run_id"] == run_id]
    return child


def state_of(stack: Stack, flow_run_id: str) -> str:
    """Such as `COMPLETED`."""
    return str(api(stack, f"/flow_runs/{flow_run_id}", method="GET").json()["state_type"])
