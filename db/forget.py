"""Taking items out, and giving back the space they took."""

import os
import re
from collections.abc import Sequence
from fnmatch import translate
from glob import has_magic
from pathlib import Path

from ..errors import UsageError
from .catalogue import Catalogue, readable
from .items import address_condition
from .plan import is_gone
from .vectors import compact, grow_generation, stored_encoders


def forget(catalogue: Catalogue, paths: Sequence[Path]) -> int:
    """Forget the files at or below some paths, whether they still exist or not.

    Returns how many items went. Raises UsageError, before anything is changed, when a path means
    nothing that the library knows.
    """
    doomed: set[int] = set()
    with catalogue.reading() as connection:
        for path in paths:
            condition, values = address_condition(catalogue, path)
            found = connection.execute(
                f"SELECT id FROM sources WHERE {condition}",
                values,
            ).fetchall() or _matching(catalogue, str(path))
            if not found:
                raise UsageError(f"the library knows nothing at {readable(str(path))}")
            doomed.update(source for (source,) in found)
    return _remove(catalogue, doomed)


def _matching(catalogue: Catalogue, glob: str) -> list[tuple[int]]:
    """Return the sources whose paths match a glob, whether their files still exist or not."""
    if not has_magic(glob):
        return []
    pattern = re.compile(translate(os.path.abspath(glob)))  # noqa: PTH100 - lexical, keeps links
    rows = catalogue.connection.execute("SELECT id, path FROM sources").fetchall()
    return [(source,) for source, path in rows if pattern.match(str(catalogue.located(path)))]


def prune(catalogue: Catalogue) -> int:
    """Forget all sources whose files have vanished; return how many items went.

    A file that is back is not forgotten, whether an index run has seen it again or not.
    """
    with catalogue.reading() as connection:
        found = connection.execute(
            "SELECT id, path FROM sources WHERE state = 'vanished'"
        ).fetchall()
    return _remove(catalogue, {source for source, path in found if is_gone(catalogue, path)})


def give_back_space(catalogue: Catalogue) -> int:
    """Write vectors and catalogue anew without what is no longer used; return the bytes gained."""
    gained = sum(compact(catalogue, encoder) for encoder in stored_encoders(catalogue))
    with catalogue.reading() as connection:
        connection.execute("VACUUM")
    return gained


def _remove(catalogue: Catalogue, doomed: set[int]) -> int:
    if not doomed:
        return 0
    with catalogue.transaction() as connection:
        before = connection.execute("SELECT count(*) FROM items").fetchone()[0]
        connection.executemany("DELETE FROM sources WHERE id = ?", [(s,) for s in sorted(doomed)])
        after = connection.execute("SELECT count(*) FROM items").fetchone()[0]
        grow_generation(connection)
    return int(before - after)
