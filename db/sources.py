"""Files in the catalogue: writing down what a refresh found."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from ..media.picture import Picture
from ..media.walk import Found
from .catalogue import Catalogue, now, readable
from .items import frame_content, item_number
from .plan import Pending
from .vectors import StoredEncoder, grow_generation


def sources_of_digest(catalogue: Catalogue, digest: str) -> list[int]:
    """Return the sources with this content that hold an item."""
    with catalogue.reading() as connection:
        return [
            source
            for (source,) in connection.execute(
                "SELECT id FROM sources WHERE digest = ? "
                "AND EXISTS (SELECT 1 FROM items WHERE source = sources.id) ORDER BY id",
                (digest,),
            )
        ]


def record_picture(
    connection: sqlite3.Connection, pending: Pending, digest: str, picture: Picture
) -> int:
    """Enter a source and one item of it; return the item's id. Other content's items go."""
    about = picture.metadata
    source = enter_source(
        connection, pending.path, pending.found, digest=digest, kind=about.format,
        frames=about.frames, header=about.header or None,
    )  # fmt: skip
    return _enter_item(
        connection,
        source,
        digest,
        (pending.frame, pending.part),
        (about.width, about.height, picture.depth, about.taken_at, about.ra, about.dec,
         about.field_deg),
        content=item_number(digest, frame=pending.frame, part=about.part)
        if about.mark is None else frame_content(about.mark),
    )  # fmt: skip


def record_copy(
    connection: sqlite3.Connection, pending: Pending, digest: str, original: int
) -> None:
    """Enter a file whose content is known: its items and vectors are those of the original."""
    kind, frames, header = connection.execute(
        "SELECT kind, frames, header FROM sources WHERE id = ?", (original,)
    ).fetchone()
    source = enter_source(
        connection, pending.path, pending.found, digest=digest, kind=kind, frames=frames,
        header=json.loads(header) if header else None,
    )  # fmt: skip
    for row in connection.execute(
        "SELECT frame, part, width, height, depth, taken_at, ra, dec, field_deg, content "
        "FROM items WHERE source = ?",
        (original,),
    ).fetchall():
        item = _enter_item(connection, source, digest, row[:2], row[2:9], content=row[9])
        connection.execute(
            "INSERT OR IGNORE INTO vectors (item, encoder, row, crc32) "
            "SELECT ?, encoder, row, vectors.crc32 FROM vectors JOIN items ON items.id = item "
            "WHERE content = ? GROUP BY encoder",
            (item, row[9]),
        )
    grow_generation(connection)


def record_move(connection: sqlite3.Connection, pending: Pending, old: int) -> None:
    """Let an existing source live at a new path: its items, vectors and labels stay with it."""
    connection.execute("DELETE FROM sources WHERE path = ? AND id <> ?", (pending.path, old))
    connection.execute(
        "UPDATE sources SET path = ?, path_text = ?, size = ?, mtime_ns = ?, state = 'present', "
        "error = NULL, seen_at = ? WHERE id = ?",
        (pending.path, readable(pending.path), pending.found.size, pending.found.mtime_ns, now(),
         old),
    )  # fmt: skip
    grow_generation(connection)


def record_touch(connection: sqlite3.Connection, pending: Pending, source: int) -> None:
    """Note that a file has a new time but the same content, and is there."""
    connection.execute(
        "UPDATE sources SET size = ?, mtime_ns = ?, state = 'present', error = NULL, seen_at = ? "
        "WHERE id = ?",
        (pending.found.size, pending.found.mtime_ns, now(), source),
    )
    if pending.known and pending.known.state != "present":
        grow_generation(connection)


UNSEEN = -1
"""Time of a file that could not be opened: no file has it, so the next refresh tries again."""


def record_failure(
    connection: sqlite3.Connection, pending: Pending, digest: str | None, reason: str
) -> None:
    """Enter a file that can't be read, with the reason.

    Without a digest the file could not even be opened (a permission, a lost disk): what is known
    of it is kept, and the next refresh tries again. With one, its content is broken: what it held
    before is gone, and it is tried again only when it changes.
    """
    if digest is not None:
        connection.execute("DELETE FROM sources WHERE path = ?", (pending.path,))
    connection.execute(
        "INSERT INTO sources (path, path_text, size, mtime_ns, digest, state, error, seen_at) "
        "VALUES (?, ?, ?, ?, ?, 'unreadable', ?, ?) ON CONFLICT (path) DO UPDATE SET "
        "mtime_ns = excluded.mtime_ns, state = 'unreadable', error = excluded.error, "
        "seen_at = excluded.seen_at",
        (pending.path, readable(pending.path), pending.found.size,
         UNSEEN if digest is None else pending.found.mtime_ns, digest, reason, now()),
    )  # fmt: skip
    if pending.known:
        grow_generation(connection)


def record_doubt(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Let the next refresh read these sources again, though size and time are as they were."""
    connection.executemany(
        "UPDATE sources SET mtime_ns = ? WHERE id = ?", [(UNSEEN, source) for source in ids]
    )


