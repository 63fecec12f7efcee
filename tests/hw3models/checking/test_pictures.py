"""What a look at pictures finds: near copies, leaks of their files, groups in their names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hw3models.checking import Finding, check_data
from hw3models.checking.pictures import near_pairs
from hw3models.report.check_page import write_page
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import put, read


def scene(seed: int) -> Image.Image:
    """Smooth, as photographs are: two are never alike."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image, **how: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)


def looked(root: Path, cache: Path) -> tuple[Finding, ...]:
    raw = read(root, cache)
    found, sample = check_data(raw, DataSpec(source=str(root)))
    write_page(found, sample, cache / "page.html")
    assert (cache / "page.html").read_text().count("<figure") == len(found.class_names)
    return found.findings


def told(findings: tuple[Finding, ...]) -> str:
    return "\n".join(f"{one.severity}: {one.what}. {one.do}" for one in findings)


def folders(root: Path, *, suffix: str = ".png", num: int = 8) -> Path:
    for part, first in (("train", 0), ("test", 500)):
        for k, name in enumerate(("ant", "bee")):
            for i in range(num):
                save(root / part / name / f"{name}{first + i}{suffix}", scene(first + 100 * k + i))
    return root


def test_a_test_picture_that_was_saved_again_is_found_in_training(tmp_path: Path) -> None:
    root = folders(tmp_path / "set")
    save(root / "test" / "ant" / "again.jpg", scene(3), quality=60)
    text = told(looked(root, tmp_path))
    assert "error: 1 test pictures are nearly the same as one for training, such as" in text
    assert "'test/ant/again.jpg' and 'train/ant/ant3.png'" in text
    assert "in the training split as well" not in text  # to the pixel it is another


def test_near_copies_with_other_labels_are_named(tmp_path: Path) -> None:
    root = folders(tmp_path / "set")
    save(root / "train" / "bee" / "bee900.jpg", scene(3), quality=60)
    text = told(looked(root, tmp_path))
    assert "warning: 1 pairs of pictures are nearly the same and have other labels, such as" in text
    assert "'train/ant/ant3.png' and 'train/bee/bee900.jpg' ('ant', 'bee')" in text


def test_pictures_that_differ_are_no_near_copies() -> None:
    images = np.stack([np.asarray(scene(i)) for i in range(60)])
    assert len(near_pairs(images)) == 0
    flat = np.stack([np.full((32, 32), value, np.uint8) for value in (10, 60, 200)])
    assert len(near_pairs(flat)) == 0  # one hash, other pictures


def test_the_format_of_the_file_alone_is_a_leak(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(20):
        save(root / "ant" / f"{i}.png", scene(i))
        save(root / "bee" / f"{i}.jpg", scene(100 + i))
    text = told(looked(root, tmp_path))
    assert "warning: the format of the file alone tells the classes apart: 100% balanced accuracy" in text
    assert "different cameras or sources" in text


def test_a_picture_that_is_named_like_another_class_is_named(tmp_path: Path) -> None:
    root = folders(tmp_path / "set")
    save(root / "train" / "ant" / "bee77.png", scene(77))
    assert "1 pictures are named like another class than theirs, such as 'train/ant/bee77.png'" in told(
        looked(root, tmp_path)
    )


@pytest.mark.parametrize(
    ("name", "option", "groups"),
    [
        ("{k}/p{p}_{i}.png", r"([^/_-]+)[_-][^/]*$", ("p0", "p1", "p2", "p3")),
        ("{k}/p{p}/{i}.png", "folder", ("p0", "p1", "p2", "p3")),
        ("{k}/clip{p}x{i}.png", r"([^/]*[^/\d_. -])[_. -]*\d+\.\w+$", ("clip0x", "clip1x", "clip2x", "clip3x")),
    ],
)
def test_names_that_say_whose_a_picture_is_become_an_option_that_works(
    name: str, option: str, groups: tuple[str, ...], tmp_path: Path
) -> None:
    root = tmp_path / "set"
    for k in "ab":
        for p in range(4):
            for i in range(4):
                put(root / name.format(k=k, p=p, i=i), seed=ord(k) * 100 + p * 10 + i)
    text = told(looked(root, tmp_path))
    assert "repeats over several pictures: 4 values in 32 pictures" in text
    assert f"if so give `--group-from '{option}'`" in text
    assert read(root, tmp_path, group_from=option).group_names == groups
