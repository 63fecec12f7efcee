"""What a GPU gains by training replicates together; needs torch, numpy, pydantic and `hw3models`, and no files.

    python -m benchmarks.gpu            # under 6 minutes on an H100; prints one table

Every ratio is the median of rounds in which the reference and `hw3` ran in turn on the same GPU. Data are synthetic:
speed does not depend on what is in the pixels.
"""

import argparse
import sys
from functools import partial

import torch
from torch.utils.data import Dataset as TorchDataset

from benchmarks.measured import PLAIN, architecture_of, judged, network_of, row, synthetic, timed, trained
from benchmarks.speed.reference import classified, naive_classifier, one_after_another, rebuilt
from hw3models.data.dataset import Dataset
from hw3models.engine.precision import products
from hw3models.specs import Kind


def main() -> int:
    """1 when a case missed what it must reach."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"], help="cpu: try the script itself")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replicates", type=int, default=32)
    parser.add_argument("--models", type=int, default=256, help="784-64-10 networks trained together")
    parser.add_argument("--examples", type=int, default=4_000)
    parser.add_argument("--images", type=int, default=60_000, help="as many as MNIST has")
    parser.add_argument(
        "--precision", default="float32", choices=["float32", "tf32"], help="of products, on both sides"
    )
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("there is no CUDA device here. Try the script itself with --device cpu.\n")
        return 2
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    sys.stdout.write(
        f"{name}, torch {torch.__version__}, {options.precision}\n\n| case | hw3 | reference | ratio | must reach |\n"
    )
    sys.stdout.write("|---|---|---|---|---|\n")
    # The references' products as well.
    with products(torch.device(options.device), tf32=options.precision == "tf32"):
        missed = [case for case in (*together(options), models_per_second(options)) if not case]
    return 1 if missed else 0


def together(options: argparse.Namespace) -> list[bool]:
    """Each family: replicates as one program against plain modules one after another."""
    cases: tuple[tuple[Kind, str], ...] = (
        ("images", "mlp"),
        ("images", "autoencoder"),
        ("sequences", "mlp"),
        ("sequences", "cnn"),
        ("sequences", "lstm"),
        ("sequences", "gru"),
    )
    return [family_case(options, kind, family) for kind, family in cases]


def family_case(options: argparse.Namespace, kind: Kind, family: str) -> bool:
    """Seconds per model and epoch."""
    dataset = synthetic(kind, options.examples)
    x = torch.from_numpy(dataset.features).to(options.device)
    x = x.float() / 255 if kind == "images" else x
    y = torch.from_numpy(dataset.labels).to(options.device)
    build = partial(network_of(kind, family).build, architecture_of(dataset))
    loss = rebuilt if family == "autoencoder" else classified
    plain = partial(one_after_another, build, x, y, models=2, epochs=2, loss=loss)
    ours = partial(engine, options, dataset, family, options.replicates, 20)
    ours()  # which does not count
    pairs = [(timed(plain) / 4, ours()) for _ in range(options.rounds)]
    return report(f"{kind} {family}, {options.replicates} replicates, s per model and epoch", pairs, must=12.0)


def models_per_second(options: argparse.Namespace) -> bool:
    """784-64-10, ten epochs each, against the naive loop on the same GPU."""
    dataset = synthetic("images", options.images)
    ours = partial(engine, options, dataset, "mlp", options.models, 10)
    # One epoch of the naive loop is timed once; ten times as long is what one model takes.
    naive = 10 * timed(partial(naive_classifier, Tutorial(dataset), options.device))
    ours()
    pairs = [(naive, 10 * ours()) for _ in range(options.rounds)]
    return report("784-64-10, s per model of ten epochs, against the naive loop", pairs, must=200.0)


def engine(options: argparse.Namespace, dataset: Dataset, family: str, replicates: int, epochs: int) -> float:
    """Seconds per model and epoch, everything counted: building, copying, recording, training, gathering."""
    recipe = PLAIN.model_copy(update={"epochs": epochs})
    how = {"strategy": "stacked", "device": options.device, "precision": options.precision}
    return trained(dataset, family, replicates, recipe, **how)


def report(case: str, pairs: list[tuple[float, float]], must: float) -> bool:
    """Print the row; whether it reached what it must."""
    result = judged(case, must, pairs)
    sys.stdout.write(f"{row(result)}\n")
    sys.stdout.flush()
    return result.ratio >= must


class Tutorial(TorchDataset[tuple[torch.Tensor, int]]):
    """Images as torchvision's MNIST with `ToTensor` gives them, without Pillow's detour."""

    def __init__(self, dataset: Dataset) -> None:
        self.images, self.labels = torch.from_numpy(dataset.features), dataset.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index].unsqueeze(0).float().div(255), int(self.labels[index])


if __name__ == "__main__":
    sys.exit(main())
