"""Exemplar sets as CSV, whole and exact, and as a folder for each class."""

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..db.catalogue import Catalogue
from ..db.exemplars import SKIP, Event, StoredSet, events_of, new_event
from ..db.items import Item
from ..errors import UsageError
from ..media.whole import whole
from ..show.rows import rows_as_csv
from .exemplars import Exemplars
from .record import origin_of
from .sets import NOTHING, QUESTIONS, fitting

COLUMNS = (
    "set", "kind", "question", "answers", "event", "content", "item", "answer", "who", "at",
    "origin",
)  # fmt: skip
"""Of our own CSV: one row for each event, so that undone and changed answers come along."""
_ITEM_NAMES = ("item", "path", "file", "filename", "name")
ANSWER_NAMES = ("answer", "label", "rating", "class", "grade")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def as_csv(catalogue: Catalogue, exemplar_set: StoredSet) -> str:
    """Return everything that was said in a set, as CSV; `own_events` makes the same of it."""
    head = (
        exemplar_set.name, exemplar_set.kind, exemplar_set.question,
        json.dumps(exemplar_set.answers, ensure_ascii=False),
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (*head, event.name, event.content, event.origin.get("item", ""), event.answer, event.who,
         event.at, json.dumps(event.origin, ensure_ascii=False, sort_keys=True))
        for event in events_of(catalogue, exemplar_set)
    ] or [(*head, *[None] * (len(COLUMNS) - len(head)))]  # fmt: skip
    return rows_as_csv([dict(zip(COLUMNS, row, strict=True)) for row in rows])


@dataclass(frozen=True, slots=True)
class Given:
    """What a CSV from elsewhere says: of each item (as named there) an answer; how many had none.

    line: of each, for messages.
    """

    answers: list[tuple[str, str, int]]
    unanswered: int


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV with a head; raises UsageError where there are none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise UsageError(f"{path}: can't be read ({why})") from problem
    if not rows:
        raise UsageError(f"{path}: holds no rows below its head")
    if len(rows[0]) == 1 and re.search("[;\t]", "".join(map(str, rows[0]))):
        raise UsageError(f"{path}: commas must part its columns, not semicolons or tabs")
    if any(None in row or None in row.values() for row in rows):
        line = next(n for n, row in enumerate(rows, 2) if None in row or None in row.values())
        raise UsageError(f"{path}, line {line}: not as many fields as the head has names")
    return rows


def is_ours(rows: Sequence[Mapping[str, str]]) -> bool:
    """Say whether rows are of a CSV that `as_csv` made."""
    return set(COLUMNS) <= set(rows[0])


def own_events(path: Path, rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, Any], list[Event]]:
    """Return what a CSV of ours says of its set (name, kind, question, answers), and its events.

    Raises UsageError, with the line, for what `as_csv` does not write.
    """
    head = {(row["set"], row["kind"], row["question"], row["answers"]) for row in rows}
    if len(head) > 1:
        raise UsageError(f"{path}: holds several sets; import one at a time")
    name, kind, question, answers = next(iter(head))
    events = []
    for line, row in enumerate(rows, start=2):
        if not row["event"]:
            continue
        try:
            origin = json.loads(row["origin"])
            content = int(row["content"])
            whole = isinstance(origin, dict) and 0 <= content < 1 << 63 and row["who"]
            if not whole or not _TIME.fullmatch(row["at"]):
                raise ValueError
        except ValueError:
            raise UsageError(f"{path}, line {line}: not what q exemplars export writes") from None
        answer = row["answer"] or None
        events.append(Event(content, answer, row["who"], row["at"], row["event"], origin))
    try:
        possible = [str(answer) for answer in json.loads(answers)]
        if kind not in QUESTIONS:
            raise ValueError
    except (ValueError, TypeError):
        raise UsageError(f"{path}, line 2: not what q exemplars export writes") from None
    return {"name": name, "kind": kind, "question": question, "answers": possible}, events


