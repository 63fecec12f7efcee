"""Fashion-MNIST through the real fetch, from the files that Debian's package holds."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fashion import PACKAGE, published_files
from hw3models.data import fetch, load_prepared, prepare
from hw3models.specs import DataSpec
from tests.hw3models.data.known.mirror import serve

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs the Debian package dataset-fashion-mnist")


def test_fashion_mnist_is_fetched_by_its_published_sums_and_read(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in published_files(tmp_path)}
    spec, cache = DataSpec(source="fashion-mnist", max_train=1000), tmp_path / "cache"
    with serve(files) as mirror:
        source = fetch(spec, cache=cache, mirrors={"fashion-mnist": [mirror.address]})
    data = load_prepared(prepare(spec, source, cache=cache))
    assert data.class_names[:3] == ("T-shirt/top", "Trouser", "Pullover")
    assert np.bincount(data.labels[data.test]).tolist() == [1000] * 10
    assert data.features.shape[1:] == (28, 28)
    # Trousers are tall and dark at their sides; the mean of the first column of pixels is nothing.
    trousers = data.features[data.labels == 1].mean(0)
    assert trousers[:, 12:16].mean() > 60
    assert trousers[:, 0].mean() < 1
