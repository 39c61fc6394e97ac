"""Conditions that a user writes in SQL: they can read the catalogue's views, and nothing else."""

import re
import sqlite3
import time
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, closest
from .catalogue import Catalogue, reading_mode
from .place import FILE

SECONDS = 10.0
READABLE = {"pictures", "labels", "ranking", "items", "sources", "scores", "scorers",
            "label_events", "exemplar_sets", "current_labels"}  # fmt: skip
_FORBIDDEN_FUNCTIONS = {
    *("load_extension", "writefile", "readfile", "edit", "fts3_tokenizer"),
    *("printf", "format"),  # "%.1000000000c" keeps SQLite busy for seconds, and can't be stopped
}
_OPAQUE = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL
)
"""Strings, quoted names and comments: what is in them is not SQL."""


def items_where(catalogue: Catalogue, condition: str) -> NDArray[np.int64]:
    """Return the ids of present items for which a condition over the view `pictures` holds.

    The condition runs on a connection of its own, read-only, on which SQLite refuses everything
    but reading the catalogue's tables and views; it is stopped after ten seconds and cannot make
    values of more than a megabyte. Raises UsageError when it is not understood.
    """
    if not condition.strip():
        raise _refusal(condition, "an empty condition; leave --where out to ask for all")
    _check_shape(condition)
    file = catalogue.folder / FILE
    mode = "mode=ro" if catalogue.writable else reading_mode(file)
    address = f"file:{quote(bytes(file))}?{mode}"
    connection = sqlite3.connect(address, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        _check_quoted(connection, condition)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        deadline = time.monotonic() + SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        connection.set_authorizer(_authorise)
        rows = connection.execute(
            f"SELECT id FROM pictures WHERE state = 'present' AND ({condition}\n) ORDER BY id"
        ).fetchall()
        return np.array(sorted({int(r[0]) for r in rows}), np.int64)
    except (sqlite3.Error, sqlite3.Warning, ValueError, TypeError, OverflowError) as problem:
        raise _refusal(condition, _explain(connection, problem)) from problem
    finally:
        connection.close()


def _check_shape(condition: str) -> None:
    """Refuse what would end the parenthesis around the condition, and go on after it."""
    depth = 0
    rest = _OPAQUE.sub(" ", condition)
    for letter in rest:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            break
    if depth:
        raise _refusal(condition, "its parentheses do not match")
    if "/*" in rest:
        raise _refusal(condition, "a comment has no end")


def _check_quoted(connection: sqlite3.Connection, condition: str) -> None:
    """Refuse names in double quotes that mean nothing.

    SQLite would take them for text, so that a mistyped column, or text in the wrong quotes, gives
    an answer that was not asked for (sqlite.org/quirks.html, 8). Python 3.11 can't forbid it.
    """
    columns: list[str] = []
    for table in sorted(READABLE):
        columns += [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    known = {name.lower() for name in [*columns, *READABLE]}
    for quoted in _OPAQUE.findall(condition):
        name = quoted[1:-1].replace('""', '"')
        if quoted.startswith('"') and name.lower() not in known:
            hint = closest(name, columns)
            raise _refusal(condition, f"no such column: {quoted}{hint}; text stands in 'quotes'")


def _refusal(condition: str, why: str) -> UsageError:
    return UsageError(f"--where {condition!r}: {' '.join(why.split())}")


def _authorise(
    action: int, first: str | None, second: str | None, _database: str | None, _view: str | None
) -> int:
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and first in READABLE:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second not in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _explain(connection: sqlite3.Connection, problem: Exception) -> str:
    said = str(problem)
    if "no such column" in said:
        connection.set_authorizer(None)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(pictures)")]
        name = said.rpartition(":")[2].strip()
        return f"{said}{closest(name, columns)}; columns are {', '.join(columns)}"
    if "not authorized" in said or "prohibited" in said:
        return f"{said}; a condition can only read the catalogue"
    if "interrupted" in said:
        return f"took longer than {SECONDS:.0f} seconds"
    return said
