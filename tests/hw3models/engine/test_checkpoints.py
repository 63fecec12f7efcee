"""Trainings that are cut off go on where they were, to the same bits."""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from hw3models.engine.checkpoints import Checkpoints, Saved
from hw3models.engine.fit import EpochReport, FitResult, fit
from hw3models.families import FAMILIES, Network
from hw3models.specs import DataSpec, TrainSpec
from tests.forked import FORKS
from tests.tiny import narrow, quick_recipe, tiny_dataset

NETWORKS = [f for kind in FAMILIES.values() for f in kind.values() if isinstance(f, Network)]
RECIPE = quick_recipe(
    dropout=0.3, jitter=0.1, scale=0.1, shift_steps=0.1, mixup=0.4, shift_pixels=1, select="best", epochs=6
)


class Cut(Exception):  # noqa: N818
    """Stands for whatever ends a process."""


def trained(
    family: Network, checkpoints: Callable[[Sequence[int]], Checkpoints] | None, *, cut_after: int | None = None
) -> tuple[FitResult, list[EpochReport]]:
    heard: list[EpochReport] = []

    def on_epoch(report: EpochReport) -> None:
        heard.append(report)
        if report.epoch == cut_after:
            raise Cut

    spec = TrainSpec(
        data=DataSpec(), family=family.name, seeds=(3, 8), recipe=narrow(RECIPE, family.name), device="cpu"
    )
    result = fit(tiny_dataset(family.kind), family, spec, on_epoch=on_epoch, checkpoints=checkpoints)
    return result, heard


def in_folder(folder: Path, seeds: Sequence[int], key: str = "same") -> Checkpoints:
    return Checkpoints(folder / "-".join(map(str, seeds)), key, every=0)


@pytest.mark.parametrize("family", NETWORKS, ids=[f"{f.kind}-{f.name}" for f in NETWORKS])
def test_a_training_that_was_cut_off_ends_as_one_that_was_not(family: Network, tmp_path: Path) -> None:
    whole, epochs = trained(family, None)
    with pytest.raises(Cut):
        trained(family, partial(in_folder, tmp_path), cut_after=4)
    resumed, heard = trained(family, partial(in_folder, tmp_path))
    assert whole.states.keys() == resumed.states.keys()
    for name, tensor in whole.states.items():
        assert torch.equal(tensor, resumed.states[name]), name
    assert resumed.epochs == whole.epochs
    assert resumed.best_seed == whole.best_seed
    by_seed = sorted(epochs, key=lambda report: (report.seeds, report.epoch))
    assert sorted(heard, key=lambda report: (report.seeds, report.epoch)) == by_seed


def test_finished_epochs_are_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = FAMILIES["sequences"]["mlp"]
    assert isinstance(family, Network)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # one group: then all are at the same epoch
    with pytest.raises(Cut):
        trained(family, partial(in_folder, tmp_path), cut_after=5)
    trained_epochs: list[int] = []
    from hw3models.engine.group import Group

    train_epoch = Group.train_epoch

    def counted(self, data, train, size, num_steps, epoch):  # type: ignore[no-untyped-def]
        trained_epochs.append(epoch)
        return train_epoch(self, data, train, size, num_steps, epoch)

    monkeypatch.setattr(Group, "train_epoch", counted)
    trained(family, partial(in_folder, tmp_path))
    assert trained_epochs == [6]


def saved(epoch: int) -> Saved:
    return Saved(epoch, {"x": torch.full((3,), float(epoch))}, {"note": "é <b>"})


def test_the_newest_two_are_kept_and_read_back_as_written(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "key")
    assert checkpoints.newest() is None
    for epoch in (1, 2, 3):
        checkpoints.save(saved(epoch))
    assert [path.name[:12] for path in sorted(tmp_path.iterdir())] == ["epoch-000002", "epoch-000003"]
    newest = checkpoints.newest()
    assert newest is not None
    assert (newest.epoch, newest.info) == (3, {"note": "é <b>"})
    assert torch.equal(newest.tensors["x"], torch.full((3,), 3.0))
    checkpoints.clear()
    assert not tmp_path.exists()


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "other bytes", "not there"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    checkpoints = Checkpoints(tmp_path, "key")
    checkpoints.save(saved(1))
    checkpoints.save(saved(2))
    newest = max(tmp_path.iterdir())
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    broken = {
        "truncated": bytes(content[:-3]),
        "one bit": bytes(content),
        "empty": b"",
        "other bytes": random.Random(0).randbytes(500),
    }
    if damage == "not there":
        newest.unlink()
    else:
        newest.write_bytes(broken[damage])
    found = checkpoints.newest()
    assert found is not None
    assert found.epoch == 1


