"""Open the catalogue of a library, or make one."""

from collections.abc import Callable
from pathlib import Path

from ..errors import LibraryError
from .catalogue import Catalogue
from .lock import writing
from .place import FOLDER, find_library, is_library


def open_catalogue(
    path: str | Path | None = None,
    *,
    create: bool | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Catalogue:
    """Open the catalogue of the library that a path means, or the nearest, or make one.

    create: whether one may be made; by default only where a path is given. on_remark(text) is told
    when another program has to be waited for. Raises LibraryError when there is none, or it can't
    be opened.
    """
    folder = find_library(path)
    may_create = path is not None if create is None else create
    if folder is None or not is_library(folder):
        if not may_create:
            where = f"in {folder.parent}" if folder else "here or above"
            raise LibraryError(f"no library {where}; make one with: q index FOLDER")
        folder = folder or Path.cwd() / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise LibraryError(f"can't make a library in {folder}: {problem.strerror}") from problem
        with writing(folder, notify=on_remark):
            Catalogue(folder, create=True).close()
    return Catalogue(folder)
