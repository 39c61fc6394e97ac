"""Frames of videos in the catalogue: entered many at a time, known by their own checksums."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..media.walk import Found
from .catalogue import Catalogue
from .items import frame_numbers, item_number
from .scores import scorer_number
from .sources import enter_source


@dataclass(frozen=True, slots=True)
class FileFrames:
    """Frames of one file, to be entered.

    numbers: (n,) their numbers in the file; None: the file itself is the one frame. marks:
    (n,) checksums of their samples. times: (n,) datetime64 or None.
    """

    path: Path
    size: int
    mtime_ns: int
    digest: str
    kind: str
    frames: int
    width: int
    height: int
    depth: int
    numbers: NDArray[np.int64] | None
    marks: NDArray[np.uint64]
    times: NDArray[np.datetime64] | None = None
    header: dict[str, Any] = field(default_factory=dict)


def enter_frames(catalogue: Catalogue, files: Sequence[FileFrames]) -> NDArray[np.int64]:
    """Enter frames that are not known yet; return the ids of all, file after file."""
    with catalogue.transaction() as connection:
        return np.concatenate(
            [np.zeros(0, np.int64), *(_enter(catalogue, connection, file) for file in files)]
        )


def _enter(
    catalogue: Catalogue, connection: sqlite3.Connection, file: FileFrames
) -> NDArray[np.int64]:
    source = enter_source(
        connection, catalogue.stored(file.path),
        Found(str(file.path), file.size, file.mtime_ns), digest=file.digest, kind=file.kind,
        frames=file.frames, header=file.header or None,
    )  # fmt: skip
    numbers: list[int | None] = [None] if file.numbers is None else file.numbers.tolist()
    known: dict[int | None, int] = dict(
        connection.execute(
            "SELECT frame, id FROM items WHERE source = ? AND part IS NULL", (source,)
        ).fetchall()
    )
    fresh = np.flatnonzero([number not in known for number in numbers])
    if not len(fresh):
        return np.array([known[number] for number in numbers], np.int64)
    ids = np.array([known.get(number, 0) for number in numbers], np.int64)
    ids[fresh] = _free_ids(connection, file.digest, [numbers[place] for place in fresh.tolist()])
    places = fresh[np.argsort(ids[fresh])]  # by id: the tree then grows side by side
    order = places.tolist()
    times = _written(file.times, len(numbers))
    if file.numbers is None:  # the file is known by its own content, as any still
        contents = [item_number(file.digest, frame=None, part=None)]
    else:
        contents = (file.marks[places] >> np.uint64(1)).tolist()  # `frame_content` of many
    connection.executemany(
        "INSERT INTO items (id, content, source, frame, width, height, depth, taken_at) "
        f"VALUES (?, ?, {source}, ?, {file.width:d}, {file.height:d}, {file.depth:d}, ?)",
        zip(
            ids[places].tolist(), contents, [numbers[place] for place in order],
            [times[place] for place in order], strict=True,
        ),
    )  # fmt: skip
    return ids


def _free_ids(
    connection: sqlite3.Connection, digest: str, numbers: Sequence[int | None]
) -> list[int]:
    """Return ids that no other item has: those of the content, or of its first free copy."""
    copy = 0
    while True:
        ids = frame_numbers(digest, numbers, copy=copy)
        taken = connection.execute(
            "SELECT count(*) FROM items WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        ).fetchone()[0]
        if not taken:
            return ids
        copy += 1


def _written(times: NDArray[np.datetime64] | None, count: int) -> list[str | None]:
    """Return times as ISO 8601 with milliseconds, UTC; None where unknown."""
    if times is None:
        return [None] * count
    texts = np.datetime_as_string(times.astype("datetime64[ms]")).tolist()
    return [None if text == "NaT" else f"{text}Z" for text in texts]


def kept_frame_scores(
    catalogue: Catalogue, identity: str, ids: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Return (n,) scores that were kept of frames, NaN where none was; None for none at all."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT item, value FROM scores JOIN scorers ON scorers.id = scorer WHERE identity = ?",
            (identity,),
        ).fetchall()
    if not rows:
        return None
    known = dict(rows)
    return np.array([known.get(i, np.nan) for i in ids.tolist()])


def keep_frame_scores(
    catalogue: Catalogue,
    identity: str,
    *,
    name: str,
    parameters: dict[str, Any],
    ids: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> None:
    """Keep scores of frames; those without a score are left out."""
    scored = np.isfinite(scores)
    with catalogue.transaction() as connection:
        scorer = scorer_number(connection, identity, name, parameters)
        rows = np.flatnonzero(scored)
        rows = rows[np.argsort(ids[rows])]  # the tree then grows side by side
        connection.executemany(
            f"INSERT OR REPLACE INTO scores (scorer, item, value) VALUES ({scorer:d}, ?, ?)",
            zip(ids[rows].tolist(), scores[rows].tolist(), strict=True),
        )


def note_flags(
    catalogue: Catalogue, identity: str, ids: NDArray[np.int64], flags: Sequence[str]
) -> None:
    """Keep the flags of frames beside the scores that a scorer gave them, for the view `ranking`.

    flags: of each frame, names parted by blanks, empty for none. Writes only what has changed.
    """
    here = {item: text for item, text in zip(ids.tolist(), flags, strict=True) if text}
    with catalogue.reading() as connection:
        # only rows that have flags, or are to have some, can change: few of all
        noted = connection.execute(
            "SELECT scorer, item, detail FROM scores WHERE scorer = "
            "(SELECT id FROM scorers WHERE identity = ?) "
            "AND (detail IS NOT NULL OR item IN (SELECT value FROM json_each(?)))",
            (identity, json.dumps(list(here))),
        ).fetchall()
    mine = set(ids.tolist()) if noted else set()
    wanted = {item: json.dumps({"flags": text}) for item, text in here.items()}
    changed = [
        (wanted.get(item), scorer, item)
        for scorer, item, detail in noted
        if item in mine and detail != wanted.get(item)
    ]
    if changed:
        with catalogue.transaction() as connection:
            connection.executemany(
                "UPDATE scores SET detail = ? WHERE scorer = ? AND item = ?", changed
            )
