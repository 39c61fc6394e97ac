"""Vectors: an append-only float16 file for each encoder, and the rows that point into it.

The file is synced before the rows are committed, so a crash leaves at worst an unused tail,
which the next writer overwrites.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import LibraryError
from .catalogue import Catalogue, now

FOLDER = "vectors"
BLOCK = 8192


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """An encoder as the catalogue knows it."""

    id: int
    identity: str
    name: str
    dimension: int
    card: dict[str, Any]
    is_default: bool
    file: str
    rows: int
    generation: int


def stored_encoders(catalogue: Catalogue) -> list[StoredEncoder]:
    """Return the library's encoders, the default first, then in order of entry."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT id, identity, name, dimension, card, is_default, file, rows, generation "
            "FROM encoders ORDER BY is_default DESC, id"
        ).fetchall()
        return [
            StoredEncoder(number, identity, name, dimension, json.loads(card), bool(default), *rest)
            for number, identity, name, dimension, card, default, *rest in rows
        ]


def add_encoder(
    catalogue: Catalogue, identity: str, *, name: str, dimension: int, card: dict[str, Any]
) -> StoredEncoder:
    """Enter an encoder (the first becomes the default), or return the one already there."""
    with catalogue.transaction() as connection:
        number = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM encoders").fetchone()[0]
        connection.execute(
            "INSERT INTO encoders (id, identity, name, dimension, card, is_default, file, "
            "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (identity) DO NOTHING",
            (number, identity, name, dimension, json.dumps(card), number == 1, f"{number}.f16",
             now()),
        )  # fmt: skip
    return next(e for e in stored_encoders(catalogue) if e.identity == identity)


def set_default_encoder(catalogue: Catalogue, encoder: StoredEncoder) -> None:
    """Make this encoder the one that commands take when none is named."""
    with catalogue.transaction() as connection:
        connection.execute("UPDATE encoders SET is_default = (id = ?)", (encoder.id,))


def update_card(catalogue: Catalogue, encoder: StoredEncoder, card: dict[str, Any]) -> None:
    """Keep a card anew, as when a weights file has been given again at another place."""
    with catalogue.transaction() as connection:
        connection.execute(
            "UPDATE encoders SET card = ? WHERE id = ?", (json.dumps(card), encoder.id)
        )


class VectorFile:
    """The float16 file of one encoder; rows are numbered from 0."""

    def __init__(self, catalogue: Catalogue, encoder: StoredEncoder) -> None:
        self.path = catalogue.folder / FOLDER / encoder.file
        self.dimension = encoder.dimension
        self.stride = 2 * encoder.dimension

    def append(self, vectors: NDArray[np.float32], *, at: int) -> list[int]:
        """Write rows from row `at` on, sync, and return the crc32 of each.

        vectors: (n, dimension). Raises LibraryError when the disk is full.
        """
        halves = np.ascontiguousarray(vectors, dtype=np.float16)
        try:
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("r+b" if self.path.exists() else "w+b") as file:
                file.seek(at * self.stride)
                file.write(halves.tobytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise LibraryError(
                f"can't write {self.path} ({problem.strerror}); what was done before is kept. "
                "Free some space and run the same command again"
            ) from problem
        return [zlib.crc32(row.tobytes()) for row in halves]

    def mapped(self) -> NDArray[np.float16]:
        """Return the whole rows of the file as a read-only map, (rows, dimension)."""
        if not self.path.is_file() or self.path.stat().st_size < self.stride:
            return np.zeros((0, self.dimension), dtype=np.float16)
        rows = self.path.stat().st_size // self.stride
        return np.memmap(self.path, np.float16, mode="r", shape=(rows, self.dimension))

    def blocks(
        self, rows: Sequence[int] | NDArray[np.int64], checks: Sequence[int] | NDArray[np.int64]
    ) -> Iterator[tuple[slice, NDArray[np.float16], NDArray[np.bool_]]]:
        """Yield (which of `rows`, their vectors, whether each is whole), a block at a time.

        A vector is whole when it lies within the file and its crc32 is the one in `checks`.
        """
        stored = self.mapped()
        rows, checks = np.asarray(rows, np.int64), np.asarray(checks, np.int64)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, min(start + BLOCK, len(rows)))
            inside = rows[part] < len(stored)
            vectors = np.zeros((len(inside), self.dimension), np.float16)
            vectors[inside] = stored[rows[part][inside]]
            whole = np.fromiter(
                (zlib.crc32(v.tobytes()) == c for v, c in zip(vectors, checks[part], strict=True)),
                np.bool_,
                len(vectors),
            )
            yield part, vectors, whole & inside


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Which items an encoder has seen: parallel arrays, in order of item id."""

    items: NDArray[np.int64]
    rows: NDArray[np.int64]
    checks: NDArray[np.int64]


def searchable_rows(catalogue: Catalogue, encoder: StoredEncoder) -> VectorRows:
    """Return the rows of all items whose files are present."""
    with catalogue.reading() as connection:
        found = connection.execute(
            "SELECT item, row, vectors.crc32 FROM vectors JOIN items ON items.id = item "
            "JOIN sources ON sources.id = items.source AND sources.state = 'present' "
            "WHERE encoder = ? ORDER BY item",
            (encoder.id,),
        ).fetchall()
    table = np.array(found, dtype=np.int64).reshape(-1, 3)
    return VectorRows(table[:, 0], table[:, 1], table[:, 2])


def vectors_of(
    catalogue: Catalogue, encoder: StoredEncoder, items: Sequence[int]
) -> dict[int, NDArray[np.float32]]:
    """Return the vectors of some items, by item id; items without a whole one are left out."""
    found: dict[int, NDArray[np.float32]] = {}
    file = VectorFile(catalogue, encoder)
    with catalogue.reading() as connection:
        for start in range(0, len(items), 500):
            part = [int(i) for i in items[start : start + 500]]
            rows = connection.execute(
                "SELECT item, row, crc32 FROM vectors WHERE encoder = ? AND item IN "
                f"({','.join('?' * len(part))})",
                (encoder.id, *part),
            ).fetchall()
            for which, vectors, whole in file.blocks([r[1] for r in rows], [r[2] for r in rows]):
                for (item, _, _), vector, is_whole in zip(rows[which], vectors, whole, strict=True):
                    if is_whole:
                        found[item] = vector.astype(np.float32)
    return found


def searchable_blocks(
    catalogue: Catalogue, encoder: StoredEncoder
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (ids, vectors) of all items whose files are present, a block at a time, by id."""
    rows = searchable_rows(catalogue, encoder)
    blocks = VectorFile(catalogue, encoder).blocks(rows.rows, rows.checks)
    for part, vectors, whole in blocks:
        yield rows.items[part][whole], vectors[whole].astype(np.float32)


