"""`fit`: S replicates of a family, by the strategy that suits family and device.

Replicate s of S is the same model as seed s trained alone: it has its own initialisation, order of examples
and noise (`rng`), its own gradient norm, its own best epoch (`selection`), and its own failure.

    S = replicates in a group, B = examples in a batch, K = classes
"""

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.data.resamples import drawn_from, split_of, tests_on_splits
from hw3models.data.training_sets import Redraw, training_set, training_sets
from hw3models.engine.batches import DeviceData, batch_size, num_epochs, steps_of
from hw3models.engine.chunked import ChunkedData, load_data, rows_at_once
from hw3models.engine.early_stopping import Selection
from hw3models.engine.group import Group, part_of
from hw3models.engine.layouts import built, proved_layout
from hw3models.engine.out_of_memory import MemoryPlan, is_out_of_memory, release
from hw3models.engine.precision import FLOAT32, Precision, pick_precision, products
from hw3models.engine.strategies import Strategy, faster
from hw3models.errors import SpecError, TrainingError
from hw3models.families.family import Architecture, Network
from hw3models.nn.proof import Proof
from hw3models.nn.rng import ReplicateRng, derived_seed
from hw3models.nn.stacking import State, stack_states
from hw3models.runtime.cores import Cores, cores_of
from hw3models.runtime.devices import num_threads, one_thread, pick_device, threads_that_follow
from hw3models.specs import Goal, Recipe, ReplicateFailure, Resampling, TrainSpec

if TYPE_CHECKING:
    # Loaded only where checkpoints are kept: it needs safetensors, and training alone does with torch.
    from hw3models.engine.checkpoints import Checkpoints, Saved


@dataclass(frozen=True)
class EpochReport:
    """What an observer hears after each epoch of a group of replicates; tuples are in the order of `seeds`."""

    epoch: int
    num_epochs: int
    seeds: tuple[int, ...]
    running: tuple[bool, ...]
    """False for replicates that had stopped or failed before this epoch."""
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...] | None
    validation_accuracy: tuple[float, ...] | None
    learning_rate: float
    """At the epoch's last step."""
    validation_balanced_accuracy: tuple[float, ...] | None = None
    validation_macro_f1: tuple[float, ...] | None = None

    def validation(self, goal: Goal) -> tuple[float, ...] | None:
        """What is watched, of each replicate."""
        values: tuple[float, ...] | None = getattr(self, f"validation_{goal}")
        return values


@dataclass(frozen=True)
class FitResult:
    """S trained replicates."""

    seeds: tuple[int, ...]
    """Seeds that were trained to the end."""
    states: State
    """Stacked state dict on the CPU, leading axis in the order of `seeds`."""
    epochs: tuple[EpochReport, ...]
    failures: tuple[ReplicateFailure, ...]
    best_seed: int
    """Lowest validation loss; training loss where there is no validation split."""
    seconds: float
    strategy: Strategy
    precision: Precision
    device: torch.device
    reason: str = ""
    """Why it is not the strategy that was wished for, or measured to be the fastest."""
    chunk: int | None = None
    """Examples that were in memory at once; None: all."""
    notes: tuple[str, ...] = ()
    """What did not go as planned, such as for want of memory."""


@dataclass(frozen=True)
class _Job:
    """What all groups of one training share."""

    split: Callable[[Group], "_Loaded"]
    """The data as a group sees them, on the device."""
    resampling: Resampling
    redraw: Redraw
    device: torch.device
    recipe: Recipe
    on_epoch: Callable[[EpochReport], None]
    checkpoints: Callable[[Sequence[int]], "Checkpoints"] | None
    """Checkpoints of the group with these seeds."""
    on_free_core: Callable[[], None]
    threads: set[int]
    """Numbers of threads that operations of a single program had are added."""
    goal: Goal = "loss"
    """What the best epoch is chosen by."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when another group raised: the threads end after their epoch."""


