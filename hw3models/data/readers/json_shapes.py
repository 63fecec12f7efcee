"""The shapes in which people put several series into one JSON value; all become records, an object for each series.

| value | |
|---|---|
| `[{...}, {...}]`, `{"data": [{...}, ...]}`, `{"a1": {...}, ...}`, `{"train": [{...}], "test": [{...}]}` | records |
| `{"label": [...], "x": [...]}`, `{"columns": [...], "data": [...]}`, `{"x": {"0": ...}}` | columns |
| `{"X": [...], "y": [...]}`, `{"data": [...], "labels": [...]}`, `{"X_train": [...], "y_train": [...], ...}` | arrays |
| `{"train": {"X": [...], "y": [...]}, "test": {...}}` | arrays of parts |
| `{"series": {"a1": [...]}, "labels": {"a1": ...}}` | arrays by names |
| `{"walk": [[...], [...]], "sit": [[...]]}` | lists of series, a class each |
| `[[[...], "walk"], ...]`, `[[...], [...]]` | pairs; series without labels |
"""

import re
from typing import Any

from hw3models.data.readers.gathered import PART_WORDS
from hw3models.data.readers.named_arrays import roles_of_names

_CLASS_NAMES = ("class_names", "classes", "label_names", "target_names", "labels_names", "names_of_classes")
_SHORTEST = 8
"""Numbers in a list that is a series and not one step of several channels."""
_PARTS = {"": "train", "_val": "validation", "_test": "test"}


def records_of(found: Any) -> Any:
    """Records, where the value holds some; else the value itself."""
    if isinstance(found, list):
        return _of_list(found)
    return _of_object(found) if isinstance(found, dict) else found


def _of_list(found: list[Any]) -> list[Any]:
    """Pairs of a series and its label, and plain series, as records."""
    if not found or not all(isinstance(one, list) for one in found):
        return found
    if all(len(one) == 2 and isinstance(one[0], list) != isinstance(one[1], list) for one in found):
        first = isinstance(found[0][0], list)
        return [{"values": one[not first], "label": one[first]} for one in found]
    return [{"values": one} for one in found]


def _of_object(found: dict[str, Any]) -> Any:
    """Records under one key, under their names, as columns or as arrays."""
    values = list(found.values())
    lists = [one for one in values if isinstance(one, list) and one and all(isinstance(item, dict) for item in one)]
    are_parts = bool(found) and all(name.lower() in PART_WORDS for name in found)
    if {"columns", "data"} <= set(found) and not lists:  # pandas' `split`
        return [dict(zip(found["columns"], row, strict=False)) for row in found["data"] if isinstance(row, list)]
    if lists and len(lists) == len(values) and are_parts:
        return [{"split": PART_WORDS[name.lower()], **one} for name, own in found.items() for one in own]
    if len(lists) == 1 and not any(isinstance(one, dict) and one for name, one in found.items() if name != "schema"):
        return lists[0]
    if are_parts and (parts := _of_parts(found)):
        return parts
    if records := _of_arrays(found):
        return records
    if values and all(isinstance(one, dict) for one in values):
        if all(key.isdecimal() for one in values for key in one):  # pandas' columns
            rows = dict.fromkeys(key for one in values for key in one)
            return [{name: one.get(row) for name, one in found.items()} for row in rows]
        return [{"id": name, **one} for name, one in found.items()]
    if are_classes(found):
        return [{"label": name, "values": one} for name, own in found.items() for one in own]
    sizes = {len(one) for one in values if isinstance(one, list)}
    if values and all(isinstance(one, list) for one in values) and len(sizes) == 1:
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    return [found]


def _of_parts(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Records of each part, each with its split; nothing where one of them is no object of arrays."""
    records = list[dict[str, Any]]()
    for name, own in found.items():
        inner = _of_arrays(own, in_part=True) if isinstance(own, dict) else []
        if not inner:
            return []
        records += [{"split": PART_WORDS[name.lower()], **one} for one in inner]
    return records


def _of_arrays(found: dict[str, Any], *, in_part: bool = False) -> list[dict[str, Any]]:
    """Lists of series and labels, which are called as arrays of a file would be; nothing where there are none.

    Lists that are all as long stay columns (`_of_object`), whose keys keep their names.
    """
    arrays = {name: one for name, one in found.items() if isinstance(one, (list, dict)) and one}
    roles = roles_of_names([name for name in arrays if name.lower() not in _CLASS_NAMES])
    if "X" not in roles or not ("y" in roles or "X_test" in roles):
        return []
    are_named = [isinstance(arrays[name], dict) for name in roles.values()]
    if any(are_named) and not all(are_named):
        return []
    are_lists = all(isinstance(one, list) for one in found.values())
    if not in_part and are_lists and len({len(one) for one in found.values()}) == 1 and "X_test" not in roles:
        return []
    classes = next((one for name, one in arrays.items() if name.lower() in _CLASS_NAMES and isinstance(one, list)), [])
    series = re.sub(r"[_ ]?train$|^train[_ ]?", "", roles["X"], flags=re.IGNORECASE) or "X"
    names = {"X": series, "y": "label", "groups": "group", "ids": "id"}
    records = list[dict[str, Any]]()
    for end, part in _PARTS.items():
        own: dict[str, Any] = {
            role: arrays[roles[f"{role}{end}"]] for role in ("X", "y", "groups") if f"{role}{end}" in roles
        }
        if isinstance(own.get("X"), dict):
            ids = list(own["X"])
            own = {"ids": ids, **{role: [one.get(id) for id in ids] for role, one in own.items()}}
        elif isinstance(found.get("ids"), list) and not end:
            own["ids"] = found["ids"]
        if len({len(one) for one in own.values()}) > 1:
            return []
        split = {"split": part} if {"X_test", "X_val"} & set(roles) else {}
        rows = zip(*own.values(), strict=True)
        records += [{**{names[role]: one for role, one in zip(own, row, strict=True)}, **split} for row in rows]
    return [{**one, "label": _called(one["label"], classes)} if "label" in one else one for one in records]


def _called(label: Any, classes: list[Any]) -> Any:
    """The name of a class whose number stands there."""
    return classes[label] if isinstance(label, int) and 0 <= label < len(classes) else label


def are_classes(found: dict[str, Any]) -> bool:
    """Is each key a class, with a list of its series?

    They are of another number in some class, as channels never are; and each series is a long list, or one of steps
    with several channels.
    """
    own = list(found.values())
    if len(own) < 2 or not all(isinstance(one, list) and len(one) > 1 for one in own):
        return False
    series = [item for one in own for item in one]
    if not all(isinstance(item, list) and item for item in series):
        return False
    are_deep = all(isinstance(item[0], list) for item in series)
    if not are_deep and not all(len(item) >= _SHORTEST and not isinstance(item[0], (list, dict)) for item in series):
        return False
    return len({len(one) for one in own}) > 1