def check_answers(path: Path, events: Iterable[Event], exemplar_set: StoredSet) -> None:
    """Raise UsageError for an event of our own CSV whose answer the set does not have."""
    for event in events:
        if event.answer not in (None, SKIP) and fitting(exemplar_set, event.answer) != event.answer:
            raise UsageError(f"{path}: {event.answer} is no answer in {exemplar_set.name}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a CSV from elsewhere hold what."""

    item: str
    answer: str
    frame: str | None

    def words(self, rows: Iterable[Mapping[str, str]]) -> list[str]:
        """Return the answers that occur, in order."""
        said = dict.fromkeys(row[self.answer].strip() for row in rows)
        return [answer for answer in said if answer.lower() not in NOTHING]


def columns_of(path: Path, head: Iterable[str], column: str | None) -> Columns:
    """Return what the columns of a CSV from elsewhere hold.

    The item stands in a column item, path, file, filename or name (with a column frame: of that
    video); the answer in `column`, else answer, label, rating, class or grade. Raises UsageError
    where there are none of these.
    """
    names = {name.strip().lower(): name for name in head}
    answers = ANSWER_NAMES if column is None else (column.strip().lower(),)
    item = next((names[name] for name in _ITEM_NAMES if name in names), None)
    answer = next((names[name] for name in answers if name in names), None)
    if item is None or answer is None:
        wanted = column or "answer (or label, rating, class)"
        raise UsageError(
            f"{path}: needs the columns item and {wanted}; has {', '.join(names.values())}"
        )
    return Columns(item, answer, names.get("frame"))


def foreign(
    path: Path, rows: Sequence[Mapping[str, str]], columns: Columns, exemplar_set: StoredSet
) -> Given:
    """Return what a CSV from elsewhere says, in a set's answers; `sets.fitting` has what is none.

    Raises UsageError for an answer that the set does not have, or one that is of no item.
    """
    found, unanswered = [], 0
    for line, row in enumerate(rows, start=2):
        item = row[columns.item]
        try:
            fits = fitting(exemplar_set, row[columns.answer])
            if fits is not None and not item.strip():
                raise UsageError("an answer without an item")
        except UsageError as problem:
            raise UsageError(f"{path}, line {line}: {problem}") from None
        if fits is None:
            unanswered += 1
            continue
        number = row[columns.frame].strip() if columns.frame else ""
        told = item if not number or "#" in item else f"{item}#{number}"
        found.append((told, fits, line))
    return Given(found, unanswered)


def folders_of(path: Path) -> dict[str, list[Path]]:
    """Return the files of each folder in a folder, by the folder's name: a class each.

    Links are followed: what counts is the picture. Raises UsageError where there are none.
    """
    try:
        folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as problem:
        raise UsageError(f"{path}: can't be read ({problem.strerror})") from problem
    found = {
        folder.name: sorted(
            p.resolve() for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")
        )
        for folder in folders
    }
    if not any(found.values()):
        raise UsageError(f"{path}: holds no folders with pictures, one for each class")
    return found


def link_folders(
    exemplars: Exemplars, items: Mapping[int, Item], target: Path
) -> Iterator[tuple[Item, Path | None]]:
    """Link each labelled picture into a folder of its answer; yield (item, link).

    A frame of a video can't be linked, nor what has vanished: its link is None. items: by content.
    Raises UsageError where
    `target` is there and not empty, or can't be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; name a new folder")
    for entry in exemplars.entries:
        item = items.get(entry.content)
        if item is None:
            continue
        if item.frame is not None or item.part is not None or item.state == "vanished":
            yield item, None
            continue
        folder = target / _folder_name(entry.answer)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            link = _free(folder, item.path)
            link.symlink_to(item.path.resolve())
        except OSError as problem:
            raise UsageError(f"can't link into {folder}: {problem.strerror}") from problem
        yield item, link


def _folder_name(answer: str) -> str:
    return answer.replace(os.sep, "_").replace("/", "_").lstrip(".") or "_"


def _free(folder: Path, path: Path) -> Path:
    """Return a name in a folder that nothing has: the file's own, else with a number."""
    link, number = folder / path.name, 1
    while os.path.lexists(link):
        number += 1
        link = folder / f"{path.stem} ({number}){path.suffix}"
    return link


def write_csv(text: str, path: Path) -> None:
    """Write a CSV, whole or not at all."""
    try:
        with whole(path.resolve()) as file:
            file.write(text.encode("utf-8"))
    except OSError as problem:
        raise UsageError(f"can't write {path}: {problem.strerror}") from problem


def events_for(
    labelled: Iterable[tuple[Item, str]], who: str, origin: Mapping[str, Any]
) -> list[Event]:
    """Return an event for each item with its answer."""
    return [
        new_event(item.content, answer, who, origin_of(item, **origin)) for item, answer in labelled
    ]