def fit(
    dataset: Dataset,
    family: Network,
    spec: TrainSpec,
    *,
    on_epoch: Callable[[EpochReport], None] = lambda _: None,
    dtype: torch.dtype = torch.float32,
    checkpoints: Callable[[Sequence[int]], "Checkpoints"] | None = None,
    on_free_core: Callable[[], None] = lambda: None,
    redraw: Redraw = training_set,
) -> FitResult:
    """Train one replicate per seed of `spec` on `dataset`'s training split.

    `on_epoch` hears of every epoch of every group (from worker threads when replicates are separate); an
    exception that it raises ends the training. Deterministic for a seed on a device.

    `on_free_core` is called when a core has nothing to do, or nothing left, of this training while others have (from a
    worker thread): five replicates on two cores leave one of them free for a third of the time.

    With `checkpoints` (those of each group of seeds) it goes on from the newest, to the same bits on the same device;
    `on_epoch` then hears of the earlier epochs again.

    Out of memory it begins again with fewer replicates at once, which `notes` say.

    With `resampling: training` each replicate is trained on what `redraw` draws for its seed, as many for all.

    Raises:
        SpecError: the wanted device is not there, or training sets are to be redrawn from data that are read in chunks.
        TrainingError: every replicate failed, or one alone does not fit into memory; the message names seeds, epochs
            and what to try.
    """
    device = pick_device(spec.device)
    wish = pick_strategy(spec, family, device, architecture_for(family, dataset, spec), len(dataset.train))
    strategy, proof, why = grant_strategy(wish, dataset, family, spec)
    precision, said = pick_precision(spec, family, device)
    if dtype != torch.float32:
        # Whoever asks for another type wants its numbers, not speed.
        precision, said = FLOAT32, ""
    start = time.perf_counter()
    threads = num_threads() if device.type == "cpu" else 1
    groups = tuple(split_seeds(spec.seeds, strategy, threads))
    plan: MemoryPlan | None = MemoryPlan(groups, min(len(groups), threads))
    training = _Training(
        dataset, family, spec, device, dtype, precision, proof, _once(on_epoch), checkpoints, on_free_core, redraw
    )
    notes = [said] if said else []
    while plan is not None:
        try:
            # Nothing of a failed try may stay in a variable here: its memory is what the next one needs.
            with products(device, tf32=precision.tf32):
                result = _gather(
                    _run_groups(*training.prepared(plan)), spec, strategy=strategy, precision=precision, device=device
                )
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = " ".join(str(error).split())[:200]
        else:
            chunk = rows_at_once(dataset, _memory_bytes(spec, plan), precision.kept(dtype))
            notes += _about_threads(training.threads, threads, training.replicate())
            return replace(result, chunk=chunk, notes=tuple(notes), reason=why, seconds=time.perf_counter() - start)
        # Out here the error's traceback is gone, too.
        release(device)
        failed, plan = plan, plan.smaller()
        notes.append(f"out of memory with {failed}; went on with {plan} ({reason})")
    raise TrainingError(
        f"one replicate of {family.name} alone does not fit into memory ({reason}): take a smaller batch_size, fewer "
        "hidden units, or a machine with more memory."
    )


def _about_threads(taken: set[int], most: int, model: nn.Module) -> list[str]:
    """What is said of a single program that had fewer threads than there are, for others used the cores.

    Products of matrices are the same on any number of threads. Gradients of convolutions and of layer normalisation are
    summed in as many parts as there are threads, and nobody knows of layers from outside.
    """
    exact = (nn.Linear, nn.LSTM, nn.GRU, nn.BatchNorm1d, nn.BatchNorm2d)
    learning = [one for one in model.modules() if list(one.parameters(recurse=False))]
    if taken <= {most} or all(isinstance(one, exact) for one in learning):
        return []
    told = f"{min(taken)} to {max(taken)}" if len(taken) > 1 else f"{min(taken)}"
    return [
        f"trained on {told} of {most} cores, as others left them free; the last bits of its gradients depend on that"
    ]


def _once(on_epoch: Callable[[EpochReport], None]) -> Callable[[EpochReport], None]:
    """An observer that hears of an epoch of a replicate once, though the training may have begun again."""
    heard: set[tuple[int, int]] = set()
    lock = threading.Lock()

    def hear(report: EpochReport) -> None:
        with lock:
            new = {(seed, report.epoch) for seed in report.seeds} - heard
            heard.update(new)
        if new:
            on_epoch(report)

    return hear


