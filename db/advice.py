"""Commands that a person is advised to give, with the paths that the library was made from."""

import os
import shlex
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from .catalogue import Catalogue, readable
from .items import from_here

_MOST = 3
"""Paths named in one line; where more would be needed, what lies above them all is named."""


def counted(n: int, noun: str) -> str:
    """Return "1 picture", "2 pictures"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def are(n: int, noun: str) -> str:
    """Return "1 picture is", "2 pictures are"."""
    return f"{counted(n, noun)} {'is' if n == 1 else 'are'}"


def index_command(catalogue: Catalogue, encoder: str | None = None) -> str:
    """Return the `q index` that reaches every indexed file, and as little else as can be told."""
    named = f" --encoder {shlex.quote(encoder)}" if encoder else ""
    told = (shlex.quote(readable(str(from_here(Path(path))))) for path in indexed_paths(catalogue))
    return f"q index{named} {' '.join(told)}".rstrip()


def indexed_paths(catalogue: Catalogue) -> list[str]:
    """Return at most three paths at or below which all files of the library lie."""
    with catalogue.reading() as connection:
        stored = [path for (path,) in connection.execute("SELECT path FROM sources ORDER BY path")]
    found = [str(catalogue.located(path)) for path in stored]
    if len(found) <= _MOST:
        return found
    folders = _merged(os.path.dirname(path) for path in found)  # noqa: PTH120 - for each file
    while len(folders) > _MOST:
        # the two that are nearest to each other become the folder above both
        above = [os.path.commonpath(pair) for pair in pairwise(folders)]
        folders = _merged([*folders, max(above, key=len)])
    return folders


def _merged(folders: Iterable[str]) -> list[str]:
    """Return the uppermost of some folders, none of them inside another."""
    kept: list[str] = []
    for folder in sorted(folders):
        if not any(folder == above or folder.startswith(above + os.sep) for above in kept):
            kept.append(folder)
    return kept
