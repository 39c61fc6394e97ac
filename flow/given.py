"""What callers may give as pictures: paths, items, matches, arrays; one or many."""

import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..db.items import Item
from ..errors import UsageError
from ..media.address import Address
from ..media.picture import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..show.listing import Entry

    OnePicture = str | Path | Item | Entry | NDArray[Any] | Image | Picture
    Paths = str | Path | Item | Entry | Sequence[str | Path | Item | Entry]
    Targets = OnePicture | Sequence[OnePicture]

_LEVELS = 3
_GREY_OR_COLOUR = (1, 3)


def listed(given: object) -> "list[str | Path | Picture]":
    """Return what was given as a list: paths as text or Path, pictures in memory as Picture.

    One or many of: a path, an item or anything with an item (a match), an address, a PIL image,
    an array as in `in_memory`. Raises UsageError for anything else, and for an empty name.
    """
    one = _one(given)
    if one is not None:
        return [one]
    if given is None or not isinstance(given, Iterable):
        raise UsageError(f"a picture is a path, an item or an array, not {_kind(given)}")
    found = []
    for each in given:
        known = _one(each)
        if known is None:
            raise UsageError(f"a picture is a path, an item or an array, not {_kind(each)}")
        found.append(known)
    return found


def paths_in(given: object) -> list[str | Path]:
    """Return what was given as a list of paths; raises UsageError for pictures in memory."""
    found = listed(given)
    paths = [one for one in found if not isinstance(one, Picture)]
    if len(paths) < len(found):
        raise UsageError("only files can be indexed, ranked or forgotten: save the array first")
    return paths


def whole_number(value: object, name: str) -> int:
    """Return an integer of any type; raises UsageError for what is none."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(f"{name} must be a whole number, not {_kind(value)}") from None


def in_memory(array: NDArray[Any]) -> Picture:
    """Return an array as a picture.

    array: (height, width), (height, width, 1) or (height, width, 3); uint8, uint16, or float with
    1.0 = full scale. Raises UsageError for another shape or type.
    """
    samples = array[..., None] if array.ndim == _LEVELS - 1 else array
    if samples.ndim != _LEVELS or samples.shape[2] not in _GREY_OR_COLOUR or not samples.size:
        raise UsageError(
            f"a picture is an array (height, width), or with 1 or 3 colours, not {array.shape}"
        )
    if samples.dtype in (np.uint8, np.uint16):
        depth = 8 * samples.dtype.itemsize
        return Picture(samples, float(2**depth - 1), depth)
    if samples.dtype.kind != "f":
        raise UsageError(f"a picture is uint8, uint16 or float, not {array.dtype}")
    invalid = ~np.isfinite(samples).all(axis=2)
    whole = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return Picture(whole, 1.0, 32, mask=invalid if invalid.any() else None)


def _one(given: object) -> "str | Path | Picture | None":
    """Return a single picture as a path or a Picture; None for what is no single picture."""
    if isinstance(given, str | bytes):
        return _named(os.fsdecode(given))
    if isinstance(given, os.PathLike):
        return Path(given)
    item = given if isinstance(given, Item) else getattr(given, "item", None)
    if isinstance(item, Item):  # an item, or a match of one
        return str(item.address)
    return str(given) if isinstance(given, Address) else _pictured(given)


def _pictured(given: object) -> Picture | None:
    """Return a picture in memory, None for what is none."""
    if isinstance(given, Picture):
        return given
    if isinstance(given, np.ndarray) and given.dtype.kind in "uif":
        return in_memory(given)
    if type(given).__module__.partition(".")[0] == "PIL":
        image: Image = given  # type: ignore[assignment]
        return in_memory(np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB")))
    return None


def _named(name: str) -> str:
    if not name:  # as from an unset variable; a Path would take it for the working directory
        raise UsageError("an empty name among the paths; the working directory is called .")
    return name


def _kind(given: object) -> str:
    return "None" if given is None else f"{type(given).__name__} {given!r}"[:60]
