"""Exemplar sets as CSV, whole and exact, and as a folder for each class."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..db.catalogue import Catalogue
from ..db.exemplars import Event, StoredSet, events_of, new_event
from ..db.items import Item
from ..errors import UsageError
from ..media.whole import whole
from .exemplars import Exemplars
from .sets import QUESTIONS, fitting

COLUMNS = (
    "set", "kind", "question", "answers", "event", "content", "item", "answer", "who", "at",
    "origin",
)  # fmt: skip
"""Of our own CSV: one row for each event, so that undone and changed answers come along."""
_ITEM_NAMES = ("item", "path", "file", "filename", "name")
_ANSWER_NAMES = ("answer", "label", "rating", "class", "grade")


def as_csv(catalogue: Catalogue, exemplar_set: StoredSet) -> str:
    """Return everything that was said in a set, as CSV; `imported` makes the same set of it."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    head = [
        exemplar_set.name, exemplar_set.kind, exemplar_set.question,
        json.dumps(exemplar_set.answers, ensure_ascii=False),
    ]  # fmt: skip
    events = events_of(catalogue, exemplar_set)
    for event in events:
        rows.writerow(
            [*head, event.name, event.content, event.origin.get("item", ""),
             "" if event.answer is None else event.answer, event.who, event.at,
             json.dumps(event.origin, ensure_ascii=False, sort_keys=True)]
        )  # fmt: skip
    if not events:
        rows.writerow([*head, *[""] * (len(COLUMNS) - len(head))])
    return out.getvalue()


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
            if not isinstance(origin, dict) or not 0 <= content < 1 << 63 or not row["at"]:
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


def foreign(
    path: Path, rows: Sequence[Mapping[str, str]], exemplar_set: StoredSet, column: str | None
) -> Given:
    """Return what a CSV from elsewhere says, in a set's answers.

    The item stands in a column item, path, file, filename or name (with a column frame: of that
    video); the answer in `column`, else answer, label, rating, class or grade. Empty, 0, none and
    skip are no answers; nor is -1, which the first hand-rating tool wrote for "rejected" before any
    rating. Raises UsageError for any other that the set does not have.
    """
    names = {name.strip().lower(): name for name in rows[0]}
    item = next((names[name] for name in _ITEM_NAMES if name in names), None)
    answer = names.get((column or "").lower()) if column else None
    answer = answer or next((names[n] for n in _ANSWER_NAMES if n in names and not column), None)
    if item is None or answer is None:
        wanted = column or "answer (or label, rating, class)"
        raise UsageError(f"{path}: needs the columns item and {wanted}; has {', '.join(rows[0])}")
    frame = names.get("frame")
    found, unanswered = [], 0
    for line, row in enumerate(rows, start=2):
        text = row[answer].strip()
        try:
            fits = None if exemplar_set.kind == "rating" and text == "-1" else fitting(
                exemplar_set, text
            )  # fmt: skip
        except UsageError as problem:
            raise UsageError(f"{path}, line {line}: {problem}") from None
        if fits is None:
            unanswered += 1
            continue
        number = row[frame].strip() if frame else ""
        told = row[item] if not number or "#" in row[item] else f"{row[item]}#{number}"
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

    A frame of a video can't be linked: its link is None. items: by content. Raises UsageError where
    `target` is there and not empty, or can't be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; name a new folder")
    for entry in exemplars.entries:
        item = items.get(entry.content)
        if item is None:
            continue
        if item.frame is not None or item.part is not None:
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
        new_event(item.content, answer, who, {"item": str(item), **origin})
        for item, answer in labelled
    ]