@dataclass(frozen=True)
class _Training:
    """What is trained, on what, and who hears of it; the same however many replicates run at once."""

    dataset: Dataset
    family: Network
    spec: TrainSpec
    device: torch.device
    dtype: torch.dtype
    precision: Precision
    proof: Proof
    on_epoch: Callable[[EpochReport], None]
    checkpoints: Callable[[Sequence[int]], "Checkpoints"] | None
    on_free_core: Callable[[], None]
    redraw: Redraw
    threads: set[int] = field(default_factory=set)
    """Numbers of threads that operations of a single program had."""

    def replicate(self) -> nn.Module:
        """A plain module of the first seed."""
        return build_replicate(self.family, self.dataset, self.spec, self.spec.seeds[0])

    def prepared(self, plan: MemoryPlan) -> tuple[_Job, list[Callable[[], Group]], int]:
        """What makes the plan's groups, as they are before their first step, and how many train side by side."""
        spec, family = self.spec, self.family
        recipe = spec.recipe or family.recipe
        # Built one after another before any thread starts: initialisation borrows torch's global generator.
        models = {seed: build_replicate(family, self.dataset, spec, seed).to(self.dtype) for seed in spec.seeds}
        in_bf16 = self.precision.computes_in_bf16

        def made(seeds: tuple[int, ...]) -> Group:
            rng = ReplicateRng([drawn_from(spec.resampling, s) for s in seeds], self.device)
            own = [models.pop(s) for s in seeds]
            return Group(seeds, own, recipe, family.objective, rng, in_bf16, self.proof)

        load = partial(
            load_data,
            device=self.device,
            dtype=self.dtype,
            pixels=family.objective.needs_pixels,
            kept=self.precision.kept(self.dtype),
            memory_bytes=_memory_bytes(spec, plan),
        )
        split = _splits(self.dataset, spec.resampling, load)
        job = _Job(
            split,
            spec.resampling,
            self.redraw,
            self.device,
            recipe,
            self.on_epoch,
            self.checkpoints,
            self.on_free_core,
            self.threads,
            spec.goal,
        )
        # Made when they begin and forgotten when they end: gradients and moments are most of what a training holds.
        return job, [partial(made, seeds) for seeds in plan.groups], plan.at_once


def _memory_bytes(spec: TrainSpec, plan: MemoryPlan) -> int:
    """Bytes of examples, for each program."""
    return (spec.memory_mb << 20) // plan.at_once


_Loaded = tuple[Dataset, DeviceData | ChunkedData]


def _splits(
    dataset: Dataset, resampling: Resampling, load: Callable[[Dataset], DeviceData | ChunkedData]
) -> Callable[[Group], _Loaded]:
    """One split for all, kept on the device; or each group's own, which lives as long as the group trains.

    Data that are read in chunks are each group's own as well: it is its own chunk that a group is at.
    """
    if not tests_on_splits(resampling):
        everything = load(dataset)
        if isinstance(everything, DeviceData):
            return lambda _: (dataset, everything)
        if resampling == "training":
            # A chunk holds other numbers of each replicate's examples: their steps would not be of one size.
            raise SpecError(
                "`resampling: training` draws a training set for each replicate, and these data are read in chunks, "
                "which all replicates share. Raise `memory_mb` until they fit, or use `resampling: seed`."
            )
        return lambda _: (dataset, load(dataset))

    def own(group: Group) -> _Loaded:
        (seed,) = group.seeds
        split = split_of(dataset, resampling, seed)
        return split, load(split)

    return own


def pick_strategy(
    spec: TrainSpec, family: Network, device: torch.device, like: Architecture, num_train: int
) -> Strategy:
    """The spec's own wish, else what is faster for the family and so many training examples on the device."""
    if tests_on_splits(spec.resampling):
        # Each replicate has examples of its own, scaled in its own way.
        return "separate"
    if spec.strategy != "auto":
        return spec.strategy
    model = None if family.origin is None or len(spec.seeds) == 1 else built(family, like, 0)
    return faster(device.type, family.kind, family.name, model, num_train=num_train)


