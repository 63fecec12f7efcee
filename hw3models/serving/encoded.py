"""Pictures as text in a request: base64 of a JPEG, PNG or the like, as `mlflow models serve` is sent them."""

import base64
import binascii
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.specs.model import ModelManifest


def are_encoded(examples: NDArray[Any]) -> bool:
    """Are these texts, and not numbers?"""
    return examples.dtype.kind in "US" or (examples.dtype.kind == "O" and examples.size > 0 and _is_text(examples))


def _is_text(examples: NDArray[Any]) -> bool:
    return all(isinstance(one, (str, bytes)) or (isinstance(one, dict) and "b64" in one) for one in examples.ravel())


def decoded_examples(examples: NDArray[Any], manifest: ModelManifest) -> NDArray[np.uint8]:
    """Pictures (N,) or (N, 1) in base64, with `data:image/png;base64,` before it or without, as the model takes them.

    Raises:
        DataError: the model takes series, or what cannot be decoded; all of it is named.
    """
    from hw3models.data.pictures.reading import decoded

    if manifest.kind != "images":
        raise DataError(f"examples must be numbers, got dtype {examples.dtype}.")
    texts = examples.ravel().tolist()
    if not texts or examples.size != len(examples):
        raise DataError(f"examples must be numbers, or pictures in base64 of shape (N,), got text {examples.shape}.")
    names = [f"example {number}" for number in range(len(texts))]
    contents = [_bytes(text, name) for text, name in zip(texts, names, strict=True)]
    return decoded(
        "pictures",
        names,
        contents,
        tuple(manifest.shape),
        manifest.image_fit,
        int(manifest.read_as.get("pixel_bits", 16)),
    )


def _bytes(given: str | bytes | dict[str, Any], name: str) -> bytes:
    text = given["b64"] if isinstance(given, dict) else given
    if isinstance(text, str) and text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise DataError(
            f"{name} is not base64 ({error}). Send a picture's bytes so, or its pixels as numbers."
        ) from error
