"""Which items of a library some names mean."""

from collections.abc import Sequence
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.items import Item, items_at, items_below, unreadable_below
from ..media.find import find


def meant(
    catalogue: Catalogue, names: Sequence[str | Path]
) -> tuple[list[Item], list[tuple[Item, str]]]:
    """Return the items that names mean, and the files that can't be read with the reason."""
    search = find(names)
    below = [Path(path) for path in search.walked.paths]
    items = {item.id: item for item in items_below(catalogue, below)}
    items |= {item.id: item for at in search.addresses for item in items_at(catalogue, at)}
    return list(items.values()), unreadable_below(catalogue, below)
