from collections.abc import Callable

import pytest

from hw3models.specs import PlacementWish
from tasks.placement.decision import Decision, decide, for_family
from tasks.placement.pools import PoolState

GPU = PoolState("hw3-gpu", True, "the pool hw3-gpu has a worker that asked 1 s ago")
NO_GPU = PoolState("hw3-gpu", False, "the pool hw3-gpu is paused")


def pools(gpu: PoolState) -> Callable[[str], PoolState]:
    return lambda wish: gpu if wish == "gpu" else PoolState("hw3-cpu", True, "the pool hw3-cpu has a worker")


def choose(
    wish: PlacementWish,
    *,
    gpu: PoolState = GPU,
    device: str = "auto",
    server: str | None = "http://127.0.0.1:4200/api",
    obstacle: str | None = None,
) -> Decision:
    return decide(wish, device=device, server=server, obstacle=obstacle, examine=pools(gpu))


def test_auto_takes_the_gpu_pool_when_it_is_available_and_this_process_otherwise() -> None:
    assert choose("auto") == Decision("auto", "gpu", "hw3-gpu", GPU.reason)
    assert choose("auto", gpu=NO_GPU) == Decision("auto", None, "here", "the pool hw3-gpu is paused")


def test_here_asks_no_server() -> None:
    def never(_: str) -> PoolState:
        raise AssertionError("asked")

    decision = decide("here", device="auto", server="http://127.0.0.1:4200/api", obstacle=None, examine=never)
    assert decision.where == "here"


def test_who_insists_on_a_pool_waits_in_its_queue_even_if_nobody_is_there_now() -> None:
    decision = choose("gpu", gpu=NO_GPU)
    assert (decision.deployment, decision.possible, decision.may_come_back) == ("gpu", True, False)
    assert choose("cpu").where == "hw3-cpu"


@pytest.mark.parametrize("wish", ["gpu", "cpu"])
def test_without_a_server_a_pool_is_impossible_and_auto_stays_here(wish: PlacementWish) -> None:
    assert choose("auto", server=None).where == "here"
    decision = choose(wish, server=None)
    assert not decision.possible
    assert "PREFECT_API_URL" in decision.reason


def test_a_store_that_only_this_machine_sees_keeps_trainings_here() -> None:
    assert choose("auto", obstacle="MLflow is no server").reason == "MLflow is no server"
    assert not choose("gpu", obstacle="MLflow is no server").possible


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_a_device_of_this_machine_is_no_reason_to_go_to_a_gpu_pool(device: str) -> None:
    assert choose("auto", device=device).reason == f"`device` is {device}"
    assert choose("auto", device="cuda").where == "hw3-gpu"


def test_baselines_never_go_to_a_gpu_but_do_go_to_the_cpu_pool() -> None:
    assert for_family(choose("auto"), "sequences", "minirocket").where == "here"
    assert for_family(choose("gpu"), "sequences", "majority").where == "here"
    assert for_family(choose("auto"), "sequences", "lstm").where == "hw3-gpu"
    assert for_family(choose("cpu"), "sequences", "minirocket").where == "hw3-cpu"
