"""The items that somebody names to label them, entered into the library where they are new."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..db.advice import counted
from ..db.catalogue import Catalogue
from ..db.items import Item, items_at
from ..errors import NothingError, UsageError
from ..flow.meant import meant
from ..media.address import parse
from ..video.open import is_video

Index = Callable[[list[str | Path]], object]
"""Brings the library up to date with some paths."""
_TOLD = 5


def entered(
    catalogue: Catalogue, names: Sequence[str | Path], index: Index
) -> tuple[list[Item], list[str]]:
    """Return the items that some names mean, new ones indexed first, and what can't be read.

    Raises UsageError for a video as a whole (its frames are items), NothingError for no picture.
    """
    for name in names:
        if parse(name).frame is None and os.path.isfile(name) and is_video(name):  # noqa: PTH113
            raise UsageError(
                f"{name} is a video: label its frames, as {name}#120, or answer in a terminal: "
                f"q label {name} --set SET"
            )
    unknown = [name for name in names if not _known_frame(catalogue, name)]
    if unknown and catalogue.writable:
        index(unknown)
    items, broken = meant(catalogue, names)
    if not items:
        raise nothing_at(names, broken)
    return items, told_unread(broken)


def nothing_at(
    names: Sequence[str | Path], broken: Sequence[tuple[Item, str]] = ()
) -> NothingError:
    """Return what to raise where names mean no picture."""
    why = f": {broken[0][0]}: {broken[0][1]}" if broken else ""
    return NothingError(f"no pictures at or below {', '.join(map(str, names[:3]))}{why}")


def told_unread(broken: Sequence[tuple[Item, str]]) -> list[str]:
    """Return a line for each file that can't be read, and how many more there are."""
    lines = [f"{item}: {why}" for item, why in broken[:_TOLD]]
    more = len(broken) - len(lines)
    return [*lines, f"{counted(more, 'more file')} can't be read: q status"] if more else lines


def _known_frame(catalogue: Catalogue, name: str | Path) -> bool:
    """Say whether a name is of a frame that the library knows, as from a ranking."""
    address = parse(name)
    return address.frame is not None and bool(items_at(catalogue, address))


def located(name: str, beside: Path) -> str:
    """Return a name from a list as a path: from the working directory, else beside the list."""
    if os.path.lexists(parse(name).path):
        return name
    there = str(beside.parent / name)
    return there if os.path.lexists(parse(there).path) else name
