"""Which columns of a long table hold the series, the times and the labels, where nobody named them.

A column is taken where its name is the only one of its kind, and that is said. What is named by hand is never guessed.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.readers.time_columns import Cells, found_parts, time_parts
from hw3models.data.source import Block, Source, Wanted, files_of, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

FIELDS = {"sample_column": "series", "time_column": "times", "label_column": "labels"}
_SAMPLE = """
sample sampleid sampleno id series seriesid case caseid trial trialid trialno trialnumber instance instanceid sequence
sequenceid seq seqid recording recordingid recid example exampleid uid unitid episode episodeid segment segmentid
windowid measurementid
"""
_TIME = """
time t timestamp timestamps times datetime date timestep step stepno frame frameno frameid tick seconds secs sec ms
timems timesec timeseconds timeindex timeidx elapsed elapsedtime unixtime
"""
_LABEL = """
label labels class classname classid classlabel target targets category activity gesture outcome condition diagnosis
species behavior behaviour movement
"""
_KNOWN = {
    "sample_column": frozenset(_SAMPLE.split()),
    "time_column": frozenset(_TIME.split()),
    "label_column": frozenset(_LABEL.split()),
}
_SAMPLE_ELSEWHERE = """
muestra echantillon échantillon campione amostra messung versuch probe probennr probennummer
próbka образец 样本 サンプル run runid runno runnumber
"""
_TIME_ELSEWHERE = "zeit zeitstempel temps horodatage tiempo fecha tempo tijd czas время 时间 時間 시간"
_LABEL_ELSEWHERE = """
klasse zustand aktivität activité actividad attività etikett classe étiquette etiquette clase
etiqueta etichetta rótulo rotulo klasa etykieta klas luokka класс метка 标签 类别 ラベル 라벨
activitytype activitylabel passfail
"""
_ELSEWHERE = {
    "sample_column": frozenset(_SAMPLE_ELSEWHERE.split()),
    "time_column": frozenset(_TIME_ELSEWHERE.split()),
    "label_column": frozenset(_LABEL_ELSEWHERE.split()),
}
"""What people call them elsewhere, or less often: taken where nothing has a name of above, and said."""
_UNIT = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\]|#)\s*$")
"""What stands behind a name: `Temps (s)`, `Run #`."""
SENSOR = re.compile(
    r"accel\w*|\w*acceleration\w*|\w*acceleromet\w*|acc|\w*gyro\w*|gyr|\w*magnet\w*|mag|\w*gravity\w*|\w*orientation\w*|"
    r"\w*baromet\w*|\w*pressure\w*|\w*rotation\w*|\w*quaternion\w*|ecg|emg|eeg|ppg|eda|bvp|gsr",
    re.IGNORECASE,
)
"""What sensors are called, in names of files and columns."""


def likely(field: str, names: Sequence[str]) -> list[str]:
    """Columns whose name is one of those that people give to what `field` asks for."""
    plain = [(name, _plain(name)) for name in names]
    known, elsewhere = _KNOWN[field], _ELSEWHERE[field]
    if found := [name for name, one in plain if one in known] or [name for name, one in plain if one in elsewhere]:
        return found
    bare = [(name, _plain(_UNIT.sub("", name))) for name in names]
    return [name for name, one in bare if one in known or one in elsewhere]


def in_other_languages(field: str, names: Sequence[str]) -> list[str]:
    """The same where they are not called so in English."""
    return [name for name in names if _plain(name) in _ELSEWHERE[field]]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def guessed(spec: DataSpec, names: Sequence[str], cells: Cells) -> DataSpec:
    """`spec` with the columns that can only be meant; unchanged where series or times would not be known then.

    Args:
        spec: fields that are not as they are by default were named by hand.
        names: columns of the table.
        cells: of a column in the first rows.
    """
    taken = {*spec.feature_columns, *spec.ignore_columns, spec.group_column}
    found = dict[str, str]()
    joined = found_parts(names, cells) if spec.time_column == DataSpec.model_fields["time_column"].default else None
    if joined is not None and not taken & set(joined.split(",")):
        found["time_column"] = joined
    for field in FIELDS:
        own = getattr(spec, field)
        if field in found or own in names or own != DataSpec.model_fields[field].default:
            continue
        candidates = [name for name in likely(field, names) if name not in taken]
        if field == "sample_column":
            candidates = [name for name in candidates if len(set(own := cells(name))) < len(own)]
        if len(candidates) == 1:
            found[field] = candidates[0]
    known = spec.model_copy(update=found)
    times = set(time_parts(known)) or {known.time_column}
    if spec.window is None and not {known.sample_column, *times} <= set(names):
        return spec
    return known


def told(before: DataSpec, after: DataSpec) -> str:
    """What was guessed, in a sentence with the options that decide it; empty where nothing was."""
    changed = [field for field in FIELDS if getattr(before, field) != getattr(after, field)]
    if not changed:
        return ""
    together = " together" if "time_column" in changed and time_parts(after) else ""
    means = ", ".join(
        f"{FIELDS[field]} in {getattr(after, field)!r}{together * (field == 'time_column')}" for field in changed
    )
    options = ", ".join(f"`--{field.replace('_', '-')}`" for field in changed)
    return f"By their names: {means} ({options})."


def how_to_name(missing: Sequence[str], names: Sequence[str], cells: Cells) -> str:
    """The options that name columns, to be pasted, with those that are likely."""
    rest = list(names)
    words = []
    for field in missing:
        candidates = [name for name in likely(field, rest) if not name.isspace()] if field in _KNOWN else []
        if field == "time_column":
            joined = found_parts(rest, cells)
            candidates = [joined] if joined else sorted(candidates, key=lambda name: _is_unlikely(name, cells(name)))
        chosen = candidates[0] if candidates else "NAME"
        rest = [name for name in rest if name != chosen]
        words.append(f"--{field.replace('_', '-')} {shlex.quote(chosen)}")
    return f" Name them: `{' '.join(words)}`."


def _is_unlikely(name: str, cells: Sequence[str]) -> tuple[bool, bool]:
    """Rather a day than a time, or text."""
    return "dat" in name.lower(), not all(re.fullmatch(r"-?\d+([.,]\d+)?", cell.strip()) for cell in cells)


Look = Callable[[Path], tuple[Sequence[str], Cells]]
"""The columns of a file, and the cells of one in its first rows."""


def with_guesses(source: Source, look: Look) -> Source:
    """The same source, which finds out columns that nobody named: for training, check, prediction and drift alike."""

    def known(spec: DataSpec) -> DataSpec:
        if spec.layout not in ("auto", "long") or not path_of(spec.source).is_file():
            return spec
        try:
            return guessed(spec, *look(path_of(spec.source)))
        except DataError:
            return spec  # whose reader says what is wrong

    def read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
        after = known(spec.model_copy(update={"source": str(files_of(report)[0])})).model_copy(
            update={"source": spec.source}
        )
        raw = source.read(after, report, cache)
        if not (said := told(spec, after)):
            return raw
        own = {field: getattr(after, field) for field in FIELDS if getattr(after, field) != getattr(spec, field)}
        return replace(raw, understood=(*raw.understood, said), found_out={**raw.found_out, **own})

    def unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
        if source.unlabelled is not None:
            yield from source.unlabelled(known(spec), wanted)

    def names(path: Path) -> Sequence[str] | None:
        try:
            return look(path)[0]
        except (DataError, OSError):
            return None

    return replace(
        source,
        names=names,
        read=read,
        unlabelled=unlabelled,
        is_labelled=lambda spec: source.is_labelled(known(spec)),
        columns=known,
    )
