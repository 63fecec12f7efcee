"""MATLAB's structs: fields as arrays with names, `data.X`, and struct arrays, an element for each series.

| in the file | arrays | found out |
|---|---|---|
| `data` with `X` and `y` | `data.X`, `data.y` | `X=data.X,y=data.y` |
| `ds.train.X`, `ds.test.X`, ... | `ds.train.X`, ... | the parts |
| `rec(1:N)` with `signal`, `label` | cells `rec.signal`, `rec.label` | `X=rec.signal,y=rec.label` |
| `rec(1:N)` with `x`, `y`, `time`, `label` | cells of each field | `X=rec.x+rec.y,y=rec.label` |

N series, T time steps, C channels
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.readers.guessed_columns import likely
from hw3models.errors import DataError

_TIMES = frozenset({"t", "time", "times", "timestamp", "timestamps", "seconds"})
_GROUPS = frozenset({"group", "groups", "subject", "subject_id", "user", "participant", "person"})
_DEEPEST = 6


def fields_of(name: str, value: NDArray[Any], depth: int = 0) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays within a struct, by their paths; any other array as it is."""
    if value.dtype.names is None or depth > _DEEPEST:
        yield name, value
        return
    for field in value.dtype.names:
        cells = value[field].reshape(-1)
        if len(cells) == 1:
            yield from fields_of(f"{name}.{field}", np.asarray(cells[0]), depth + 1)
        else:
            yield f"{name}.{field}", unboxed(cells)


def unboxed(cells: NDArray[Any]) -> NDArray[Any]:
    """Single numbers of all cells as one array of numbers."""
    if cells.dtype.kind != "O" or not len(cells):
        return cells
    plain = [np.asarray(cell) for cell in cells]
    if any(one.size != 1 or one.dtype.kind not in "iufb" for one in plain):
        return cells
    return np.array([one.reshape(-1)[0] for one in plain])


def roles_of_structs(names: Sequence[str], read: Callable[[str], NDArray[Any]]) -> dict[str, str]:
    """Which fields of a struct array are series, labels and groups; nothing where there are none, or in two structs.

    Args:
        names: paths of arrays.
        read: the array of one.
    """
    found = list[dict[str, str]]()
    for struct in dict.fromkeys(name.rpartition(".")[0] for name in names if "." in name):
        own = {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == struct}
        values = {field: read(name) for field, name in own.items()}
        cells = [field for field, value in values.items() if _are_series(value)]
        label = [field for field in likely("label_column", list(own)) if field not in cells]
        label = label or [field for field in own if field.lower() == "y" and field not in cells]
        series = [field for field in cells if field.lower() not in _TIMES]
        if not series or len(label) > 1 or len({len(values[field]) for field in (*series, *label)}) > 1:
            continue
        groups = [field for field in own if field.lower() in _GROUPS and len(values[field]) == len(values[series[0]])]
        roles = {"X": "+".join(own[field] for field in series), **({"y": own[label[0]]} if label else {})}
        found.append({**roles, **({"groups": own[groups[0]]} if len(groups) == 1 else {})})
    return found[0] if len(found) == 1 else {}


def _are_series(value: NDArray[Any]) -> bool:
    """Cells of several elements with numbers, several in each."""
    if value.dtype.kind != "O" or value.ndim != 1 or len(value) < 2:
        return False
    return all((one := np.asarray(cell)).dtype.kind in "iufb" and one.size > 1 for cell in value)


def side_by_side(where: str, names: Sequence[str], values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Channels of several arrays: (N, T) each as (N, T, C), cells as cells of (T, C).

    Raises:
        DataError: they differ in their sizes.
    """
    first = values[0]
    if first.dtype.kind != "O":
        if any(one.ndim != 2 or one.shape != first.shape for one in values):
            shapes = ", ".join(f"{name} {one.shape}" for name, one in zip(names, values, strict=True))
            raise DataError(f"{where}: {shapes}; arrays that are put side by side are (series, steps), all alike.")
        return np.stack(values, axis=-1)
    if len({one.size for one in values}) > 1:
        raise DataError(f"{where}: {', '.join(names)} have {', '.join(str(one.size) for one in values)} cells.")
    cells = np.empty(first.size, dtype=object)
    for number in range(first.size):
        parts = [np.asarray(one.reshape(-1)[number]) for one in values]
        parts = [one.reshape(-1, 1) if one.ndim == 1 or 1 in one.shape else one for one in parts]
        if len({len(one) for one in parts}) > 1:
            sizes = ", ".join(f"{name} {one.shape}" for name, one in zip(names, parts, strict=True))
            raise DataError(f"{where}: element {number + 1} has {sizes}; channels have the same steps.")
        cells[number] = np.concatenate(parts, axis=1)
    return cells
