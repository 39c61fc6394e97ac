"""Tables by frame that people and programs write: rankings, ratings, truths, weights (CSV)."""

import csv
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError, closest
from ..video.base import Video

_FRAME = ("frame", "number")


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
