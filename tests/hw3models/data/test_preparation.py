"""Fetch and prepare as a whole: reports, digests, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hw3models import data as data_package
from hw3models.data import REGIMES, fetch, load_prepared, prepare
from hw3models.errors import DataError, DigestError, SpecError
from hw3models.specs import DataSpec

SMALL = DataSpec(source="regime:locked", num_train=200, num_test=100)


def test_the_public_names_are_there() -> None:
    assert all(hasattr(data_package, name) for name in data_package.__all__)
    assert REGIMES == ("motif", "order", "locked", "dynamics", "trend")


def test_importing_data_is_cheap_and_does_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, hw3models.data; "
        "heavy = {'torch', 'torchvision', 'sklearn', 'aeon', 'pandas', 'prefect', 'mlflow'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={"PYTHONPATH": str(root)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_is_prepared_with_its_sizes(name: str, tmp_path: Path) -> None:
    spec = SMALL.model_copy(update={"source": f"regime:{name}"})
    source = fetch(spec, cache=tmp_path)
    assert (source.kind, source.files) == ("sequences", ())
    report = prepare(spec, source, cache=tmp_path)
    assert (report.num_train, report.num_validation, report.num_test, report.shape) == (180, 20, 100, (50, 8))
    assert (report.name, report.source, report.class_counts) == (name, f"regime:{name}", (150, 150))
    assert Path(report.path).name == f"{name}-{report.digest}.npz"
    data = load_prepared(report)
    np.testing.assert_array_equal(data.test, np.arange(200, 300))
    np.testing.assert_allclose(data.mean, data.features[data.train].mean(axis=(0, 1)), atol=1e-5)


def test_the_same_spec_gives_the_same_digest_in_another_place(tmp_path: Path) -> None:
    reports = [prepare(SMALL, fetch(SMALL, cache=tmp_path / p), cache=tmp_path / p) for p in "ab"]
    assert reports[0].digest == reports[1].digest
    for change in ({"seed": 1}, {"difficulty": 2.0}, {"num_train": 201}, {"validation_fraction": 0.2}):
        other = SMALL.model_copy(update=change)
        assert prepare(other, fetch(other, cache=tmp_path), cache=tmp_path).digest != reports[0].digest


def test_max_train_drops_the_rest_of_the_training_examples_and_keeps_the_test_examples(tmp_path: Path) -> None:
    few = SMALL.model_copy(update={"max_train": 50})
    whole = load_prepared(prepare(SMALL, fetch(SMALL, cache=tmp_path), cache=tmp_path))
    report = prepare(few, fetch(few, cache=tmp_path), cache=tmp_path)
    small = load_prepared(report)
    assert (len(small.features), report.num_train, report.num_validation) == (150, 45, 5)
    assert sum(report.class_counts) == 150
    np.testing.assert_array_equal(small.features[small.test], whole.features[whole.test])
    np.testing.assert_array_equal(small.labels[small.test], whole.labels[whole.test])


def test_the_asked_digest_is_checked_and_both_are_named(tmp_path: Path) -> None:
    report = prepare(SMALL, fetch(SMALL, cache=tmp_path), cache=tmp_path)
    right = SMALL.model_copy(update={"digest": report.digest})
    assert prepare(right, fetch(right, cache=tmp_path), cache=tmp_path) == report
    wrong = SMALL.model_copy(update={"digest": "0123456789abcdef"})
    with pytest.raises(DigestError, match=rf"have digest {report.digest}, but the spec asks for 0123456789abcdef"):
        prepare(wrong, fetch(wrong, cache=tmp_path), cache=tmp_path)


def test_prepared_data_that_changed_on_disk_are_refused(tmp_path: Path) -> None:
    report = prepare(SMALL, fetch(SMALL, cache=tmp_path), cache=tmp_path)
    other = prepare(SMALL.model_copy(update={"seed": 5}), fetch(SMALL, cache=tmp_path), cache=tmp_path)
    Path(report.path).write_bytes(Path(other.path).read_bytes())
    with pytest.raises(DigestError, match=rf"is {other.digest}, but {report.digest} was asked for"):
        load_prepared(report)
    assert prepare(SMALL, fetch(SMALL, cache=tmp_path), cache=tmp_path) == report, "preparing again heals it"
    assert load_prepared(report).digest == report.digest


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnsit", r"'mnsit' is not known\. Did you mean 'mnist'\?"),
        ("regime:oder", r"no regime 'oder'\. Did you mean 'order'\?"),
        ("", r"must be one of mnist, .* and \d+ more, or the path of"),
    ],
)
def test_an_unknown_source_is_refused_with_a_suggestion(source: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=message):
        fetch(DataSpec(source=source), cache=tmp_path)


def test_raw_data_of_another_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`source` is 'regime:order', but the raw data are of 'regime:locked'"):
        prepare(DataSpec(source="regime:order"), fetch(SMALL, cache=tmp_path), cache=tmp_path)


def test_digits_are_split_and_named(tmp_path: Path) -> None:
    spec = DataSpec(source="digits")
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert (report.kind, report.shape, report.class_names) == ("images", (28, 28), tuple("0123456789"))
    assert (report.num_train, report.num_validation, report.num_test) == (1213, 135, 449)
    # Pinned: workers on other machines must prepare the very same images.
    assert report.digest == "8161ef1eef13330a"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.raises(DataError, match="the prepared data cannot be stored"):
        prepare(SMALL, fetch(SMALL, cache=tmp_path), cache=tmp_path / "cache")


def test_a_million_classes_are_refused_by_their_number(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((10**6, 2, 1), np.float32), y=np.arange(10**6))
    spec = DataSpec(source=str(tmp_path / "a.npz"))
    with pytest.raises(
        DataError, match=r"1,000,000 examples are of 1,000,000 classes, such as '0' and '1'; the limit is 10,000"
    ):
        prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)


def test_labels_that_name_examples_are_refused_before_anything_is_drawn_or_kept(tmp_path: Path) -> None:
    num = 100_000
    np.savez(tmp_path / "ids.npz", X=np.zeros((num, 2), np.float32), y=np.arange(num))
    spec = DataSpec(source=str(tmp_path / "ids.npz"))
    with pytest.raises(
        DataError, match=r"100,000 examples are of 100,000 classes, such as '0' and '1'; the limit is 10,000"
    ):
        prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
