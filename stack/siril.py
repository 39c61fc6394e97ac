"""Siril's sequence files (.seq): which frames, how they are shifted, how good they are.

A text file beside the pictures, with their name; each line is told by its first letter (Siril,
src/io/seqfile.c). Versions differ without a word: Siril 1.0 reads a file of version 7 and stacks
it unaligned (measured with 1.0.6), so the form has to be chosen.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, ShapeError, UsageError
from .save import check_free, whole

Form = Literal["1.0", "1.4"]
"""For Siril 1.0 and 1.2 (version 3: shifts), or 1.4 and later (version 7: homographies)."""
_MOST_BYTES = 1 << 28
_NAMED = re.compile(r"^S (?:'([^']*)'|(\S+)) (.*)$")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence as Siril knows it; arrays (n,), one entry for each image in their order.

    name: of the file without ending. included: whether it is to be stacked. dy, dx: pixels by which
    the image stands below and to the right of the reference. quality: 0..1, NaN where not known.
    reference: the row that shifts count from; -1: none. numbers: what Siril calls the images.
    layers: 1, or 3 of colours. mosaic: raw colours, opened as one layer.
    single: "S" for a SER, "A" for a film, "F" for a FITS cube, "" for pictures of their own.
    """

    name: str
    included: NDArray[np.bool_]
    dy: NDArray[np.float64]
    dx: NDArray[np.float64]
    quality: NDArray[np.float64]
    reference: int = -1
    numbers: NDArray[np.int64] | None = None
    layers: int = 1
    single: Literal["S", "A", "F", ""] = "S"
    mosaic: bool = False

    def __len__(self) -> int:
        return len(self.included)


def sequence(
    name: str,
    dy: NDArray[Any],
    dx: NDArray[Any],
    scores: NDArray[Any],
    *,
    included: NDArray[np.bool_] | None = None,
    layers: int = 1,
    mosaic: bool = False,
) -> Sequence:
    """Make the sequence of a SER from shifts against any template, and scores of any range.

    The included image of the highest score is the reference, and shifts count from it: Siril's
    stack lies on it. Scores are mapped to 0..1, the lowest to the highest of those included.
    Images whose shift is not finite are not included. Raises ShapeError for unequal arrays.
    """
    if not np.shape(dy) == np.shape(dx) == np.shape(scores):
        raise ShapeError(f"shifts {np.shape(dy)} {np.shape(dx)}, scores {np.shape(scores)}")
    dy, dx = np.asarray(dy, np.float64), np.asarray(dx, np.float64)
    known = np.isfinite(dy) & np.isfinite(dx)
    use = known if included is None else known & included
    scores = np.asarray(scores, np.float64)
    judged = use & np.isfinite(scores)
    reference = -1
    if judged.any():
        reference = int(np.argmax(np.where(judged, scores, -np.inf)))
    elif use.any():
        reference = int(np.argmax(use))
    low, high = (scores[judged].min(), scores[judged].max()) if judged.any() else (0.0, 0.0)
    with np.errstate(invalid="ignore"):
        quality = (scores - low) / (high - low) if high > low else np.where(judged, 1.0, np.nan)
    off = (0.0, 0.0) if reference < 0 else (float(dy[reference]), float(dx[reference]))
    return Sequence(
        name, use, np.where(known, dy - off[0], np.nan), np.where(known, dx - off[1], np.nan),
        np.clip(np.where(np.isfinite(scores), quality, np.nan), 0, 1), reference, layers=layers,
        mosaic=mosaic,
    )  # fmt: skip


def write_sequence(path: Path, told: Sequence, form: Form, *, force: bool = False) -> None:
    """Write a .seq, whole or not at all; raises UsageError where it can't or may not be written."""
    check_free(path, force=force)
    with whole(path) as file:
        file.write(sequence_text(told, form).encode("utf-8"))


