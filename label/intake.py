"""Taking in labels from elsewhere: a CSV of another program, or a folder for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..db.catalogue import Catalogue
from ..db.exemplars import Kind, StoredSet, add_events
from ..db.items import items_at
from ..errors import UsageError
from ..media.address import parse
from .entered import Index, entered, located
from .exchange import events_for, folders_of, foreign, read_rows
from .record import check_writable
from .sets import NOTHING, kind_of, open_set


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of an import. unanswered: rows without an answer; unknown: names of no item."""

    exemplar_set: str
    labelled: int
    unanswered: int = 0
    unknown: tuple[str, ...] = ()


def take_in(
    catalogue: Catalogue, path: Path, index: Index, *, name: str, who: str,
    kind: Kind | None = None, column: str | None = None,
) -> TakenIn:  # fmt: skip
    """Take labels in; pictures that are new are indexed first.

    A folder holds a folder for each class. A CSV: see `exchange.foreign`; a new set's kind is
    guessed from its answers where it is not named. Raises UsageError where the file can't be
    understood: then nothing is taken.
    """
    check_writable(catalogue)
    if path.is_dir():
        return _folders(catalogue, path, index, name=name, who=who)
    rows = read_rows(path)
    words = _answers(rows, column)
    guessed = kind or kind_of(words)
    asked = open_set(catalogue, name, kind=guessed, answers=words if guessed == "classes" else ())
    given = foreign(path, rows, asked, column)
    names = [located(item, path) for item, _, _ in given.answers]
    there = [one for one in dict.fromkeys(names) if parse(one).path.exists()]
    if there:
        entered(catalogue, there, index)
    labelled, unknown = [], []
    for named, (told, answer, _) in zip(names, given.answers, strict=True):
        items = items_at(catalogue, parse(named))
        if items:
            labelled.append((items[0], answer))
        else:
            unknown.append(told)
    origin = {"from": str(path)}
    add_events(catalogue, asked, events_for(labelled, who, origin))
    return TakenIn(asked.name, len(labelled), given.unanswered, tuple(unknown))


def _answers(rows: Sequence[dict[str, str]], column: str | None) -> list[str]:
    names = {name.strip().lower(): name for name in rows[0]}
    wanted = [column.lower()] if column else ["answer", "label", "rating", "class", "grade"]
    found = next((names[one] for one in wanted if one in names), None)
    if found is None:
        raise UsageError(f"no column {' or '.join(wanted)}; there are {', '.join(rows[0])}")
    said = dict.fromkeys(row[found].strip() for row in rows)
    return [answer for answer in said if answer.lower() not in NOTHING]


def _folders(catalogue: Catalogue, path: Path, index: Index, *, name: str, who: str) -> TakenIn:
    folders = folders_of(path)
    classes = [folder for folder, files in folders.items() if files]
    kind: Kind = kind_of(classes)
    asked: StoredSet = open_set(
        catalogue, name, kind=kind, answers=classes if kind == "classes" else ()
    )
    labelled = []
    for folder in classes:
        items = entered(catalogue, list(folders[folder]), index)
        labelled += [(item, folder) for item in items]
    add_events(catalogue, asked, events_for(labelled, who, {"from": str(path)}))
    return TakenIn(asked.name, len(labelled))
