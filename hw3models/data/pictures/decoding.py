"""One picture: what its header says, and its pixels in one of two forms, grey (H, W) or colour (H, W, 3).

| it has | becomes |
|---|---|
| grey, bilevel, a palette of greys | grey |
| 16 bits | the upper 8 of those that are used (`bits_of`): of 16 65,535 is 255, of 12 4,095 is |
| transparency | laid on white |
| CMYK, YCbCr, LAB, HSV, a palette | red, green and blue |
| a turn in its EXIF data | upright |
| several frames or pages | the first |
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from hw3models.data.pictures.sizes import Fit, Size, brought_to

# Named: others run programs (EPS), or are no pictures (HDF5, video).
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "AVIF", "TGA", "PCX", "JPEG2000")
SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".avif",
        ".tga",
        ".pcx",
        ".jp2",
    ]
)
FOREIGN = frozenset([".heic", ".heif", ".svg", ".psd", ".dcm", ".raw", ".cr2", ".nef", ".dng", ".eps", ".pdf", ".nii"])
"""Pictures that are not read here."""
MAX_PIXELS = 178_956_970
"""Pixels of one picture at most, as Pillow has it: a small file may promise any number."""
_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_BITS16 = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
Content = Path | bytes
"""A file, or what stands in one."""


class Header(NamedTuple):
    """What a picture says of itself before it is decoded."""

    height: int
    """Upright, as it will be seen."""
    width: int
    format: str
    mode: str
    """Pillow's: `L`, `RGB`, `P`, `CMYK`, `I;16` ..."""
    frames: int
    has_alpha: bool
    turned: bool
    """Its EXIF data say that it was taken on its side or upside down."""
    num_bytes: int
    greatest: int = 0
    """The greatest value of one with 16 bits."""


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """Formats that this Pillow was built with."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


class UnreadableError(Exception):
    """A picture cannot be used; the text says why, and what to do."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what Pillow warns of: what matters of it is said of all pictures together."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def header(content: Content) -> Header:
    """Look at the header alone.

    Raises:
        UnreadableError: no picture, or none that is read here.
    """
    data = _bytes(content)
    with _opened(data) as image:
        turned = image.getexif().get(0x0112, 1)
        width, height = image.size if turned < 5 else image.size[::-1]
        return Header(
            height=height,
            width=width,
            format=str(image.format),
            mode="L" if image.mode == "P" and _is_grey_palette(image) else image.mode,
            frames=int(getattr(image, "n_frames", 1)),
            has_alpha=image.has_transparency_data,
            turned=turned not in (0, 1),
            num_bytes=len(data),
            greatest=int(np.asarray(image).max()) if image.mode in _BITS16 else 0,
        )


def pixels(content: Content, size: Size, fit: Fit, *, colour: bool, bits: int = 16) -> NDArray[np.uint8]:
    """Decode a picture: uint8 (H, W) or (H, W, 3) of that size. Of 16 bits `bits` are used.

    Raises:
        UnreadableError: it is damaged.
    """
    with _opened(_bytes(content)) as image:
        # A JPEG is decoded at a half, a quarter or an eighth where that is still twice as large as what is wanted.
        least = max(size)
        if image.format == "JPEG" and image.mode in ("L", "RGB"):
            image.draft(image.mode, (2 * least, 2 * least))
        flat = _flat(ImageOps.exif_transpose(image), colour=colour, bits=bits)
        return np.asarray(brought_to(flat, size, fit), dtype=np.uint8)


def _bytes(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror or error})") from error


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    if not data:
        raise UnreadableError("is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(data), formats=formats()) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableError(_too_large(f"{width:,} x {height:,}"))
            yield image
    except UnidentifiedImageError as error:
        raise UnreadableError(f"is no picture: it begins with {_beginning(data)}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableError(_too_large(str(error).split(" pixels")[0].split("(")[-1])) from error
    # Pillow's readers raise what they please at damaged data.
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, TypeError, KeyError, IndexError, ZeroDivisionError,
            AttributeError, OverflowError, RuntimeError) as error:  # fmt: skip
        raise UnreadableError(f"is damaged ({_reason(error)})") from error


def _too_large(what: str) -> str:
    return f"promises {what} pixels, and no picture may have more than {MAX_PIXELS:,}"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
    return "it ends too early" if "truncated" in text.lower() else text


def _beginning(data: bytes) -> str:
    start = data[:16].lstrip()
    if start[:4] in (b"<!DO", b"<htm", b"<?xm"):
        return "HTML or XML, such as a page that says the picture was not found"
    return repr(start)


def _is_grey_palette(image: Image.Image) -> bool:
    if image.palette is None or image.has_transparency_data or image.palette.mode != "RGB":
        return False
    colours = np.frombuffer(image.palette.tobytes(), np.uint8)
    colours = colours[: len(colours) // 3 * 3].reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def is_grey(found: Header) -> bool:
    """Has it no colours?"""
    return found.mode in _GREY


def is_deep(found: Header) -> bool:
    """Has it 16 bits?"""
    return found.mode in _BITS16


def _flat(image: Image.Image, *, colour: bool, bits: int) -> Image.Image:
    """Eight bits, without transparency, in `L` or `RGB`."""
    wanted = "RGB" if colour else "L"
    if image.mode in _BITS16:
        image = _eight_bits(image, bits)
    elif image.mode == "F":
        raise UnreadableError("holds numbers with fractions; write it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB" if colour or image.mode in ("CMYK", "LAB", "HSV", "YCbCr", "P") else "L")
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image.Image, bits: int) -> Image.Image:
    values: NDArray[Any] = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise UnreadableError(f"holds {values.min():,} to {values.max():,}; write it with 8 or 16 bits")
    return Image.fromarray(upper_eight(values, bits))


def bits_of(greatest: int) -> int:
    """How many bits numbers of 16 bits use: cameras and scanners of 10, 12 and 14 write them as they are."""
    return next((bits for bits in (8, 10, 12, 14) if greatest < 2**bits), 16)


def upper_eight(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """The upper 8 of so many bits; what is greater than fits is 255."""
    found = values // 257 if bits == 16 else np.minimum(values >> (bits - 8), 255)
    return np.asarray(found, dtype=np.uint8)