def sequence_text(told: Sequence, form: Form) -> str:
    """Return what stands in a .seq.

    Siril's own axes: what stands (a right, b down) of the reference is moved by (-a, b) in version
    3, whose rows count upwards, and by the matrix 1 0 -a, 0 1 -b, 0 0 1 in version 7. Numbers as
    "%g" would round shifts of 1000 pixels to 0.01; they have 9 digits here.
    Raises UsageError for a name that the file can't hold, ShapeError for unequal arrays.
    """
    if not told.name or "'" in told.name or not told.name.isprintable():
        raise UsageError(f"Siril takes no such name: {told.name!r}; rename it without quotes")
    numbers = np.arange(len(told)) if told.numbers is None else told.numbers
    columns = (told.dy, told.dx, told.quality, numbers)
    if any(len(column) != len(told) for column in columns):
        raise ShapeError(f"{[len(column) for column in columns]} entries for {len(told)} images")
    start = int(numbers[0]) if len(numbers) else 0
    head = f"S '{told.name}' {start} {len(told)} {int(told.included.sum())} 5 {told.reference}"
    lines = [
        "#Siril sequence file, written by seeing: selection, shifts and quality of its ranking",
        f"{head} 3" if form == "1.0" else f"{head} 7 0 0 0",
        *([f"T{told.single}"] if told.single else []),
        f"L {told.layers}",
        *(f"I {number} {int(use)}" for number, use in zip(numbers, told.included, strict=True)),
    ]
    # measured with 1.0.6: shifts on layer 0 of three, or of a mosaic, are ignored without a word
    layer = "*" if told.mosaic else "1" if told.layers == 3 else "0"
    for down, right, quality in zip(told.dy, told.dx, told.quality, strict=True):
        known = bool(np.isfinite(down) and np.isfinite(right))
        grade = f"{quality:.9g}" if np.isfinite(quality) else "-1"
        a, b = (float(right) + 0.0, float(down) + 0.0) if known else (0.0, 0.0)
        if form == "1.0":
            lines.append(f"R{layer} {0.0 - a:.9g} {b:.9g} 0 0 0 {grade}")
        else:
            move = f"1 0 {0.0 - a:.9g} 0 1 {0.0 - b:.9g} 0 0 1" if known else "0 0 0 0 0 0 0 0 0"
            lines.append(f"R{layer} 0 0 0 {grade} 0 0 H {move}")
    return "\n".join(lines) + "\n"


def read_sequence(path: Path) -> Sequence:
    """Read a .seq of version 3 or of version 4 and later; raises PictureError.

    Shifts that are missing, or turn or scale the image, are NaN.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PictureError(f"{path.name}: too large for a sequence of Siril's")
        text = path.read_text("utf-8", "replace")
    except OSError as problem:
        raise PictureError(f"{path.name}: {problem.strerror or problem}") from problem
    try:
        return _understood(text.splitlines())
    except (ValueError, IndexError) as problem:
        raise PictureError(f"{path.name}: no sequence of Siril's ({problem})") from problem


def _understood(lines: Iterable[str]) -> Sequence:
    name, fields = "", [""]
    layers, single = 1, ""
    images: list[list[str]] = []
    registered: dict[str, list[tuple[float, float, float]]] = {}
    for line in lines:
        if line.startswith("S "):
            head = _NAMED.match(line)
            if head is None:
                raise ValueError(f"not understood: {line[:60]}")
            name, fields = head[1] if head[1] is not None else head[2], head[3].split()
        elif line[:2] in ("TS", "TA", "TF"):
            single = line[1]
        elif line.startswith("L "):
            layers = int(line.split()[1])
        elif line.startswith("I "):
            images.append(line.split())
        elif line.startswith("R"):
            version = int(fields[5]) if len(fields) > 5 else 0
            registered.setdefault(line[1:2], []).append(_registered(line.split()[1:], version))
    if len(fields) < 5:
        raise ValueError("no line S with a count of images and a reference")
    if len(images) != int(fields[1]):
        raise ValueError(f"{len(images)} lines I for {fields[1]} images")
    rows = max(registered.values(), key=len, default=[])
    if registered and len(rows) != len(images):
        raise ValueError(f"{len(rows)} lines R for {len(images)} images")
    nothing = (np.nan, np.nan, np.nan)
    down, right, quality = np.array(rows or [nothing] * len(images)).reshape(-1, 3).T
    return Sequence(
        name, np.array([row[2] != "0" for row in images], bool), down, right, quality,
        int(fields[4]), np.array([int(row[1]) for row in images], np.int64), layers,
        "S" if single == "S" else "A" if single == "A" else "F" if single == "F" else "",
        "*" in registered,
    )  # fmt: skip


def _registered(fields: list[str], version: int) -> tuple[float, float, float]:
    """Return (down, right, quality) of a line R."""
    if "H" in fields:
        at = fields.index("H")
        h = [float(field) for field in fields[at + 1 : at + 10]]
        quality = float(fields[3])
        straight = len(h) == 9 and np.allclose([*h[:2], *h[3:5], *h[6:]], [1, 0, 0, 1, 0, 0, 1])
        down, right = (-h[5], -h[2]) if straight else (np.nan, np.nan)
    elif version == 3:
        values = [float(field) for field in fields]
        right, down, quality = -values[0], values[1], values[5]
    else:
        raise ValueError(f"version {version} is not read; let Siril save it again")
    return down + 0.0, right + 0.0, quality if quality >= 0 else np.nan
