"""The order of things: what is brought up after what, and taken down before what."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from prefect.exceptions import PrefectException

from flows.local.servers import fault_of
from flows.up import runs
from flows.up.databases import Databases, choose, create_missing
from flows.up.gpus import assign, visible_gpus
from flows.up.options import StartError, UpOptions
from flows.up.passwords import find_passwords
from flows.up.pools import ensure_pools, online
from flows.up.say import say, tell
from flows.up.schedules import read_switches, restore_switches
from flows.up.services import (
    CPU_POOL,
    GPU_POOL,
    Service,
    deployment,
    mlflow_server,
    prefect_server,
    worker_name,
    workers,
)
from flows.up.supervisor import Supervisor
from tasks.automations import HEARTBEAT, ensure_automations
from tasks.settings import Settings

READY = 180.0
"""Seconds that a server may take: the first start makes its database."""
_FAULTS = (httpx.HTTPError, PrefectException, OSError, RuntimeError)


@dataclass(frozen=True)
class Plan:
    """What will run."""

    options: UpOptions
    databases: Databases
    prefect: Service
    mlflow: Service
    deployment: Service
    workers: tuple[Service, ...]
    visible: tuple[str, ...]
    """GPUs."""


def make_plan(options: UpOptions, settings: Settings) -> Plan:
    """Everything that can be wrong before anything is started."""
    databases = choose(settings, os.environ)
    visible = visible_gpus(os.environ)
    passwords = find_passwords(options)
    return Plan(
        options,
        databases,
        prefect_server(options, databases, passwords),
        mlflow_server(options, databases, settings, passwords),
        deployment(options, settings, passwords),
        tuple(workers(options, settings, assign(visible, options.gpus), HEARTBEAT, passwords)),
        tuple(visible),
    )


def bring_up(plan: Plan, settings: Settings, supervisor: Supervisor) -> None:
    """Start what the plan names in order, each when the one before is ready."""
    gpus = sum(worker.pool == GPU_POOL for worker in plan.workers)
    visible = f"{len(plan.visible)} GPU{'' if len(plan.visible) == 1 else 's'} visible"
    tell("plan", f"two servers, {len(plan.workers) - gpus} CPU and {gpus} GPU workers ({visible})")
    for made in create_missing(settings, os.environ):
        tell("PostgreSQL", f"made the database {made}")
    (settings.store / "artifacts").mkdir(parents=True, exist_ok=True)
    _start_servers(plan, supervisor)
    try:
        with runs.client_of(plan.options.prefect_api_url) as client:
            paused = ensure_pools(client)
            tell("work pools", f"{CPU_POOL}, {GPU_POOL}" + (f"; PAUSED: {', '.join(paused)}" if paused else ""))
            tell("automations", ", ".join(f'"{name}"' for name in ensure_automations(client)))
            message = "Its worker was gone when `hw3 up` started again."
            for run in runs.close(client, cancelled=False, message=message):
                tell("left over", f"{runs.describe(run)} is Crashed")
    except _FAULTS as error:
        raise StartError(f"Prefect does not take the pools or automations: {error}") from error
    _deploy(plan, supervisor)
    _start_workers(plan, supervisor)


def take_down(plan: Plan, supervisor: Supervisor) -> None:
    """Runs, workers, MLflow, Prefect. Never raises: what is left is killed."""
    _end_runs(plan, supervisor)
    supervisor.stop(plan.workers)
    _close_runs(plan, supervisor)
    supervisor.stop([plan.mlflow])
    supervisor.stop([plan.prefect])
    supervisor.kill_everything()


def _start_servers(plan: Plan, supervisor: Supervisor) -> None:
    began = time.monotonic()
    waiting = [plan.prefect, plan.mlflow]
    for server, database in zip(waiting, plan.databases.told, strict=True):
        child = supervisor.start(server)
        assert child.process is not None
        tell(server.title, f"starts (pid {child.process.pid}), {database}")

    def all_ready() -> bool:
        for server in [one for one in waiting if supervisor.is_ready(one)]:
            waiting.remove(server)
            tell(server.title, f"ready ({time.monotonic() - began:.1f} s)")
        return not waiting

    supervisor.until(all_ready, "servers", READY)


def _deploy(plan: Plan, supervisor: Supervisor) -> None:
    began = time.monotonic()
    tell("deployments", "are made from prefect.yaml")
    with runs.client_of(plan.options.prefect_api_url) as client:
        before = read_switches(client)
        supervisor.run_once(plan.deployment, timeout=READY)
        for told in restore_switches(client, before):
            tell("deployments", told)
    tell("deployments", f"ready ({time.monotonic() - began:.1f} s)")


def _start_workers(plan: Plan, supervisor: Supervisor) -> None:
    if not plan.workers:
        tell("workers", "none")
        return
    began, since = time.monotonic(), datetime.now(UTC)
    for service in plan.workers:
        child = supervisor.start(service)
        assert child.process is not None
        tell(service.title, f"starts (pid {child.process.pid}){_devices(service)}")
    names = {worker_name(service) for service in plan.workers}

    def all_online() -> bool:
        with runs.client_of(plan.options.prefect_api_url) as client:
            return names <= online(client, since)

    supervisor.until(all_online, "workers", READY)
    tell("workers", f"{len(names)} online ({time.monotonic() - began:.1f} s)")


def _devices(service: Service) -> str:
    if service.pool != GPU_POOL:
        return ""
    visible = service.environment["CUDA_VISIBLE_DEVICES"]
    return f", GPU {visible}" if visible else ", WITHOUT A GPU: fewer are visible than workers were asked for"


def _end_runs(plan: Plan, supervisor: Supervisor) -> None:
    if not any(child.service.pool for child in supervisor.children.values()):
        return
    if fault := fault_of(plan.options.prefect_api_url):
        say(f"  Prefect could not be asked what runs ({fault}); runs on workers end with them.")
        return
    try:
        with runs.client_of(plan.options.prefect_api_url) as client:
            if not runs.cancel(client, patience=15):
                tell("runs", "some did not end within 15 s; they end with their workers")
    except _FAULTS as error:
        say(f"  Prefect could not be asked what runs ({error}); runs on workers end with them.")


def _close_runs(plan: Plan, supervisor: Supervisor) -> None:
    if not any(child.service.pool for child in supervisor.children.values()) or fault_of(plan.options.prefect_api_url):
        return
    try:
        with runs.client_of(plan.options.prefect_api_url) as client:
            for run in runs.close(client, cancelled=True, message="`hw3 up` was stopped."):
                tell("ended", runs.describe(run))
    except _FAULTS:
        return  # said before; the next `hw3 up` closes them