def grant_strategy(wish: Strategy, dataset: Dataset, family: Network, spec: TrainSpec) -> tuple[Strategy, Proof, str]:
    """The strategy that was proved to give the same replicates, what is proved, and why it is not the one wished for.

    Raises:
        SpecError: the family cannot be trained in replicates at all.
    """
    layouts: tuple[Literal["stacked", "vmap"], ...] = ("stacked", "vmap")
    if wish == "separate" or len(spec.seeds) == 1:
        layouts = ()
    elif wish == "vmap":
        layouts = ("vmap",)
    like = architecture_for(family, dataset, spec)
    proof = proved_layout(family, like, has_lengths=dataset.lengths is not None, layouts=layouts)
    if not layouts:
        return wish, proof, ""
    granted: Strategy = {"stacked": wish, "vmap": "vmap", "plain": "separate"}[proof.layout]
    if granted == wish:
        return wish, proof, ""
    return granted, proof, "; ".join(proof.reasons)


def split_seeds(seeds: tuple[int, ...], strategy: Strategy, threads: int) -> list[tuple[int, ...]]:
    """Which seeds train as one program: all, as many programs as threads, or each seed its own."""
    if strategy == "separate":
        return [(seed,) for seed in seeds]
    num = min(threads, len(seeds)) if strategy == "split" else 1
    return [seeds[i * len(seeds) // num : (i + 1) * len(seeds) // num] for i in range(num)]


def build_replicate(family: Network, dataset: Dataset, spec: TrainSpec, seed: int) -> nn.Module:
    """The plain module of `seed`, freshly initialised on the CPU; torch's global generator stays as it was."""
    own = derived_seed(drawn_from(spec.resampling, seed), "initialisation")
    return built(family, architecture_for(family, dataset, spec), own)


def architecture_for(family: Network, dataset: Dataset, spec: TrainSpec) -> Architecture:
    """What a replicate of the training is built like."""
    recipe = spec.recipe or family.recipe
    return Architecture(
        shape=dataset.features.shape[1:],
        num_classes=dataset.num_classes,
        dropout=recipe.dropout,
        latent_dim=spec.latent_dim,
        hidden=recipe.hidden,
        depth=recipe.depth,
        width=recipe.width,
    )


_Finished = tuple[Selection, list[EpochReport]]


def _run_groups(job: _Job, groups: Sequence[Callable[[], Group]], at_once: int) -> list[_Finished]:
    """One after another here; or several over the cores, one thread each (torch's kernels release Python's lock)."""
    if job.device.type != "cpu" or 1 < at_once < num_threads():
        # From the beginning: a GPU's programs take one core, and there are fewer programs than cores.
        job.on_free_core()
    if job.device.type != "cpu":
        return [_train(job, group, nullcontext) for group in groups]
    with cores_of(num_threads()) as cores:
        if at_once == 1:
            with threads_that_follow(cores, job.threads) as follow:
                return [_train(job, group, partial(_after, follow)) for group in groups]
        return _run_beside(job, groups, at_once, cores)


@contextmanager
def _after(first: Callable[[], None]) -> Iterator[None]:
    first()
    yield


def _run_beside(job: _Job, groups: Sequence[Callable[[], Group]], at_once: int, cores: Cores) -> list[_Finished]:
    """Several at once, one thread each; an epoch waits for its turn where there are fewer cores just now."""
    with one_thread(), ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        # What is told of an epoch is told as the caller would: a log finds the server that was set for it alone.
        futures = [pool.submit(copy_context().run, _train, job, group, cores.turn) for group in groups]
        for future in futures:
            future.add_done_callback(lambda _: _tell_of_free_core(job, futures, at_once))
        try:
            return [future.result() for future in futures]
        except BaseException:
            job.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _tell_of_free_core(job: _Job, futures: Sequence[Future[_Finished]], at_once: int) -> None:
    if 0 < sum(not future.done() for future in futures) < at_once:
        job.on_free_core()


def _train(job: _Job, make: Callable[[], Group], turn: Callable[[], AbstractContextManager[None]]) -> _Finished:
    """The loop. It knows no family, no tracker and no clock. Each epoch is worked on in its turn."""
    group = make()
    recipe, (dataset, data) = job.recipe, job.split(group)
    checkpoints = job.checkpoints(group.seeds) if job.checkpoints is not None else None
    train = torch.as_tensor(training_sets(dataset, job.resampling, group.seeds, job.redraw), device=job.device)
    num = train.shape[-1]
    size, epochs = batch_size(recipe, num), num_epochs(recipe, num, steps_of(dataset))
    num_steps = epochs * -(-num // size)
    selection, reports = Selection(group.seeds, recipe), list[EpochReport]()
    done = 0 if checkpoints is None else _resume(checkpoints, group, selection, reports)
    for report in reports:
        job.on_epoch(report)
    for epoch in range(done + 1, epochs + 1):
        if not any(selection.running):
            break
        running = tuple(selection.running)
        with turn():
            train_loss, rate = group.train_epoch(data, train, size, num_steps, epoch)
            validation = group.score(data.in_order(dataset.validation, len(group.seeds)))
        watched = None if job.goal == "loss" else getattr(validation, job.goal)
        selection.update(epoch, train_loss, validation.loss, group.states(), last=epoch == epochs, watched=watched)
        report = EpochReport(
            epoch,
            epochs,
            group.seeds,
            running,
            train_loss,
            validation.loss,
            validation.accuracy,
            rate,
            validation.balanced_accuracy,
            validation.macro_f1,
        )
        reports.append(report)
        if checkpoints is not None and checkpoints.is_due():
            _save(checkpoints, _to_save(epoch, group, selection, reports))
        job.on_epoch(report)
        if job.stop.is_set():
            break
    return selection, reports


def _save(checkpoints: "Checkpoints", saved: "Saved") -> None:
    """A training that cannot be saved still is one that can be finished."""
    try:
        checkpoints.save(saved)
    except OSError as error:
        warnings.warn(f"no checkpoint in {checkpoints.folder}, the training goes on without: {error}", stacklevel=2)


def _to_save(epoch: int, group: Group, selection: Selection, reports: Sequence[EpochReport]) -> "Saved":
    from hw3models.engine.checkpoints import Saved

    kept, chosen = selection.saved()
    tensors = group.saved() | {f"kept.{name}": tensor for name, tensor in kept.items()}
    info = {"step": group.step, "selection": chosen, "reports": [asdict(report) for report in reports]}
    return Saved(epoch, tensors, info)


def _resume(checkpoints: "Checkpoints", group: Group, selection: Selection, reports: list[EpochReport]) -> int:
    """Put everything back as it was after the newest checkpoint's epoch, which is returned; 0 without one."""
    saved = checkpoints.newest()
    if saved is None:
        return 0
    group.restore(saved.tensors, saved.info["step"])
    selection.restore(part_of(saved.tensors, "kept."), saved.info["selection"])
    reports.extend(map(_report, saved.info["reports"]))
    return saved.epoch


def _report(values: Mapping[str, Any]) -> EpochReport:
    """Read a report from JSON, which has lists for tuples."""
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return EpochReport(**fields)


def _gather(
    finished: Sequence[_Finished], spec: TrainSpec, *, strategy: Strategy, precision: Precision, device: torch.device
) -> FitResult:
    results = {seed: kept for selection, _ in finished for seed, kept in selection.results().items()}
    failures = tuple(failure for selection, _ in finished for failure in selection.failures)
    if not results:
        reasons = " ".join(failure.reason for failure in failures)
        raise TrainingError(f"no replicate of {spec.family} could be trained: {reasons}")
    seeds = tuple(seed for seed in spec.seeds if seed in results)
    return FitResult(
        seeds=seeds,
        states=stack_states([results[seed][0] for seed in seeds]),
        epochs=tuple(report for _, reports in finished for report in reports),
        failures=failures,
        best_seed=min(seeds, key=lambda seed: results[seed][1]),
        seconds=0.0,
        strategy=strategy,
        precision=precision,
        device=device,
    )
