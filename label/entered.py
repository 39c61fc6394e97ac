"""The items that somebody names to label them, entered into the library where they are new."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.items import Item, items_at
from ..errors import NothingError, UsageError
from ..flow.meant import meant
from ..media.address import parse
from ..video.open import is_video

Index = Callable[[list[str | Path]], object]
"""Brings the library up to date with some paths."""


def entered(catalogue: Catalogue, names: Sequence[str | Path], index: Index) -> list[Item]:
    """Return the items that some names mean; those that are new are indexed first.

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
        why = f": {broken[0][0]}: {broken[0][1]}" if broken else ""
        raise NothingError(f"no pictures at or below {', '.join(map(str, names[:3]))}{why}")
    return items


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
