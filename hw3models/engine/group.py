"""A group of replicates that train as one program: one plain module, or a stack of S.

S = replicates in the group, B = examples in a batch, K = classes
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from hw3models.engine.batches import DeviceData
from hw3models.engine.chunked import ChunkedData
from hw3models.engine.cuda_graphs import GraphedSteps, Work, record_cuda_graph
from hw3models.engine.optimizers import Optimizer, clip_gradients, learning_rate
from hw3models.nn.dense import whole_chain
from hw3models.nn.program import Program
from hw3models.nn.proof import Proof
from hw3models.nn.rng import ReplicateRng
from hw3models.nn.stacking import State
from hw3models.objectives.objective import Batch, Objective
from hw3models.specs import Recipe

STACKED = Proof("stacked")
"""What is proved of the families that are registered here, by their tests."""


@dataclass(frozen=True)
class GroupScore:
    """Per replicate; None without examples (and accuracy for autoencoders)."""

    loss: tuple[float, ...] | None
    accuracy: tuple[float, ...] | None
    balanced_accuracy: tuple[float, ...] | None = None
    macro_f1: tuple[float, ...] | None = None


class Group:
    """S replicates with their optimizer and random number generators."""

    def __init__(
        self,
        seeds: Sequence[int],
        models: Sequence[nn.Module],
        recipe: Recipe,
        objective: Objective,
        rng: ReplicateRng,
        in_bf16: bool = False,
        proof: Proof = STACKED,
    ) -> None:
        self.seeds = tuple(seeds)
        self.recipe, self.objective = recipe, objective
        self.stacked = len(models) > 1
        layout = proof.layout if self.stacked else "plain"
        self.replicates = Program(models, layout, rng, foreign_noise=proof.foreign_noise)
        self.program = self.replicates.module.to(rng.device)
        self.rng = rng
        self._chain = whole_chain(self.program)
        self._in_bf16 = in_bf16
        self.parameters = [parameter for parameter in self.program.parameters() if parameter.requires_grad]
        self.optimizer = Optimizer(self.parameters, recipe)
        self.step = 0
        self._loss_sum = torch.zeros(len(self.seeds), device=rng.device)
        self._of_data: DeviceData | ChunkedData | None = None
        self._advance: Work = lambda _: None

    def states(self) -> list[State]:
        """Live views of each replicate's tensors, under the plain names."""
        return self.replicates.states()

    def saved(self) -> dict[str, torch.Tensor]:
        """Parameters, buffers, what the optimiser remembers, and where the random generators stand."""
        tensors = {f"program.{name}": tensor for name, tensor in self.program.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.saved().items()}
        return tensors | {f"rng.{name}": state for name, state in self.rng.states().items()}

    def restore(self, tensors: Mapping[str, torch.Tensor], step: int) -> None:
        """Go on from what `saved` gave after `step` steps."""
        self.step = step
        self.program.load_state_dict(part_of(tensors, "program."))
        self.rng.restore(part_of(tensors, "rng."))
        self.optimizer.restore(part_of(tensors, "optimizer."))

    def train_epoch(
        self, data: DeviceData | ChunkedData, train: torch.Tensor, size: int, num_steps: int, epoch: int
    ) -> tuple[tuple[float, ...], float]:
        """Pass number `epoch` over `train`, (N,) or (S, N), in batches of `size`: mean loss per replicate, the last
        learning rate.

        Losses are summed on the device and read once, at the end: no step waits for the host.
        """
        self.program.train()
        self._loss_sum.zero_()
        advance = self._stepper(data)
        rate = self.recipe.learning_rate
        for index_SB in data.order(train, size, self.rng, epoch):
            rate = learning_rate(self.recipe, self.step, num_steps)
            self.optimizer.set_rate(rate)
            advance(index_SB)
            self.step += 1
        return tuple((self._loss_sum / train.shape[-1]).tolist()), rate

    def take_step(self, batch: Batch) -> torch.Tensor:
        """One optimiser step; the loss per replicate (S,) before it, on the device."""
        loss_S = self._learn(batch)
        if self.recipe.gradient_clip is not None:
            clip_gradients(self.parameters, self.recipe.gradient_clip, len(self.seeds), stacked=self.stacked)
        self.optimizer.step()
        return loss_S

    def _learn(self, batch: Batch) -> torch.Tensor:
        """The loss per replicate (S,), and its gradients in the parameters."""
        if self._chain is not None and (loss_grad := self.objective.loss_grad(batch, self.recipe)) is not None:
            return self._chain.forward_backward(batch.inputs, loss_grad)
        for parameter in self.parameters:
            parameter.grad = None
        output_SB = self._outputs(batch)
        loss_SB = self.objective.losses(output_SB, batch, self.recipe, train=True)
        loss_S = loss_SB.mean(1)
        # The sum keeps the replicates' gradients apart: d(sum)/d(parameters of s) is d(loss s) alone.
        loss_S.sum().backward()
        return loss_S.detach()

    def _outputs(self, batch: Batch) -> torch.Tensor:
        """Float (S, B, K), in training mode."""
        if not self._in_bf16:
            return self.replicates(*batch.arguments)
        # What torch computes in bfloat16, and what it does not, is its own list.
        # Weights are used once in a step, and a CUDA graph may not hold what was cached outside of it.
        with torch.autocast(self.rng.device.type, torch.bfloat16, cache_enabled=False):
            return self.replicates(*batch.arguments).float()

    def _stepper(self, data: DeviceData | ChunkedData) -> Work:
        """What takes one step over the examples of an index; recorded on a GPU, and kept as long as the data are."""
        if self._of_data is not data:
            self._of_data = data

            def step(index_SB: torch.Tensor) -> None:
                batch = data.batch(index_SB, self.recipe, self.rng)
                self._loss_sum.add_(self.take_step(batch), alpha=index_SB.shape[1])

            # Momentum SGD has no fused form that reads its learning rate from the device.
            graphs = data.can_be_recorded and self.rng.device.type == "cuda" and self.recipe.optimizer != "sgd"
            self._advance = GraphedSteps(step, self.rng.noise, record_cuda_graph) if graphs else step
        return self._advance

    def score(self, batches: Iterable[Batch]) -> GroupScore:
        """Loss and accuracy in eval mode: no dropout, running statistics neither used up nor changed."""
        losses: list[torch.Tensor] = []
        hits: list[torch.Tensor] = []
        named: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.program.eval()
        with torch.inference_mode():
            for batch in batches:
                output_SB = self.replicates(*batch.arguments)
                losses.append(self.objective.losses(output_SB, batch, self.recipe, train=False))
                if (right := self.objective.is_right(output_SB, batch)) is not None:
                    hits.append(right)
                    named.append((output_SB.argmax(-1), batch.labels))
        if not losses:
            return GroupScore(None, None)
        loss = torch.cat(losses, dim=1).mean(1)
        accuracy = tuple(torch.cat(hits, dim=1).float().mean(1).tolist()) if hits else None
        return GroupScore(tuple(loss.tolist()), accuracy, *_by_class(named))


def _by_class(
    named: Sequence[tuple[torch.Tensor, torch.Tensor]],
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean recall and mean F1 over the classes that there are, per replicate, of predictions and labels (S, B)."""
    if not named:
        return None, None
    predicted, labels = (torch.cat(parts, dim=1) for parts in zip(*named, strict=True))
    num = int(torch.maximum(predicted.max(), labels.max())) + 1
    right, asked, said = (
        torch.zeros(len(labels), num, dtype=torch.float64, device=labels.device).scatter_add_(
            1, classes, counted.to(torch.float64)
        )
        for classes, counted in (
            (labels, predicted == labels),
            (labels, torch.ones_like(labels)),
            (predicted, torch.ones_like(labels)),
        )
    )
    there = asked > 0
    number = there.sum(1)
    recall = torch.where(there, right / asked.clamp(min=1), 0.0).sum(1) / number
    f1 = torch.where(there, 2 * right / (asked + said).clamp(min=1), 0.0).sum(1) / number
    return tuple(recall.tolist()), tuple(f1.tolist())


def part_of(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