def record_presence(connection: sqlite3.Connection, ids: Iterable[int], state: str) -> None:
    """Mark sources as 'present', 'vanished' or 'unreadable'."""
    connection.executemany(
        "UPDATE sources SET state = ?, seen_at = ? WHERE id = ?",
        [(state, now(), source) for source in ids],
    )
    grow_generation(connection)


def enter_source(
    connection: sqlite3.Connection,
    path: bytes,
    found: Found,
    *,
    digest: str,
    kind: str,
    frames: int,
    header: dict[str, Any] | None,
) -> int:
    """Enter a file that is there, or bring it up to date; return its id.

    path: as stored. When its content is another, the items of the old one go. No header leaves the
    one that the same content had.
    """
    old = connection.execute("SELECT id, digest FROM sources WHERE path = ?", (path,)).fetchone()
    if old and old[1] != digest:
        connection.execute("DELETE FROM items WHERE source = ?", (old[0],))
        connection.execute("UPDATE sources SET header = NULL WHERE id = ?", (old[0],))
        grow_generation(connection)
    (source,) = connection.execute(
        "INSERT INTO sources (path, path_text, size, mtime_ns, digest, kind, frames, header, "
        "state, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'present', ?) "
        "ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
        "digest = excluded.digest, kind = excluded.kind, frames = excluded.frames, "
        "header = coalesce(excluded.header, header), state = 'present', error = NULL, "
        "seen_at = excluded.seen_at RETURNING id",
        (path, readable(path), found.size, found.mtime_ns, digest, kind, frames,
         json.dumps(header) if header else None, now()),
    ).fetchone()  # fmt: skip
    return int(source)


def _enter_item(
    connection: sqlite3.Connection,
    source: int,
    digest: str,
    place: tuple[int | None, str | None],
    about: tuple[object, ...],
    *,
    content: int,
) -> int:
    """Enter an item; content: its number, the same for all names of one picture of a file."""
    frame, part = place
    there = connection.execute(
        "SELECT id FROM items WHERE source = ? AND frame IS ? AND part IS ?", (source, frame, part)
    ).fetchone()
    if there:
        return int(there[0])
    number = item_number(digest, frame=frame, part=part)
    copy = 0
    while connection.execute("SELECT 1 FROM items WHERE id = ?", (number,)).fetchone():
        copy += 1
        number = item_number(digest, frame=frame, part=part, copy=copy)
    connection.execute(
        "INSERT INTO items (id, content, source, frame, part, width, height, depth, taken_at, "
        "ra, dec, field_deg) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, content, source, frame, part, *about),
    )
    return number


def record_vectors(
    connection: sqlite3.Connection,
    encoder: StoredEncoder,
    rows: Iterable[tuple[int, int, int]],
    *,
    length: int,
) -> None:
    """Enter (item, row, crc32) of new vectors, and how many rows of the file count now."""
    connection.executemany(
        "INSERT OR REPLACE INTO vectors (item, encoder, row, crc32) VALUES (?, ?, ?, ?)",
        [(item, encoder.id, row, crc) for item, row, crc in rows],
    )
    connection.execute("UPDATE encoders SET rows = ? WHERE id = ?", (length, encoder.id))
    grow_generation(connection, encoder.id)


def record_run(
    connection: sqlite3.Connection,
    command: str,
    started_at: str,
    seconds: float,
    counts: tuple[int, int],
    detail: dict[str, Any],
) -> None:
    """Keep what was done, when and how fast; counts: (items, failures)."""
    connection.execute(
        "INSERT INTO runs (command, started_at, seconds, items, failed, detail) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (command, started_at, seconds, *counts, json.dumps(detail)),
    )
