"""Items as the catalogue knows them, and finding them by path, content or number."""

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..media.address import Address
from .catalogue import Catalogue, readable

_COLUMNS = (
    "items.id, items.content, sources.path, items.frame, items.part, items.width, items.height, "
    "items.depth, items.taken_at, sources.kind, sources.digest, sources.state"
)
_CHUNK = 500  # parameters of one statement


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the library."""

    id: int
    content: int
    path: Path
    frame: int | None
    part: str | None
    width: int
    height: int
    depth: int
    taken_at: str | None
    kind: str
    digest: str
    state: str
    labels: dict[str, str] = field(default_factory=dict)
    """Current answers by exemplar set; several people's joined by " | "."""

    @property
    def address(self) -> Address:
        """Where to read it."""
        return Address(self.path, self.frame, self.part)

    @property
    def bytes(self) -> bytes:
        """The address as bytes, exact, seen from the working directory where it lies below it."""
        return os.fsencode(str(Address(from_here(self.path), self.frame, self.part)))

    def __str__(self) -> str:
        """Return the address, readable, seen from the working directory where it lies below it."""
        return readable(self.bytes)


def from_here(path: Path) -> Path:
    """Return a path as seen from the working directory where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def item_number(digest: str, *, frame: int | None, part: str | None, copy: int = 0) -> int:
    """Return the id of a picture: 63 bits, the same on every machine; copies are told apart."""
    told = f"{digest}|{'' if frame is None else frame}|{part or ''}" + (f"|{copy}" if copy else "")
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest()) >> 1


def frame_content(mark: int) -> int:
    """Return what labels of a frame follow, the same in a cut or joined video.

    mark: the 64-bit checksum of its samples, of which 63 bits are kept.
    """
    return mark >> 1


def frame_numbers(digest: str, frames: Sequence[int | None], *, copy: int = 0) -> list[int]:
    """Return the ids of frames of one file, as `item_number` gives them one by one."""
    begun = hashlib.blake2b(f"{digest}|".encode(), digest_size=8)
    end = f"||{copy}".encode() if copy else b"|"
    found = []
    for frame in frames:
        one = begun.copy()  # a third of the time that a fresh one takes
        one.update(end if frame is None else b"%d%b" % (frame, end))
        found.append(one.digest())
    return [number >> 1 for number in struct.unpack(f">{len(found)}Q", b"".join(found))]


def items_by_id(catalogue: Catalogue, ids: Iterable[int]) -> dict[int, Item]:
    """Return items by id, with their current labels; unknown ids are left out."""
    wanted = [int(i) for i in ids]
    found: dict[int, Item] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        for item in _select(catalogue, f"items.id IN ({','.join('?' * len(part))})", part):
            found[item.id] = item
    return found


def item_with(catalogue: Catalogue, number: int) -> Item:
    """Return the item of an id; raises UsageError for an unknown one."""
    found = items_by_id(catalogue, [number])
    if number not in found:
        raise UsageError(f"no item {number} in {catalogue.folder}")
    return found[number]


def all_items(catalogue: Catalogue) -> list[Item]:
    """Return all items whose files are present, in order of their paths."""
    found = items_by_id(catalogue, present_items(catalogue)).values()
    return sorted(found, key=lambda item: str(item.address))


def items_of_content(catalogue: Catalogue, content: int) -> list[Item]:
    """Return all items with this content: the picture and its copies."""
    return _select(catalogue, "items.content = ?", [content])


def items_at(catalogue: Catalogue, address: Address) -> list[Item]:
    """Return the item at an address (a list of none or one)."""
    return _select(
        catalogue,
        "sources.path = ? AND items.frame IS ? AND items.part IS ?",
        [catalogue.stored(address.path), address.frame, address.part],
    )


def items_below(catalogue: Catalogue, paths: Sequence[Path]) -> list[Item]:
    """Return present items that are one of the files, or lie in one of the folders."""
    found: dict[int, Item] = {}
    for path in paths:
        condition, values = address_condition(catalogue, path)
        for item in _select(catalogue, f"sources.state = 'present' AND ({condition})", values):
            found[item.id] = item
    return list(found.values())


def count_items(catalogue: Catalogue, sources: Iterable[int]) -> int:
    """Return how many items some sources hold."""
    with catalogue.reading() as connection:
        return sum(
            connection.execute("SELECT count(*) FROM items WHERE source = ?", (s,)).fetchone()[0]
            for s in sources
        )


def unreadable_below(catalogue: Catalogue, paths: Sequence[Path]) -> list[tuple[Item, str]]:
    """Return the files at or below some paths that could not be read, each with the reason.

    They hold no items: the item that stands for one has no size, and state "unreadable".
    """
    found: dict[int, tuple[Item, str]] = {}
    for path in paths:
        condition, values = address_condition(catalogue, path)
        with catalogue.reading() as connection:
            rows = connection.execute(
                "SELECT id, path, digest, error FROM sources "
                f"WHERE state = 'unreadable' AND ({condition}) ORDER BY path",
                values,
            ).fetchall()
        for source, stored, digest, reason in rows:
            item = Item(
                -source, -source, catalogue.located(stored), None, None, 0, 0, 0, None, "",
                digest or "", "unreadable",
            )  # fmt: skip
            found[source] = (item, reason)
    return list(found.values())


def address_condition(catalogue: Catalogue, path: Path) -> tuple[str, list[object]]:
    """Return an SQL condition on `sources`, and its values: at a path, or below it."""
    at = catalogue.stored(path).rstrip(os.fsencode(os.sep))
    if catalogue.holds(path, b""):  # the library's own folder or above: both kinds of paths
        catalogue.connection.create_function(
            "lies_below", 1, lambda stored: catalogue.holds(path, stored), deterministic=True
        )
        return "lies_below(sources.path)", []
    below = at + os.fsencode(os.sep)
    # blobs compare bytewise: all that begins with "a/" lies before "a0", its next neighbour
    after = below[:-1] + bytes([below[-1] + 1])
    return "sources.path = ? OR (sources.path >= ? AND sources.path < ?)", [at, below, after]


def present_items(catalogue: Catalogue) -> list[int]:
    """Return the ids of all items whose files are present."""
    with catalogue.reading() as connection:
        return [
            i
            for (i,) in connection.execute(
                "SELECT items.id FROM items JOIN sources ON sources.id = source "
                "WHERE state = 'present' ORDER BY items.id"
            )
        ]


def contents_of(catalogue: Catalogue) -> dict[int, int]:
    """Return the content of every item, by id."""
    with catalogue.reading() as connection:
        return dict(connection.execute("SELECT id, content FROM items").fetchall())


def _select(catalogue: Catalogue, where: str, values: Sequence[object]) -> list[Item]:
    with catalogue.reading() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM items JOIN sources ON sources.id = items.source "
            f"WHERE {where} ORDER BY sources.path, items.frame",
            values,
        ).fetchall()
        labels = labels_of(catalogue, [r[0] for r in rows])
    return [
        Item(*(number, content, catalogue.located(path), *about, labels.get(number, {})))
        for number, content, path, *about in rows
    ]


def labels_of(catalogue: Catalogue, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the current answers of items by exemplar set; of items without any nothing."""
    found: dict[int, dict[str, list[str]]] = {}
    (any_label,) = catalogue.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM label_events)"
    ).fetchone()
    for start in range(0, len(ids) if any_label else 0, _CHUNK):
        part = ids[start : start + _CHUNK]
        for item, exemplar_set, answer in catalogue.connection.execute(
            "SELECT DISTINCT item, exemplar_set, answer FROM labels "
            f"WHERE item IN ({','.join('?' * len(part))}) ORDER BY exemplar_set, answer",
            part,
        ):
            found.setdefault(item, {}).setdefault(exemplar_set, []).append(answer)
    return {
        item: {name: " | ".join(answers) for name, answers in sets.items()}
        for item, sets in found.items()
    }
