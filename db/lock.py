"""One writer at a time: who indexes, forgets or prunes holds the library's lock."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LibraryError

BRIEF = 0.5
"""Seconds that are waited without a word, as while another program makes the library."""


@contextmanager
def writing(
    folder: Path, *, waits: bool = True, notify: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the library's write lock; it is let go by the system when the program dies.

    Waits for another writer, after telling so through `notify`; with `waits=False` raises
    LibraryError at once instead.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    note = folder / "lock.pid"
    try:
        try:
            lock.acquire(timeout=BRIEF if waits else 0)
        except Timeout:
            busy = f"another q is writing to {folder} (process {_holder(note)})"
            if not waits:
                raise LibraryError(f"{busy}; try again when it is done") from None
            if notify:
                notify(f"{busy}; waiting for it to finish")
            lock.acquire()
    except OSError as problem:
        raise LibraryError(f"{folder} can't be written: {problem.strerror}") from problem
    try:
        note.write_text(f"{os.getpid()}\n")
    except OSError:
        note.unlink(missing_ok=True)  # only a help for people; a full disk must not stop a search
    try:
        yield
    finally:
        lock.release()


def _holder(note: Path) -> str:
    try:
        return note.read_text().strip() or "unknown"
    except OSError:
        return "unknown"
