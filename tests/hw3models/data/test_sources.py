"""The registry of sources: what a new one touches, and what a broken one does not."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hw3models.checking import check_data
from hw3models.data import fetch, load_prepared, prepare, sources
from hw3models.data.known.synthetic import REGIMES, make_regime
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, Wanted, found, path_of
from hw3models.data.sources import check_kind, check_there, described, find_source, plugins, read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError, SpecError
from hw3models.serving.model_card import licence_of
from hw3models.specs import DataReport, DataSpec, Hw3Spec, ImagesSpec, SequencesSpec, SourceReport
from hw3models.specs.model import ModelManifest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "CONTRIBUTING.md").read_text().split("## Adding a source")[1].split("\n## ")[0]
[EXAMPLE] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def _loaded_anew() -> Iterator[None]:
    plugins.cache_clear()
    yield
    plugins.cache_clear()


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: str, points: str, version: str = "1.2"
) -> None:
    """A package with entry points, as pip leaves it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}_pkg-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}-pkg\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[hw3.sources]\n{points}\n")
    monkeypatch.syspath_prepend(folder)
    plugins.cache_clear()


def write_motion(path: Path, *, labels: bool = True) -> Raw:
    raw = make_regime(DataSpec(source="regime:order", num_train=80, num_test=40))
    rows = [{"series": one.tolist(), "label": f"c{k}"} for one, k in zip(raw.features, raw.labels, strict=True)]
    path.write_text("\n".join(json.dumps(row if labels else {"series": row["series"]}) for row in rows))
    return raw


def use_everywhere(tmp_path: Path) -> DataReport:
    """Fetch, check, prepare, read without labels, drift, help texts: what commands do with a source."""
    raw = write_motion(tmp_path / "walk.motion")
    write_motion(tmp_path / "new.motion", labels=False)
    spec = DataSpec(source=str(tmp_path / "walk.motion"))
    check_kind("sequences", spec)
    with pytest.raises(SpecError, match=r"does not hold images\. It holds sequences: `hw3 sequences` comp"):
        check_kind("images", spec)
    source = fetch(spec, cache=tmp_path)
    looked, _ = check_data(read_raw(spec, source, cache=tmp_path), spec)
    assert (looked.num_examples, looked.shape, looked.num_errors) == (120, (50, 8), 0)
    report = prepare(spec, source, cache=tmp_path)
    np.testing.assert_array_equal(load_prepared(report).features, raw.features)
    wanted = Wanted("sequences", (50, 8))
    for name in ("walk.motion", "new.motion"):
        [block] = read_examples(tmp_path / name, wanted)
        np.testing.assert_array_equal(block.examples, raw.features)
    manifest = ModelManifest.model_construct(
        kind="sequences", shape=(50, 8), unequal_lengths=False, channels=(), class_names=("c0", "c1")
    )
    for name, labelled in (("walk", True), ("new", False)):
        examples, labels, _ = read_new(DataSpec(source=str(tmp_path / f"{name}.motion")), manifest, cache=tmp_path)
        assert examples.shape == (120, 50, 8)
        assert (labels is not None) == labelled
    assert "not stated" in licence_of(report)
    assert "`.motion` (JSON lines, a series each)" in described("sequences")
    field = SequencesSpec.model_json_schema()["$defs"]["DataSpec"]["properties"]["source"]
    assert "`.motion` (JSON lines, a series each)" in field["description"]
    assert ".motion" in sources.path_forms()
    with pytest.raises(
        SpecError, match=r"or the path of one of these: .* and \d+ more; `hw3 sources` lists all"
    ) as caught:
        find_source("walk.motoin")
    assert len(str(caught.value)) < 800
    return report


def test_the_example_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "motion_files.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sources, "_OURS", (*sources._OURS, import_module("motion_files").MOTION))
    use_everywhere(tmp_path)


def test_a_package_brings_the_same_and_its_version_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", monkeypatch, "jsonlines", EXAMPLE, "motion = jsonlines:MOTION")
    use_everywhere(tmp_path)
    report = fetch(DataSpec(source=str(tmp_path / "walk.motion")), cache=tmp_path)
    assert report.reader == "jsonlines-pkg 1.2"
    assert fetch(DataSpec(source="digits"), cache=tmp_path).reader == ""


def test_packages_are_not_asked_about_what_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", monkeypatch, "never", "raise RuntimeError('was loaded')", "csv = never:CSV")
    fetch(DataSpec(source="regime:order"), cache=tmp_path)
    assert plugins.cache_info().currsize == 0
    assert find_source("a.csv").package == ""


