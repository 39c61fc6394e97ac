"""Files against the catalogue: what is new, changed, moved, copied, vanished; writing it down."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..media.picture import Picture
from ..media.walk import Found
from .catalogue import Catalogue, now, readable
from .items import item_number
from .vectors import StoredEncoder, grow_generation


class Source(NamedTuple):
    """A file as the catalogue last saw it."""

    id: int
    size: int
    mtime_ns: int
    state: str
    digest: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """One picture that has to be looked at: new, changed, or without a vector."""

    found: Found
    path: bytes
    """As stored."""
    known: Source | None
    frame: int | None = None
    part: str | None = None


@dataclass(slots=True)
class Plan:
    """What a refresh would do, by what the file system says; nothing has been read yet."""

    new: list[Pending] = field(default_factory=list)
    changed: list[Pending] = field(default_factory=list)
    unencoded: list[Pending] = field(default_factory=list)
    """Unchanged, but without a vector of this encoder."""
    vanished: dict[int, Source] = field(default_factory=dict)
    """By id; those that turn up elsewhere with the same content are moved, not lost."""
    lost_before: dict[int, Source] = field(default_factory=dict)
    """Vanished in an earlier refresh; may turn up again elsewhere."""
    returned: list[int] = field(default_factory=list)
    broken_again: list[int] = field(default_factory=list)
    """Files that could not be read, vanished, and are back as they were."""
    unchanged: int = 0
    still_unreadable: int = 0

    @property
    def pending(self) -> list[Pending]:
        """Everything that has to be read."""
        # changed ones first: what is only touched can then be the original of a new copy
        return [*self.changed, *self.new, *self.unencoded]


def known_sources(catalogue: Catalogue) -> dict[bytes, Source]:
    """Return every source, by its stored path."""
    with catalogue.reading() as connection:
        return {
            row[0]: Source(*row[1:])
            for row in connection.execute(
                "SELECT path, id, size, mtime_ns, state, digest, error FROM sources"
            )
        }


def unencoded_items(
    catalogue: Catalogue, encoder: StoredEncoder | None
) -> dict[int, list[tuple[int | None, str | None]]]:
    """Return (frame, part) of the items that this encoder has not seen, by source."""
    found: dict[int, list[tuple[int | None, str | None]]] = {}
    with catalogue.reading() as connection:
        for source, frame, part in connection.execute(
            "SELECT source, frame, part FROM items LEFT JOIN vectors "
            "ON vectors.item = items.id AND vectors.encoder = ? WHERE vectors.item IS NULL",
            (encoder.id if encoder else -1,),
        ):
            found.setdefault(source, []).append((frame, part))
    return found


def compare(
    catalogue: Catalogue,
    found: Iterable[tuple[Found, int | None, str | None]],
    *,
    roots: Collection[str],
    unlistable: Collection[str],
    encoder: StoredEncoder | None,
) -> Plan:
    """Compare files with the catalogue by path, size and time.

    found: each file with the frame and part asked for. roots: the folders that
    were walked; only what lies below one of them (and not below an unlistable folder) can have
    vanished. encoder: whose vectors are wanted; None means one the library does not know yet.
    """
    plan = Plan()
    known = known_sources(catalogue)
    unencoded = unencoded_items(catalogue, encoder)
    addressed_only = _addressed_only(catalogue)
    seen: set[bytes] = set()
    asked: set[tuple[bytes, int | None, str | None]] = set()
    for file, frame, part in found:
        path = catalogue.stored(file.path)
        if (path, frame, part) in asked:
            continue
        asked.add((path, frame, part))
        seen.add(path)
        source = known.get(path)
        pending = Pending(file, path, source, frame, part)
        if source is None:
            plan.new.append(pending)
        elif (source.size, source.mtime_ns) != (file.size, file.mtime_ns):
            plan.changed.append(pending)
        elif source.error is not None:
            plan.still_unreadable += 1
            if source.state == "vanished":
                plan.broken_again.append(source.id)
        else:
            if source.state == "vanished" and source.id not in plan.returned:
                plan.returned.append(source.id)
            places = unencoded.pop(source.id, [])
            if not _has_item(catalogue, source.id, frame, part, addressed_only):
                places.append((frame, part))
            missing = [Pending(file, path, source, *place) for place in places]
            plan.unencoded.extend(missing)
            plan.unchanged += not missing
    for path in sorted(known.keys() - seen):
        source = known[path]
        if source.state == "vanished":
            plan.lost_before[source.id] = source
        elif _below(catalogue, path, roots) and not _below(catalogue, path, unlistable):
            plan.vanished[source.id] = source
    return plan


def _addressed_only(catalogue: Catalogue) -> set[int]:
    """Return the sources of which only frames or parts have been asked for, not the file itself."""
    with catalogue.reading() as connection:
        return {
            source
            for (source,) in connection.execute(
                "SELECT source FROM items GROUP BY source "
                "HAVING max(frame IS NULL AND part IS NULL) = 0"
            )
        }


def _has_item(
    catalogue: Catalogue,
    source: int,
    frame: int | None,
    part: str | None,
    addressed_only: Collection[int],
) -> bool:
    if frame is None and part is None:
        return source not in addressed_only
    row = catalogue.connection.execute(
        "SELECT 1 FROM items WHERE source = ? AND frame IS ? AND part IS ?", (source, frame, part)
    ).fetchone()
    return row is not None


def _below(catalogue: Catalogue, path: bytes, folders: Collection[str]) -> bool:
    return any(catalogue.holds(folder, path) for folder in folders)


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
    source = _enter_source(
        connection, pending, digest, about.format, about.frames, about.header or None
    )
    return _enter_item(
        connection,
        source,
        digest,
        (pending.frame, pending.part),
        (about.width, about.height, picture.depth, about.taken_at, about.ra, about.dec,
         about.field_deg),
    )  # fmt: skip


def record_copy(
    connection: sqlite3.Connection, pending: Pending, digest: str, original: int
) -> None:
    """Enter a file whose content is known: its items and vectors are those of the original."""
    kind, frames, header = connection.execute(
        "SELECT kind, frames, header FROM sources WHERE id = ?", (original,)
    ).fetchone()
    source = _enter_source(
        connection, pending, digest, kind, frames, json.loads(header) if header else None
    )
    for row in connection.execute(
        "SELECT frame, part, width, height, depth, taken_at, ra, dec, field_deg, content "
        "FROM items WHERE source = ?",
        (original,),
    ).fetchall():
        item = _enter_item(connection, source, digest, row[:2], row[2:9])
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


def record_presence(connection: sqlite3.Connection, ids: Iterable[int], state: str) -> None:
    """Mark sources as 'present', 'vanished' or 'unreadable'."""
    connection.executemany(
        "UPDATE sources SET state = ?, seen_at = ? WHERE id = ?",
        [(state, now(), source) for source in ids],
    )
    grow_generation(connection)


def _enter_source(
    connection: sqlite3.Connection,
    pending: Pending,
    digest: str,
    kind: str,
    frames: int,
    header: dict[str, Any] | None,
) -> int:
    old = connection.execute(
        "SELECT id, digest FROM sources WHERE path = ?", (pending.path,)
    ).fetchone()
    if old and old[1] != digest:
        connection.execute("DELETE FROM items WHERE source = ?", (old[0],))
        grow_generation(connection)
    (source,) = connection.execute(
        "INSERT INTO sources (path, path_text, size, mtime_ns, digest, kind, frames, header, "
        "state, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'present', ?) "
        "ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
        "digest = excluded.digest, kind = excluded.kind, frames = excluded.frames, "
        "header = excluded.header, state = 'present', error = NULL, seen_at = excluded.seen_at "
        "RETURNING id",
        (pending.path, readable(pending.path), pending.found.size, pending.found.mtime_ns, digest,
         kind, frames, json.dumps(header) if header else None, now()),
    ).fetchone()  # fmt: skip
    return int(source)


def _enter_item(
    connection: sqlite3.Connection,
    source: int,
    digest: str,
    place: tuple[int | None, str | None],
    about: tuple[object, ...],
) -> int:
    frame, part = place
    there = connection.execute(
        "SELECT id FROM items WHERE source = ? AND frame IS ? AND part IS ?", (source, frame, part)
    ).fetchone()
    if there:
        return int(there[0])
    content = number = item_number(digest, frame=frame, part=part)
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
