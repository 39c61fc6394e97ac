"""Files against the catalogue by path, size and time: what is new, changed, vanished, returned."""

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..media.walk import Found
from .catalogue import Catalogue
from .vectors import StoredEncoder


class Source(NamedTuple):
    """A file as the catalogue last saw it."""

    id: int
    size: int
    mtime_ns: int
    state: str
    digest: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """One picture that has to be looked at: new, changed, or without a vector."""

    found: Found
    path: bytes
    """As stored."""
    known: Source | None
    frame: int | None = None
    part: str | None = None


@dataclass(slots=True)
class Plan:
    """What a refresh would do, by what the file system says; nothing has been read yet."""

    new: list[Pending] = field(default_factory=list)
    changed: list[Pending] = field(default_factory=list)
    unencoded: list[Pending] = field(default_factory=list)
    """Unchanged, but without a vector of this encoder."""
    vanished: dict[int, Source] = field(default_factory=dict)
    """By id; those that turn up elsewhere with the same content are moved, not lost."""
    lost_before: dict[int, Source] = field(default_factory=dict)
    """Vanished in an earlier refresh; may turn up again elsewhere."""
    returned: list[int] = field(default_factory=list)
    broken_again: list[int] = field(default_factory=list)
    """Files that could not be read, vanished, and are back as they were."""
    new_parts: list[Pending] = field(default_factory=list)
    """Pictures of unchanged files that nobody has asked for before."""
    unchanged: int = 0
    """Pictures of files that are as they were, with or without a vector; not those returned."""
    still_unreadable: int = 0

    @property
    def pending(self) -> list[Pending]:
        """Everything that has to be read."""
        # changed ones first: what is only touched can then be the original of a new copy
        return [*self.changed, *self.new, *self.new_parts, *self.unencoded]


def known_sources(catalogue: Catalogue) -> dict[bytes, Source]:
    """Return every source, by its stored path."""
    with catalogue.reading() as connection:
        return {
            row[0]: Source(*row[1:])
            for row in connection.execute(
                "SELECT path, id, size, mtime_ns, state, digest, error FROM sources"
            )
        }


def unencoded_items(
    catalogue: Catalogue, encoder: StoredEncoder | None
) -> dict[int, list[tuple[int | None, str | None]]]:
    """Return (frame, part) of the items that this encoder has not seen, by source."""
    found: dict[int, list[tuple[int | None, str | None]]] = {}
    with catalogue.reading() as connection:
        for source, frame, part in connection.execute(
            "SELECT source, frame, part FROM items LEFT JOIN vectors "
            "ON vectors.item = items.id AND vectors.encoder = ? WHERE vectors.item IS NULL",
            (encoder.id if encoder else -1,),
        ):
            found.setdefault(source, []).append((frame, part))
    return found


def compare(
    catalogue: Catalogue,
    found: Iterable[tuple[Found, int | None, str | None]],
    *,
    roots: Collection[str],
    unlistable: Collection[str],
    encoder: StoredEncoder | None,
) -> Plan:
    """Compare files with the catalogue by path, size and time.

    found: each file with the frame and part asked for. roots: the folders that
    were walked; only what lies below one of them (and not below an unlistable folder) can have
    vanished, and has only when there is no such file: one that was passed over (hidden, excluded,
    of another extension) stays as it is. encoder: whose vectors are wanted; None means one the
    library does not know yet.
    """
    plan = Plan()
    known = known_sources(catalogue)
    unencoded = {
        source: dict.fromkeys(places)
        for source, places in unencoded_items(catalogue, encoder).items()
    }
    addressed_only = _addressed_only(catalogue)
    seen: set[bytes] = set()
    asked: set[tuple[bytes, int | None, str | None]] = set()
    for file, frame, part in found:
        path = catalogue.stored(file.path)
        if (path, frame, part) in asked:
            continue
        asked.add((path, frame, part))
        seen.add(path)
        source = known.get(path)
        pending = Pending(file, path, source, frame, part)
        if source is None:
            plan.new.append(pending)
        elif (source.size, source.mtime_ns) != (file.size, file.mtime_ns):
            plan.changed.append(pending)
        elif source.error is not None:
            plan.still_unreadable += 1
            if source.state == "vanished":
                plan.broken_again.append(source.id)
        else:
            if source.state == "vanished" and source.id not in plan.returned:
                plan.returned.append(source.id)
            lacking = unencoded.setdefault(source.id, {})
            # of a video of 50,000 ranked frames only those asked for
            places = [
                p for p in ([(frame, part)] if frame is not None else lacking) if p in lacking
            ]
            for place in places:
                del lacking[place]
            plan.unencoded.extend(Pending(file, path, source, *place) for place in places)
            if not _has_item(catalogue, source.id, frame, part, addressed_only):
                plan.new_parts.append(pending)
            elif source.state != "vanished":
                plan.unchanged += 1
    _missed(catalogue, plan, {path: known[path] for path in known.keys() - seen}, roots, unlistable)
    return plan


def _missed(
    catalogue: Catalogue,
    plan: Plan,
    unseen: dict[bytes, Source],
    roots: Collection[str],
    unlistable: Collection[str],
) -> None:
    """Enter into the plan which of the sources that were not come across are gone."""
    for path, source in sorted(unseen.items()):
        if source.state == "vanished":
            if is_gone(catalogue, path):
                plan.lost_before[source.id] = source
        elif (
            _below(catalogue, path, roots)
            and not _below(catalogue, path, unlistable)
            and is_gone(catalogue, path)
        ):
            plan.vanished[source.id] = source


def is_gone(catalogue: Catalogue, path: bytes) -> bool:
    """Say whether there is no such file any more; not where that can't be found out.

    A link that leads nowhere is as gone as what it led to; so is a file that has become a folder,
    a pipe or a device.
    """
    try:
        return not stat.S_ISREG(os.stat(catalogue.located(path)).st_mode)  # noqa: PTH116 - often
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _addressed_only(catalogue: Catalogue) -> set[int]:
    """Return the sources of which only frames or parts have been asked for, not the file itself."""
    with catalogue.reading() as connection:
        return {
            source
            for (source,) in connection.execute(
                "SELECT source FROM items GROUP BY source "
                "HAVING max(frame IS NULL AND part IS NULL) = 0"
            )
        }


def _has_item(
    catalogue: Catalogue,
    source: int,
    frame: int | None,
    part: str | None,
    addressed_only: Collection[int],
) -> bool:
    if frame is None and part is None:
        return source not in addressed_only
    row = catalogue.connection.execute(
        "SELECT 1 FROM items WHERE source = ? AND frame IS ? AND part IS ?", (source, frame, part)
    ).fetchone()
    return row is not None


def _below(catalogue: Catalogue, path: bytes, folders: Collection[str]) -> bool:
    return any(catalogue.holds(folder, path) for folder in folders)
