"""A group of replicates that train as one program: one plain module, or a stack of S.

S = replicates in the group, B = examples in a batch, K = classes
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.engine.batches import Batch, DeviceData
from hw3models.engine.chunked import ChunkedData
from hw3models.engine.cuda_graphs import GraphedSteps, Work, record_cuda_graph
from hw3models.engine.optimizers import clip_gradients, learning_rate, make_optimizer
from hw3models.families.family import Task
from hw3models.nn.dense import LossGrad, whole_chain
from hw3models.nn.layers import Dropout
from hw3models.nn.losses import CrossEntropy, SquaredError, cross_entropy_grad, squared_error_grad
from hw3models.nn.rng import ReplicateRng
from hw3models.nn.stacking import State, stack
from hw3models.specs import Recipe


@dataclass(frozen=True)
class GroupScore:
    """Per replicate; None without examples (and accuracy for autoencoders)."""

    loss: tuple[float, ...] | None
    accuracy: tuple[float, ...] | None


class Group:
    """S replicates with their optimizer and random number generators."""

    def __init__(
        self,
        seeds: Sequence[int],
        models: Sequence[nn.Module],
        recipe: Recipe,
        task: Task,
        rng: ReplicateRng,
        in_bf16: bool = False,
    ) -> None:
        self.seeds = tuple(seeds)
        self.recipe, self.task = recipe, task
        self.stacked = len(models) > 1
        self.program = (stack(models) if self.stacked else models[0]).to(rng.device)
        self.rng = rng
        for module in self.program.modules():
            if isinstance(module, Dropout):
                module.rng = self.rng
        self._chain = whole_chain(self.program)
        self._in_bf16 = in_bf16
        self.parameters = list(self.program.parameters())
        self.optimizer = make_optimizer(self.parameters, recipe)
        self.step = 0
        self._loss_sum = torch.zeros(len(self.seeds), device=rng.device)
        self._of_data: DeviceData | ChunkedData | None = None
        self._advance: Work = lambda _: None

    def states(self) -> list[State]:
        """Live views of each replicate's tensors, under the plain names."""
        tensors = self.program.state_dict()
        if not self.stacked:
            return [tensors]
        return [{name: tensor[row] for name, tensor in tensors.items()} for row in range(len(self.seeds))]

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
        """Pass number `epoch` over `train` (N,) in batches of `size`: mean loss per replicate, the last learning rate.

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
        return tuple((self._loss_sum / len(train)).tolist()), rate

    def take_step(self, batch: Batch) -> torch.Tensor:
        """One optimiser step; the loss per replicate (S,) before it, on the device."""
        loss_S = self._learn(batch)
        if self.recipe.gradient_clip is not None:
            clip_gradients(self.parameters, self.recipe.gradient_clip, len(self.seeds), stacked=self.stacked)
        self.optimizer.step()
        return loss_S

    def _learn(self, batch: Batch) -> torch.Tensor:
        """The loss per replicate (S,), and its gradients in the parameters."""
        if self._chain is not None and (loss_grad := self._loss_grad(batch)) is not None:
            return self._chain.forward_backward(batch.inputs, loss_grad)
        for parameter in self.parameters:
            parameter.grad = None
        output_SB = self._outputs(batch)
        loss_SB = self._loss(output_SB, batch, smoothing=self.recipe.label_smoothing)
        if batch.blend is not None:
            others = replace(batch, labels=batch.blend.labels)
            of_others = self._loss(output_SB, others, smoothing=self.recipe.label_smoothing)
            loss_SB = loss_SB + batch.blend.share * (of_others - loss_SB)
        loss_S = loss_SB.mean(1)
        # The sum keeps the replicates' gradients apart: d(sum)/d(parameters of s) is d(loss s) alone.
        loss_S.sum().backward()
        return loss_S.detach()

    def _outputs(self, batch: Batch) -> torch.Tensor:
        """Float (S, B, K), in training mode."""
        if not self._in_bf16:
            return run_program(self.program, batch, stacked=self.stacked)
        # What torch computes in bfloat16, and what it does not, is its own list.
        # Weights are used once in a step, and a CUDA graph may not hold what was cached outside of it.
        with torch.autocast(self.rng.device.type, torch.bfloat16, cache_enabled=False):
            return run_program(self.program, batch, stacked=self.stacked).float()

    def _loss_grad(self, batch: Batch) -> LossGrad | None:
        """The loss with its gradient by the outputs, where that is known without autograd."""
        if self.task == "reconstruction":
            assert batch.pixels is not None
            return partial(squared_error_grad, target=batch.pixels)
        if self.recipe.loss == "mse" or self.recipe.label_smoothing or batch.blend is not None:
            return None
        return partial(cross_entropy_grad, labels=batch.labels)

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
        self.program.eval()
        with torch.inference_mode():
            for batch in batches:
                output_SB = run_program(self.program, batch, stacked=self.stacked)
                losses.append(self._loss(output_SB, batch, smoothing=0.0))
                if self.task == "classification":
                    hits.append(output_SB.argmax(-1) == batch.labels)
        if not losses:
            return GroupScore(None, None)
        loss = torch.cat(losses, dim=1).mean(1)
        accuracy = tuple(torch.cat(hits, dim=1).float().mean(1).tolist()) if hits else None
        return GroupScore(tuple(loss.tolist()), accuracy)

    def _loss(self, output_SB: torch.Tensor, batch: Batch, *, smoothing: float) -> torch.Tensor:
        """Per replicate and example, (S, B): cross-entropy in nats, or squared error averaged over outputs."""
        if self.task == "reconstruction":
            assert batch.pixels is not None
            errors: torch.Tensor = SquaredError.apply(output_SB, batch.pixels)
            return errors
        if self.recipe.loss == "mse":
            target = F.one_hot(batch.labels, output_SB.shape[-1])
            return (output_SB.softmax(-1) - target).square().mean(-1)
        if not smoothing:
            losses: torch.Tensor = CrossEntropy.apply(output_SB, batch.labels)
            return losses
        flat = F.cross_entropy(
            output_SB.flatten(0, 1), batch.labels.flatten(), reduction="none", label_smoothing=smoothing
        )
        return flat.view(batch.labels.shape)


def part_of(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Those whose names begin so, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def run_program(program: nn.Module, batch: Batch, *, stacked: bool) -> torch.Tensor:
    """Outputs (S, B, K) of a stack, or of a plain module as S = 1."""
    arguments = [batch.inputs] if batch.lengths is None else [batch.inputs, batch.lengths]
    if stacked:
        output: torch.Tensor = program(*arguments)
        return output
    return torch.as_tensor(program(*(a[0] for a in arguments))).unsqueeze(0)
