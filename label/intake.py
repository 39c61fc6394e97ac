"""Taking in labels from elsewhere: a CSV of another program, or a folder for each class."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..db.catalogue import Catalogue, readable
from ..db.exemplars import Kind, StoredSet, find_set, write_down
from ..db.items import Item, items_at
from ..errors import NothingError
from ..media.address import parse
from .entered import Index, entered, located
from .exchange import columns_of, events_for, folders_of, foreign, read_rows
from .record import check_writable
from .sets import NOTHING, fitting, kept, kind_of, planned_set


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of an import.

    unanswered: rows without an answer; unknown: names of no item; contradicted: items that have
    several answers there, and so none; unreadable: files that are no pictures, with the reason.
    """

    exemplar_set: str
    labelled: int
    unanswered: int = 0
    unknown: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def take_in(
    catalogue: Catalogue, path: Path, index: Index, *, name: str, who: str,
    kind: Kind | None = None, column: str | None = None,
) -> TakenIn:  # fmt: skip
    """Take labels in; pictures that are new are indexed first.

    A folder holds a folder for each class. A CSV: see `exchange.columns_of`; a new set's kind is
    guessed from its answers where it is not named. Raises UsageError where the file can't be
    understood, NothingError where no row has both an answer and a known item: then nothing is
    taken.
    """
    check_writable(catalogue)
    if path.is_dir():
        return _folders(catalogue, path, index, name=name, who=who, kind=kind)
    rows = read_rows(path)
    columns = columns_of(path, rows[0], column)
    planned = _planned(catalogue, name, kind, columns.words(rows))
    given = foreign(path, rows, columns, planned)
    if not given.answers:
        raise NothingError(f"{path}: no row has an answer (0, empty and skip are none)")
    names = [located(item, path) for item, _, _ in given.answers]
    there = [one for one in dict.fromkeys(names) if os.path.isfile(parse(one).path)]  # noqa: PTH113
    unreadable = entered(catalogue, there, index)[1] if there else []
    labelled, unknown = [], []
    for named, (told, answer, _) in zip(names, given.answers, strict=True):
        items = items_at(catalogue, parse(named))
        if items:
            labelled.append((items[0], answer))
        else:
            unknown.append(told)
    if not labelled:
        raise NothingError(
            f"{path}: none of its items is in the library, as {unknown[0]}: q index them first"
        )
    clear, contradicted = _clear(labelled, path)
    _keep(catalogue, planned, clear, who, path)
    return TakenIn(
        name, len(clear), given.unanswered, tuple(unknown), contradicted, tuple(unreadable)
    )


def _planned(catalogue: Catalogue, name: str, kind: Kind | None, words: Sequence[str]) -> StoredSet:
    """Return the set that some answers go into, not entered yet."""
    known = find_set(catalogue, name)
    kind = kind or (known.kind if known else kind_of(words))
    return planned_set(catalogue, name, kind=kind, answers=words if kind == "classes" else ())


def _keep(
    catalogue: Catalogue, planned: StoredSet, labelled: Sequence[tuple[Item, str]], who: str,
    path: Path,
) -> None:  # fmt: skip
    events = events_for(labelled, who, {"from": readable(str(path))})
    write_down(catalogue, kept(catalogue, planned), events)


def _folders(
    catalogue: Catalogue, path: Path, index: Index, *, name: str, who: str, kind: Kind | None
) -> TakenIn:
    folders = {folder: files for folder, files in folders_of(path).items() if files}
    words = [folder for folder in folders if folder.strip().lower() not in NOTHING]
    planned = _planned(catalogue, name, kind, words)
    answers = {folder: fitting(planned, folder) for folder in folders}
    labelled: list[tuple[Item, str]] = []
    unreadable: list[str] = []
    unanswered = 0
    for folder, answer in answers.items():
        if answer is None:
            unanswered += len(folders[folder])
            continue
        items, unread = entered(catalogue, list(folders[folder]), index)
        unreadable += unread
        labelled += [(item, answer) for item in items]
    if not labelled:
        raise NothingError(f"{path}: none of its folders is an answer")
    clear, contradicted = _clear(labelled, path)
    _keep(catalogue, planned, clear, who, path)
    return TakenIn(name, len(clear), unanswered, (), contradicted, tuple(unreadable))


def _clear(
    labelled: Sequence[tuple[Item, str]], path: Path
) -> tuple[list[tuple[Item, str]], tuple[str, ...]]:
    """Return each content once with its answer, and the items of which several are given.

    Raises NothingError where that is true of all.
    """
    said: dict[int, dict[str, Item]] = defaultdict(dict)
    for item, answer in labelled:
        said[item.content].setdefault(answer, item)
    clear = [(item, answer) for told in said.values() if len(told) == 1
             for answer, item in told.items()]  # fmt: skip
    torn = tuple(
        " and ".join(f"{item}: {answer}" for answer, item in told.items())
        for told in said.values()
        if len(told) > 1
    )
    if not clear:
        raise NothingError(f"{path}: gives each item several answers: {torn[0]}")
    return clear, torn