def test_broken_packages_are_named_in_a_sentence_and_do_not_break_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    install(site, monkeypatch, "broken", "import nothing_of_that_name", "xyz = broken:XYZ", "0.3")
    install(site, monkeypatch, "other", "THING = 3", "three = other:THING\ngone = other:GONE")
    install(site, monkeypatch, "jsonlines", EXAMPLE, "motion = jsonlines:MOTION")
    use_everywhere(tmp_path)
    with pytest.raises(SpecError) as caught:
        find_source("data.xyz")
    message = str(caught.value)
    for sentence in (
        "The source 'xyz' of broken-pkg 0.3 (broken:XYZ) cannot be loaded: ModuleNotFoundError: No module named "
        "'nothing_of_that_name'.",
        "The source 'three' of other-pkg 1.2 (other:THING) cannot be loaded: TypeError: it is a int, not a Source.",
        "The source 'gone' of other-pkg 1.2 (other:GONE) cannot be loaded: AttributeError: ",
    ):
        assert sentence in message
    with pytest.raises(DataError, match=r"cannot be read; known are .*source 'xyz' of broken-pkg"):
        next(read_examples(tmp_path / "data.xyz", Wanted("sequences", (50, 8))))


def test_a_source_may_be_a_folder_that_it_looks_at_with_names_in_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As folders of images or recordings will be: matched by a look, one file a class, its name the label."""

    def matches(source: str) -> bool:
        return path_of(source).is_dir() and any(path_of(source).glob("*.txt"))

    def digest(files: tuple[Path, ...]) -> str:
        return "+".join(sorted(f"{one.name}:{one.read_text()}" for folder in files for one in folder.glob("*.txt")))

    def fetch_folder(spec: DataSpec, _: Fetching) -> SourceReport:
        folder = path_of(spec.source)
        return found(spec.source, "images", [folder], digest((folder,)))

    def read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
        files = sorted(Path(report.files[0]).glob("*.txt"))
        labels = np.repeat(np.arange(len(files)), 10)
        return Raw(
            name="folder",
            kind="images",
            features=np.arange(len(labels) * 784, dtype=np.uint8).reshape(-1, 28, 28),
            labels=labels,
            class_names=tuple(one.stem for one in files),
        )

    folder = Source(
        name="folder",
        forms=("DIR",),
        text="a folder",
        kinds=("images",),
        matches=matches,
        fetch=fetch_folder,
        read=read,
        digest=digest,
        is_path=True,
    )
    monkeypatch.setattr(sources, "_OURS", (*sources._OURS, folder))
    place = tmp_path / "pictures"
    place.mkdir()
    for name in ("ant", "bee"):
        (place / f"{name}.txt").write_text(name)
    spec = DataSpec(source=str(place))
    check_kind("images", spec)
    source = fetch(spec, cache=tmp_path)
    assert prepare(spec, source, cache=tmp_path).class_names == ("ant", "bee")
    (place / "bee.txt").rename(place / "wasp.txt")
    with pytest.raises(Exception, match="They changed in between"):
        prepare(spec, source, cache=tmp_path)


def test_the_homeworks_choices_are_sources() -> None:
    for name in get_args(Hw3Spec.model_fields["images"].annotation):
        check_kind("images", DataSpec(source=name))
    [names] = {get_args(get_args(Hw3Spec.model_fields["regimes"].annotation)[0])}
    assert names == REGIMES


@pytest.mark.parametrize("source", [one for one in sources._OURS if not one.is_path], ids=lambda one: one.name)
def test_every_form_is_taken_by_its_own_source(source: Source) -> None:
    for form in source.forms:
        assert next(one.name for one in sources._OURS if one.matches(form)) == source.name


def test_forms_tell_the_sources_from_the_registry() -> None:
    for spec in (ImagesSpec, SequencesSpec):
        text = spec.model_json_schema()["$defs"]["DataSpec"]["properties"]["source"]["description"]
        assert text.endswith(described())
    for part in ("`fashion-mnist`", "`regime:trend`", "`aeon:NAME`", "`.npz`", "`.parquet`"):
        assert part in described()
    assert "regime:trend" not in described("images")
    assert "mnist" not in described("sequences")


def test_what_is_not_there_and_what_holds_the_other_kind_is_said_with_the_command(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for wrong in (lambda: check_kind("images", DataSpec(source=nowhere)), lambda: find_source(nowhere)):
        with pytest.raises(SpecError, match=r"nowhere' is not there: neither a file nor a folder\. Look"):
            wrong()
    (tmp_path / "walk.ts").write_text("")
    with pytest.raises(SpecError, match=r"It holds sequences: `hw3 sequences` compares families on them\.$"):
        check_kind("images", DataSpec(source=str(tmp_path / "walk.ts")))
    with pytest.raises(DataError, match=r"nowhere: there is no such file\.$"):
        check_there(Path(nowhere))
