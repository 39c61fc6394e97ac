"""Tables by frame that people and programs write: rankings, ratings, truths, weights (CSV)."""

import csv
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import UsageError, closest
from ..video.base import Video
from ..video.mark import mark_text, marks

_FRAME = ("frame", "number")
ABOUT_FRAMES = ("item", "time", "mark")
"""Columns that tell of which video a table is; `mark`: `video.mark` of a frame, 16 digits."""
_LOOKED_AT = 16
"""Frames of a table that are compared with the video, spread over it."""
_SAME_TIME = np.timedelta64(1500, "us")
"""Rankings are written to the millisecond."""


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """One column of a table, by the frame's number."""

    file: str
    name: str
    """The column's."""
    values: dict[int, float]
    """NaN where the cell is empty."""
    beside: dict[str, dict[int, str]] = field(default_factory=dict)
    """Cells of other columns, as text, where the table has them."""


def frame_column(file: str, names: Sequence[str], *, beside: Sequence[str] = ()) -> FrameColumn:
    """Read one column of a table by frame: the first of some names that it has.

    file: "-" is standard input. beside: columns whose text is kept. Raises UsageError, with the
    line, for what is no table of numbers by frame, each frame once.
    """
    text = _text(file)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = [title.strip() for title in table.fieldnames or []]
        table.fieldnames = header
        frame, chosen = (_first(file, some, header) for some in (_FRAME, names))
        values: dict[int, float] = {}
        more: dict[str, dict[int, str]] = {name: {} for name in beside if name in header}
        for row in table:
            number = _whole(row[frame], file, table.line_num)
            if number in values:
                raise UsageError(
                    f"{file}, line {table.line_num}: frame {number} is there twice; "
                    "a table holds one video"
                )
            cell = (row[chosen] or "").strip()
            values[number] = _number(cell, file, table.line_num) if cell else math.nan
            for name, cells in more.items():
                cells[number] = (row[name] or "").strip()
    except csv.Error as problem:
        raise UsageError(f"{file}: this is no CSV table: {problem}") from problem
    if not values:
        raise UsageError(f"{file}: a table without rows")
    return FrameColumn(file, chosen, values, more)


def check_frames(table: FrameColumn, video: Video) -> None:
    """Raise the UsageError for a table that tells of frames that a video does not have."""
    most = max(table.values)
    if not 0 <= min(table.values) <= most < len(video):
        wrong = most if most >= len(video) else min(table.values)
        raise UsageError(
            f"{table.file} tells of frame {wrong}, {video.path.name} has {len(video)}, counted "
            "from 0: is it another video's?"
        )


def check_video(table: FrameColumn, video: Video) -> None:
    """Raise the UsageError for a table of another video, as far as it tells.

    By what stands beside its numbers (`ABOUT_FRAMES`): the names of files, times, and checksums of
    the frames themselves, which no two videos share.
    """
    check_frames(table, video)
    known = sorted(table.values)
    some = known[:: -(-len(known) // _LOOKED_AT)]
    for name, frame in ((name, frame) for name in table.beside for frame in some):
        cell = table.beside[name][frame]
        if name == "item" and cell:
            named, here = _file_of(cell), video.origin(frame).path.name
            if named != here:
                raise UsageError(f"{table.file} is of {named}, not of {here}: name the right video")
        elif name == "time" and not _same_time(cell, video, frame):
            raise UsageError(
                f"{table.file} is not of {video.path.name}: its frame {frame} was taken at {cell}, "
                f"the video's at {_time(video, frame)}"
            )
        elif name == "mark" and cell and cell != mark_text(marks(video.frame(frame)[None])[0]):
            raise UsageError(
                f"{table.file} is not of {video.path.name}: its frame {frame} has other pixels"
            )


def _file_of(item: str) -> str:
    """Return the name of the file in an address: of "a/mars.ser#12" it is mars.ser."""
    return Path(item.rpartition("#")[0] or item).name


def _time(video: Video, frame: int) -> np.datetime64:
    times = video.about.times
    return np.datetime64("NaT", "us") if times is None else times[frame].astype("datetime64[us]")


def _same_time(cell: str, video: Video, frame: int) -> bool:
    """Tell whether a frame was taken at a time; True where either is unknown."""
    here = _time(video, frame)
    try:
        written = np.datetime64(cell.rstrip("Z"), "us")
    except ValueError:
        return True
    return bool(np.isnat(written) or np.isnat(here) or abs(written - here) <= _SAME_TIME)


def _text(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise UsageError(f"can't read {file}: {problem.strerror}") from problem
    except ValueError as problem:  # not UTF-8; or a NUL in the name
        raise UsageError(f"can't read {file}: this is no CSV table in UTF-8") from problem


def _first(file: str, names: Sequence[str], header: list[str]) -> str:
    found = next((name for name in names if name in header), None)
    if found is not None:
        return found
    if not header:
        raise UsageError(f"{file}: a table without a line of names")
    shown = ", ".join(header[:12]) + (", ..." if len(header) > 12 else "")
    raise UsageError(f"{file}: no column {names[0]}{closest(names[0], header)}; there are: {shown}")


def _whole(cell: str | None, file: str, line: int) -> int:
    try:
        return int(str(cell))
    except ValueError:
        raise UsageError(
            f"{file}, line {line}: a frame's number is a whole one, not {(cell or 'empty')[:40]}"
        ) from None


def _number(cell: str, file: str, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise UsageError(f"{file}, line {line}: {cell[:40]} is not a number") from None