def test_a_checkpoint_of_another_training_is_never_taken(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "mine").save(saved(1))
    assert Checkpoints(tmp_path, "another").newest() is None


def test_a_file_that_only_looks_like_a_checkpoint_is_passed_over(tmp_path: Path) -> None:
    """Whose digest is right and whose content is not: nothing of it is trusted, least of all unpickled."""
    import pickle

    for content in (pickle.dumps({"a": 1}), (10**12).to_bytes(8, "little") + b"{}", b"\x02\0\0\0\0\0\0\0{}"):
        digest = hashlib.sha256(content).hexdigest()[:32]
        (tmp_path / f"epoch-000009-{digest}.safetensors").write_bytes(content)
    assert Checkpoints(tmp_path, "key").newest() is None


def train(folder: Path, paced_from: int, way: Connection) -> None:
    """In a process of its own. From an epoch on it says its number after each, and goes on when told to."""
    torch.set_num_threads(1)
    family = next(f for f in NETWORKS if f.name == "gru")
    recipe = RECIPE.model_copy(update={"epochs": 150})
    spec = TrainSpec(data=DataSpec(), family="gru", seeds=(3, 8), recipe=recipe, device="cpu")

    def on_epoch(report: EpochReport) -> None:
        if report.epoch >= paced_from:
            way.send(report.epoch)
            way.recv()

    result = fit(tiny_dataset("sequences"), family, spec, on_epoch=on_epoch, checkpoints=partial(in_folder, folder))
    digest = hashlib.sha256()
    for _, tensor in sorted(result.states.items()):
        digest.update(tensor.numpy().tobytes())
    way.send(digest.hexdigest())


@contextmanager
def training(folder: Path, paced_from: int) -> Iterator[Connection]:
    """Such a process, for as long as the block lasts."""
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=train, args=(folder, paced_from, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()


def run(folder: Path) -> str:
    """The digest of the parameters."""
    with training(folder, 1000) as way:
        return str(way.recv())


def newest(folder: Path) -> int:
    """The epoch of the last checkpoint; 0 where there is none."""
    return max((int(path.name.split("-")[1]) for path in folder.rglob("epoch-*.safetensors")), default=0)


def kill(folder: Path, epochs: int, moments: random.Random) -> None:
    """Go on for some epochs, each of which begins when it is told to; the process dies somewhere in the next one."""
    first = newest(folder) + 1
    with training(folder, first) as way:
        assert way.recv() == first
        for epoch in range(first + 1, first + 1 + epochs):
            start = time.perf_counter()
            way.send("go on")
            assert way.recv() == epoch
            seconds = time.perf_counter() - start
        way.send("go on")
        # It may be in the middle of an epoch, of its checkpoint, or at the end: never further.
        time.sleep(moments.uniform(0, 1.5 * seconds))


def killed_and_resumed(folder: Path, kills: int) -> str:
    """Killed at so many random moments, then left alone: the digest."""
    moments = random.Random(1)
    for _ in range(kills):
        kill(folder, moments.randint(1, 6), moments)
    assert kills < newest(folder) < 150, "each went on where the one before had been"
    return run(folder)


@pytest.mark.slow
def test_killed_trainings_end_with_the_same_bits(tmp_path: Path) -> None:
    assert killed_and_resumed(tmp_path / "killed", 3) == run(tmp_path / "whole")


@pytest.mark.servers
def test_trainings_killed_at_twenty_moments_end_with_the_same_bits(tmp_path: Path) -> None:
    assert killed_and_resumed(tmp_path / "killed", 20) == run(tmp_path / "whole")
