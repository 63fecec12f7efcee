"""The prediction table: what every replicate of one family says about every test example.

Every later statement (metrics, intervals, comparisons, calibration) is computed from this table alone.

Replicates that were tested on splits of their own (`hw3models.data.resamples`) have a table with a row of examples
for each; everything else has one row of examples for all.

An ensemble is a family of its own (`hw3models.evaluation.ensembles`): its probabilities are the means of those of its
members, which stand beside them, and each of its S rows is one ensemble, under the first of its members' seeds.

S = seeds, n = test examples, K = classes, k = numbers in the code, m = kept reconstructions, M = members of an ensemble
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError, DigestError
from hw3models.runtime.files import write_atomically

SUM_TOLERANCE = 1e-3
"""Probabilities of an example may miss a sum of 1 by so much (float32, half precision on a GPU)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictionTable:
    """Predictions of one family for the test split: `probabilities` of a classifier, `squared_error` of an autoencoder,
    `predicted` numbers.

    Raises:
        DataError: the arrays do not belong together, or hold what no prediction can be; all faults at once.
    """

    family: str
    data_digest: str
    seeds: tuple[int, ...]
    test_index: NDArray[np.int64]
    """(n,) positions in the data set; (S, n) where each replicate has a test split of its own."""
    labels: NDArray[np.int64]
    """(n,) in 0..K-1; (S, n) likewise. Of numbers the range that they are in."""
    groups: NDArray[np.int64] | None = None
    """(n,) whose example it is, as a number; (S, n) likewise. None where nobody said: examples are independent then."""
    num_train: int | None = None
    """Examples that each replicate was trained on, validation included: of resampled splits only."""
    probabilities: NDArray[np.float32] | None = None
    """(S, n, K)."""
    training_resampled: bool = False
    """Each replicate was trained on a bootstrap of its own of the training part (`hw3models.data.training_sets`), the
    same for every family with its seed; all were tested on the same examples."""
    members: NDArray[np.floating] | None = None
    """(S, M, n, K), of ensembles only: probabilities of each member, whose mean over M is `probabilities`; of
    numbers (S, M, n, 1), whose mean is `predicted`."""
    search: NDArray[np.int64] | None = None
    """(S,) which of several searches for a recipe each replicate's recipe comes of; None where there were not several:
    seeds then are independent."""
    member_seeds: NDArray[np.int64] | None = None
    """(S, M), of ensembles only: the seeds of the members."""
    hard: bool = False
    """The method names classes and has no probabilities: those above are 0 and 1."""
    predicted: NDArray[np.float64] | None = None
    """(S, n): the number that is said, in the unit of `targets`."""
    targets: NDArray[np.float64] | None = None
    """(n,) the true numbers; (S, n) where each replicate has a test split of its own."""
    error: NDArray[np.float64] | None = None
    """(S, n): what a prediction costs, where nothing else is known of it; less is better."""
    squared_error: NDArray[np.float64] | None = None
    """(S, n), summed over the pixels (0..1) of an image."""
    codes: NDArray[np.float32] | None = None
    """(S, n, k)."""
    probe_correct: NDArray[np.bool_] | None = None
    """(S, n): a linear classifier on the code names the right class."""
    reconstructions: NDArray[np.uint8] | None = None
    """(m, H, W) or (m, H, W, 3) of the best seed (of its first batch, where seeds were added); of the first seed
    where each has a test split of its own."""
    reconstructed_index: NDArray[np.int64] | None = None
    """(m,) rows of the test split, in 0..n-1."""
    num_pixels: int | None = None
    """Pixels that `squared_error` sums over."""

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise DataError(f"prediction table of {self.family!r}: {'; '.join(faults)}. Predict the test split again.")

    @property
    def is_resampled(self) -> bool:
        """Has each replicate a test split of its own?"""
        return self.test_index.ndim == 2

    @property
    def num_test(self) -> int:
        """Test examples of a replicate."""
        return int(self.test_index.shape[-1])

    @property
    def num_networks(self) -> int:
        """Independently trained replicates that the table rests on: its seeds, or all members of its ensembles."""
        return len(self.seeds) if self.member_seeds is None else self.member_seeds.size

    @property
    def num_searches(self) -> int:
        """Searches for a recipe whose luck the replicates show; 0 where they were not several."""
        return 0 if self.search is None else len(np.unique(self.search))

    def of_first(self, num: int) -> "PredictionTable":
        """The table of the first `num` replicates; pictures stay out."""
        arrays: dict[str, Any] = {name: array[:num] for name in _PER_SEED if (array := getattr(self, name)) is not None}
        if self.is_resampled:
            arrays |= {name: array[:num] for name, array in _of_examples(self).items()}
        return replace(self, seeds=self.seeds[:num], reconstructions=None, reconstructed_index=None, **arrays)

    def of_seed(self, seed: int) -> "PredictionTable":
        """The table of one replicate alone, with one row of examples; pictures stay out."""
        row = self.seeds.index(seed)
        examples = row if self.is_resampled else slice(None)
        arrays: dict[str, Any] = {
            name: array[row : row + 1] for name in _PER_SEED if (array := getattr(self, name)) is not None
        }
        arrays |= {name: array[examples] for name, array in _of_examples(self).items()}
        return replace(
            self,
            seeds=(seed,),
            num_train=None,
            reconstructions=None,
            reconstructed_index=None,
            **arrays,
        )

    @property
    def digest(self) -> str:
        """sha256 over all contents: first 16 hex digits."""
        sha = hashlib.sha256(json.dumps(_header(self), sort_keys=True).encode())
        for name, array in _arrays(self).items():
            sha.update(f"{name}{array.dtype.str}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()[:16]


def join_resamples(tables: Sequence[PredictionTable], *, data_digest: str, num_train: int) -> PredictionTable:
    """One table of replicates that each have a test split of their own; pictures are the first one's.

    `data_digest` is that of the data before they were resampled; `num_train` counts the validation examples as well.
    """
    examples: dict[str, Any] = {
        name: np.stack([getattr(one, name) for one in tables]) for name in _of_examples(tables[0])
    }
    return replace(
        tables[0],
        data_digest=data_digest,
        seeds=tuple(seed for one in tables for seed in one.seeds),
        num_train=num_train,
        **examples,
        **_stacked(tables),
    )


def add_seeds(first: PredictionTable, more: PredictionTable) -> PredictionTable:
    """One table of the replicates of both, which are of the same family and data; pictures are the first one's.

    Raises:
        DataError: they are of other test examples, of the same seeds, trained on other parts of the data, or only one
            knows groups, or searches.
    """
    if first.training_resampled != more.training_resampled:
        raise DataError(
            f"some seeds of {first.family} were trained on the whole training part and some on bootstraps of it. "
            "Train all of them again."
        )
    if (first.search is None) != (more.search is None):
        raise DataError(
            f"some seeds of {first.family} say which search they are of, and some do not. Train them again."
        )
    if not first.is_resampled and not np.array_equal(first.test_index, more.test_index):
        raise DataError(f"more seeds of {first.family} were tested on other examples. Train all of them again.")
    if (first.groups is None) != (more.groups is None):
        raise DataError(f"more seeds of {first.family} know groups that the others do not. Train all of them again.")
    examples: dict[str, Any] = {
        name: np.concatenate([own, getattr(more, name)]) for name, own in _of_examples(first).items()
    }
    return replace(
        first,
        seeds=(*first.seeds, *more.seeds),
        **(examples if first.is_resampled else {}),
        **_stacked([first, more]),
    )


def _of_examples(table: PredictionTable) -> dict[str, NDArray[Any]]:
    """What is known of the test examples, whoever predicts them."""
    found = {name: getattr(table, name) for name in ("test_index", "labels", "groups", "targets")}
    return {name: array for name, array in found.items() if array is not None}


def _stacked(tables: Sequence[PredictionTable]) -> dict[str, Any]:
    """What is kept per seed, all tables one after another."""
    arrays = {name: [getattr(one, name) for one in tables] for name in _PER_SEED}
    return {name: np.concatenate(of_each) for name, of_each in arrays.items() if of_each[0] is not None}


def save_table(table: PredictionTable, path: Path) -> str:
    """Write `table` as `.npz` (no pickle), atomically; its digest."""
    header = np.frombuffer(json.dumps(_header(table)).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=header, **_arrays(table))
    write_atomically(path, buffer.getbuffer())
    return table.digest


def load_table(path: Path, digest: str | None = None) -> PredictionTable:
    """Read what `save_table` wrote.

    Raises:
        DataError: the file is absent or not a prediction table.
        DigestError: the content is not the one asked for.
    """
    try:
        # Opened here because `np.load` leaves a file that is no archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(bytes(stored["header"]))
            arrays: dict[str, Any] = {name: stored[name] for name in stored.files if name != "header"}
        table = PredictionTable(**(header | {"seeds": tuple(header["seeds"])}), **arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a prediction table ({error}). Delete it and evaluate again.") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if digest is not None and table.digest != digest:
        raise DigestError(
            f"{path}: content digest is {table.digest}, but {digest} was asked for. "
            "The file changed after it was evaluated: delete it and evaluate again."
        )
    return table


def _header(table: PredictionTable) -> dict[str, Any]:
    return {
        "family": table.family,
        "data_digest": table.data_digest,
        "seeds": [int(seed) for seed in table.seeds],
        "num_pixels": None if table.num_pixels is None else int(table.num_pixels),
        **({} if table.num_train is None else {"num_train": int(table.num_train)}),
        **({"training_resampled": True} if table.training_resampled else {}),
        **({"hard": True} if table.hard else {}),
    }


def _arrays(table: PredictionTable) -> dict[str, NDArray[Any]]:
    values = {field.name: getattr(table, field.name) for field in fields(table)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


# Field -> its axes, and the kinds of number it may hold (numpy's `dtype.kind`).
_LAYOUT = {
    "test_index": ("?n", "iu"),
    "labels": ("?n", "iu"),
    "groups": ("?n", "iu"),
    "probabilities": ("SnK", "f"),
    "search": ("S", "iu"),
    "members": ("SMnK", "f"),
    "member_seeds": ("SM", "iu"),
    "predicted": ("Sn", "f"),
    "targets": ("?n", "f"),
    "error": ("Sn", "f"),
    "squared_error": ("Sn", "f"),
    "codes": ("Snk", "f"),
    "probe_correct": ("Sn", "b"),
    "reconstructions": ("mhw", "u"),
    "reconstructed_index": ("m", "iu"),
}
_PER_SEED = (
    "probabilities",
    "search",
    "members",
    "member_seeds",
    "predicted",
    "error",
    "squared_error",
    "codes",
    "probe_correct",
)


def _faults(table: PredictionTable) -> Iterator[str]:
    """Shapes first; values only where the shapes are right."""
    if not table.seeds or len(set(table.seeds)) != len(table.seeds):
        yield f"`seeds` must be distinct and not empty, got {list(table.seeds)}"
    shape_faults = list(_shape_faults(table))
    yield from shape_faults
    if all(one is None for one in (table.probabilities, table.squared_error, table.predicted, table.error)):
        yield "it has neither `probabilities` nor `squared_error` nor `predicted` nor `error`"
    if (table.predicted is None) != (table.targets is None):
        yield "`predicted` and `targets` go together, one of them is absent"
    if table.is_resampled and table.training_resampled:
        yield "replicates with test splits of their own have no `training_resampled` beside"
    if table.squared_error is not None and (table.num_pixels is None or table.num_pixels < 1):
        yield f"`squared_error` needs `num_pixels` of at least 1, got {table.num_pixels}"
    if (table.reconstructions is None) != (table.reconstructed_index is None):
        yield "`reconstructions` and `reconstructed_index` go together, one of them is absent"
    if (table.members is None) != (table.member_seeds is None):
        yield "`members` and `member_seeds` go together, one of them is absent"
    if table.search is not None and (table.is_resampled or table.members is not None):
        yield "replicates with test splits of their own, and ensembles, have no `search` beside"
    if table.members is not None and table.is_resampled:
        yield "members of an ensemble must be tested on the same examples"
    if not shape_faults:
        yield from _value_faults(table)


def _shape_faults(table: PredictionTable) -> Iterator[str]:
    resampled = np.ndim(table.test_index) == 2
    sizes = {"S": len(table.seeds), "n": int(np.shape(table.labels)[-1]) if np.ndim(table.labels) else 0}
    if sizes["n"] < 2:
        yield f"there must be at least 2 test examples, got {sizes['n']}"
    if resampled != (table.num_train is not None):
        yield "`num_train` belongs to tables whose replicates have test splits of their own, and to no others"
    for name, (layout, kinds) in _LAYOUT.items():
        axes = layout.replace("?", "S" if resampled else "")
        array = getattr(table, name)
        if array is None:
            continue
        if name == "reconstructions" and np.ndim(array) == 4:
            axes += "c"
        if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
            yield f"`{name}` has the wrong type, {getattr(array, 'dtype', type(array).__name__)}"
        elif array.ndim != len(axes) or any(
            sizes.setdefault(axis, n) != n for axis, n in zip(axes, array.shape, strict=True)
        ):
            wanted = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in axes)
            yield f"`{name}` must have shape ({wanted}), got {array.shape}"


def _value_faults(table: PredictionTable) -> Iterator[str]:
    num_test = table.num_test
    if table.labels.min() < 0:
        yield f"`labels` must not be negative, got {table.labels.min()}"
    if table.groups is not None and table.groups.min() < 0:
        yield f"`groups` must not be negative, got {table.groups.min()}"
    if table.probabilities is not None:
        yield from _probability_faults(table, table.probabilities)
    if table.members is not None and table.probabilities is not None:
        off = np.abs(table.members.mean(axis=1) - table.probabilities).max()
        if not off <= SUM_TOLERANCE:
            yield f"`probabilities` must be the mean of `members`, and are off by up to {off:.2g}"
    if table.members is not None and table.predicted is not None:
        off = np.abs(table.members.mean(axis=1)[..., 0] - table.predicted).max()
        if not off <= SUM_TOLERANCE * max(1e-12, float(np.ptp(table.members))):
            yield f"`predicted` must be the mean of `members`, and is off by up to {off:.2g}"
    for name in ("error", "squared_error"):
        array = getattr(table, name)
        if array is not None and (bad := np.logical_not(np.isfinite(array) & (array >= 0))).any():
            yield f"`{name}` must be finite and not negative{_where(table, bad)}"
    for name in ("predicted", "targets"):
        array = getattr(table, name)
        if array is not None and not np.isfinite(array).all():
            yield f"`{name}` must be finite, {int((~np.isfinite(array)).sum()):,} are not"
    if table.codes is not None:
        bad = np.logical_not(np.isfinite(table.codes).all(axis=2))
        if bad.any():
            yield f"`codes` must be finite{_where(table, bad)}"
    rows = table.reconstructed_index
    if rows is not None and len(rows) and not 0 <= rows.min() <= rows.max() < num_test:
        yield f"`reconstructed_index` must lie in 0..{num_test - 1}, got {rows.min()} to {rows.max()}"


def _probability_faults(table: PredictionTable, probabilities: NDArray[np.float32]) -> Iterator[str]:
    num_classes, largest = probabilities.shape[2], table.labels.max()
    if largest >= num_classes:
        yield f"`labels` must lie in 0..{num_classes - 1}, the classes of `probabilities`, got {largest}"
    bad = np.logical_not(np.isfinite(probabilities).all(axis=2))
    if bad.any():
        yield f"`probabilities` must be finite{_where(table, bad)}"
        return
    negative = np.asarray((probabilities < 0).any(axis=2))
    if negative.any():
        yield f"`probabilities` must not be negative{_where(table, negative)}"
    sums = probabilities.sum(axis=2, dtype=np.float64)
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        yield f"`probabilities` must sum to 1, got {sums[off][0]:.4g}{_where(table, off)}"


def _where(table: PredictionTable, bad: NDArray[np.bool_]) -> str:
    """Where the first bad entry of (S, n) is, and how many there are."""
    seed, row = (int(i) for i in np.argwhere(bad)[0])
    return f" (seed {table.seeds[seed]}, test row {row}; {int(bad.sum()):,} such rows)"