def searchable_vectors(
    catalogue: Catalogue, encoder: StoredEncoder
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return (ids, vectors) of all items whose files are present: (n,) and (n, d)."""
    ids = [np.zeros(0, np.int64)]
    vectors = [np.zeros((0, encoder.dimension), np.float32)]
    for some, their in searchable_blocks(catalogue, encoder):
        ids.append(some)
        vectors.append(their)
    return np.concatenate(ids), np.concatenate(vectors)


def damaged_items(catalogue: Catalogue, encoder: StoredEncoder) -> list[int]:
    """Return the present items whose vectors are not what was written."""
    rows = searchable_rows(catalogue, encoder)
    blocks = VectorFile(catalogue, encoder).blocks(rows.rows, rows.checks)
    return [item for part, _, whole in blocks for item in rows.items[part][~whole].tolist()]


def drop_vectors(catalogue: Catalogue, encoder: StoredEncoder, items: Sequence[int]) -> None:
    """Forget damaged vectors, so that the next refresh makes them again."""
    with catalogue.transaction() as connection:
        connection.executemany(
            "DELETE FROM vectors WHERE encoder = ? AND item = ?",
            [(encoder.id, int(item)) for item in items],
        )
        grow_generation(connection, encoder.id)


def grow_generation(connection: sqlite3.Connection, encoder: int | None = None) -> None:
    """Say that what can be searched has changed, for one encoder or for all."""
    if encoder is None:
        connection.execute("UPDATE encoders SET generation = generation + 1")
    else:
        connection.execute(
            "UPDATE encoders SET generation = generation + 1 WHERE id = ?", (encoder,)
        )


def compact(catalogue: Catalogue, encoder: StoredEncoder) -> int:
    """Write the vectors file anew without unused rows; return the bytes given back.

    The new file has a name of its own and the catalogue changes over in one transaction, so a
    crash leaves one whole file in use and at worst an orphan, which the next call removes.
    """
    old = VectorFile(catalogue, encoder)
    with catalogue.reading() as connection:
        used = [
            row
            for (row,) in connection.execute(
                "SELECT DISTINCT row FROM vectors WHERE encoder = ? ORDER BY row", (encoder.id,)
            )
        ]
    before = old.path.stat().st_size if old.path.is_file() else 0
    if before > len(used) * old.stride:
        name = _next_name(encoder.file)
        stored = old.mapped()
        used = [row for row in used if row < len(stored)]
        _write_rows(catalogue.folder / FOLDER / name, stored, used)
        with catalogue.transaction() as connection:
            connection.execute("CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER)")
            connection.executemany("INSERT INTO moved VALUES (?, ?)", zip(used, range(len(used))))  # noqa: B905
            connection.execute(
                "UPDATE vectors SET row = (SELECT new FROM moved WHERE old = row) "
                "WHERE encoder = ? AND row IN (SELECT old FROM moved)",
                (encoder.id,),
            )
            connection.execute("DROP TABLE moved")
            connection.execute(
                "UPDATE encoders SET file = ?, rows = ? WHERE id = ?", (name, len(used), encoder.id)
            )
    _remove_orphans(catalogue)
    return max(0, before - len(used) * old.stride)


def _next_name(file: str) -> str:
    number, _, edition = file.removesuffix(".f16").partition("-")
    return f"{number}-{int(edition or 0) + 1}.f16"


def _write_rows(path: Path, stored: NDArray[np.float16], used: list[int]) -> None:
    try:
        with path.open("wb") as file:
            for start in range(0, len(used), BLOCK):
                file.write(stored[used[start : start + BLOCK]].tobytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        path.unlink(missing_ok=True)
        raise LibraryError(f"can't write {path}: {problem.strerror}") from problem


def _remove_orphans(catalogue: Catalogue) -> None:
    kept = {encoder.file for encoder in stored_encoders(catalogue)}
    for path in (catalogue.folder / FOLDER).glob("*.f16"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
