"""The catalogue: opening it, writing to it in short transactions, closing it whole."""

import datetime
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

from ..errors import LibraryError
from .place import FILE

VERSION = 3
"""Kept in SQLite's user_version; equals the number of migrations. A newer one is refused."""
BUSY_SECONDS = 30.0
_DAMAGE = (sqlite3.Error, UnicodeDecodeError, json.JSONDecodeError)
"""What a damaged catalogue raises, read inside `reading` or `transaction`: also text and JSON that
are none."""


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Catalogue:
    """One connection to a library's `catalogue.db`.

    folder: the `.q` folder. Paths are kept relative to its parent where they lie below it.
    writable is False on read-only media; searching works there, writing raises LibraryError.
    Used from one thread.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self.root = folder.parent
        file = folder / FILE
        if not create and not file.is_file():
            raise LibraryError(f"no catalogue in {folder}; make a library with: q index FOLDER")
        self.writable = _can_write(folder)
        try:
            self.connection = _connect(file, writable=self.writable)
            self._fit_version()
        except _DAMAGE as problem:
            raise LibraryError(_explain(problem, folder)) from problem

    def _fit_version(self) -> None:
        """Bring the tables up to date; refuse those of a newer program, untouched."""
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            self.connection.close()
            raise LibraryError(
                f"{self.folder} was written by a newer seeing (catalogue version {version}, this "
                f"program knows {VERSION}); nothing was changed. Upgrade: pip install -U seeing"
            )
        if version < VERSION:
            if not self.writable:
                raise LibraryError(
                    f"{self.folder} is of an older version and can't be written; "
                    "run q status once where it can"
                )
            self._migrate()

    def _migrate(self) -> None:
        # imported here: a search of an up-to-date library does without
        from sqlite_utils import Database

        from .schema import migrations

        self.connection.execute("PRAGMA journal_mode = WAL")
        # at once or not at all, and by one program: the next one finds nothing left to do
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            migrations.apply(Database(self.connection, use_counts_table=False))
            self.connection.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; raises LibraryError when the disk is full, locked or damaged."""
        if not self.writable:
            raise LibraryError(f"{self.folder} is on read-only media: it can be searched only")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except _DAMAGE as problem:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise LibraryError(_explain(problem, self.folder)) from problem

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; raises LibraryError with one line where the catalogue is damaged or locked."""
        try:
            yield self.connection
        except _DAMAGE as problem:
            raise LibraryError(_explain(problem, self.folder)) from problem

    def stored(self, path: str | bytes | os.PathLike[str]) -> bytes:
        """Return a path as the catalogue keeps it: relative to `root` where it lies below it.

        The root itself is "".
        """
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - lexical, keeps links
        root = str(self.root)
        if full == root:
            return b""
        below = root if root.endswith(os.sep) else root + os.sep
        return os.fsencode(full[len(below) :] if full.startswith(below) else full)

    def located(self, stored: bytes) -> Path:
        """Return where a stored path lies now."""
        return self.root / os.fsdecode(stored)

    def holds(self, folder: str | os.PathLike[str], stored: bytes) -> bool:
        """Say whether a stored path is a folder (or file), or lies below it."""
        above = os.path.abspath(os.fsdecode(folder))  # noqa: PTH100
        path = os.path.join(self.root, os.fsdecode(stored))  # noqa: PTH118 - called very often
        return path == above or path.startswith(above.rstrip(os.sep) + os.sep)

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that read-only media can open it."""
        if self.writable:
            try:
                self.connection.execute("PRAGMA optimize")
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:  # another program reads, or the disk is full: the log stays valid
                pass
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def readable(path: bytes | str) -> str:
    """Return a path as text that can be printed and stored: undecodable bytes become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def reading_mode(file: Path) -> str:
    """Return how SQLite is to open a catalogue that can't be written.

    "immutable" asks for no files beside it, but does not see what a program that was killed left
    in the write-ahead log; without that, the catalogue may be of two minds.
    """
    log = file.with_name(f"{file.name}-wal")
    return "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"


def _can_write(folder: Path) -> bool:
    file = folder / FILE
    return os.access(folder, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


def _connect(file: Path, *, writable: bool) -> sqlite3.Connection:
    mode = "mode=rwc" if writable else reading_mode(file)
    address = f"file:{quote(os.fsencode(file))}?{mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    if writable:
        # FULL: a committed batch survives a power cut, not only a crash of the program
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _explain(problem: sqlite3.Error | ValueError, folder: Path) -> str:
    """Return one line for a person: what is wrong with the catalogue and what to do."""
    said = str(problem)
    if "closed database" in said:
        return f"the library {folder} has been closed; open it again: seeing.open(...)"
    if "full" in said or "disk I/O error" in said:
        return f"the disk of {folder} is full or failing ({said}); what was done before is kept"
    if "locked" in said:
        return f"another program is writing to {folder} ({said}); try again when it is done"
    if "readonly" in said:
        return f"{folder} can't be written ({said}); check its permissions"
    if "malformed" in said or "not a database" in said or isinstance(problem, ValueError):
        return (
            f"the catalogue in {folder} is damaged ({said}); try: sqlite3 {FILE} .recover, or "
            "remove the folder and index again (pictures are never touched)"
        )
    return f"the catalogue in {folder} refused: {said}"
