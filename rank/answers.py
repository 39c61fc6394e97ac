"""Labels for a probe from where users have them: an exemplar set, a table, a scorer's extremes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.exemplars import set_named
from ..errors import UsageError, closest
from ..label.exchange import ANSWER_NAMES, read_rows
from ..label.exemplars import exemplars_of
from ..label.sets import NOTHING, wanted_of
from ..train.probe import Kind
from .ground import Ground

FILES = ("item", "path", "file", "filename")
PLACES = (*FILES, "frame", "name")
"""Columns of a table that say which item a row is of, the first that is there; a frame's number
stands beside its video, or alone."""
BEST, WORST = "best", "worst"


@dataclass(frozen=True, slots=True)
class Answers:
    """Labels of rows of a ground.

    labels: classes as text or numbers, one for each of rows. weights: how much each counts. whence:
    for the card. wanted: the answer that is usually wanted, None where none is.
    """

    rows: NDArray[np.int64]
    labels: list[Any]
    weights: NDArray[np.float64]
    kind: Kind
    whence: dict[str, Any]
    wanted: str | None = None
    remarks: list[str] = field(default_factory=list)


def of_set(
    catalogue: Catalogue,
    ground: Ground,
    name: str,
    kind: Kind | None = None,
    who: str | None = None,
    wanted: str | None = None,
) -> Answers:
    """Return what an exemplar set says of the items of a ground.

    An answer of several people counts as often as people gave it. Raises UsageError where none of
    its contents is here.
    """
    exemplar_set = set_named(catalogue, name)
    found = exemplars_of(catalogue, exemplar_set, who=who)
    rated = exemplar_set.kind == "rating"
    kind = kind or ("ridge" if rated else "logistic")
    if not rated and kind != "logistic":
        raise UsageError(f"--kind {kind} learns ratings; the set {name} asks for {_asked(found)}")
    entries = sorted(found.entries, key=lambda entry: entry.content)
    places = ground.with_contents([entry.content for entry in entries])
    entries = [entry for entry in entries if entry.content in places]
    labels = [entry.answer if kind == "logistic" else entry.value for entry in entries]
    if not rated and entries:
        wanted = wanted_of(exemplar_set, sorted({entry.answer for entry in entries}), wanted)
    remarks = []
    if len(entries) < len(found.entries):
        remarks.append(f"{len(found.entries) - len(entries)} labels of {name} are of other items")
    if found.contradicted:
        remarks.append(f"{found.contradicted} items left out: as many say one answer as another")
    return Answers(
        np.array([places[entry.content] for entry in entries], np.int64), labels,
        np.array([entry.votes for entry in entries], np.float64), kind,
        {"exemplars": name, "who": who}, wanted, remarks,
    )  # fmt: skip


def _asked(found: Any) -> str:  # noqa: ANN401 - Exemplars
    return ", ".join(found.exemplar_set.answers) or "classes"


def of_table(ground: Ground, file: Path, column: str | None, kind: Kind | None) -> Answers:
    """Return the labels in a column of a CSV table, of the items that other columns name.

    column: by default the first of answer, label, rating, class, grade. All numbers are numbers,
    else all are classes. Empty, 0, skip, none and the like mean that nothing was answered
    (`label.sets.NOTHING`). Raises UsageError for a table that can't be read.
    """
    rows = read_rows(file)
    header = {name.strip().lower(): name for name in rows[0]}
    place = next((name for name in PLACES if name in header), None)
    if place is None:
        raise UsageError(f"{file}: no column says which item: {', '.join(PLACES)}")
    column = _column(file, header, column)
    frame = header.get("frame") if place in FILES else None
    given: dict[str, str] = {}
    for row in rows:
        where, answer = row[header[place]].strip(), row[column].strip()
        number = row[frame].strip() if frame else ""
        if number and "#" not in where:
            where = f"{where}#{number}"
        if answer.lower() in NOTHING or _number(answer) == 0:
            continue
        if given.get(where, answer) != answer:
            raise UsageError(f"{file}: {where} is there twice, as {given[where]} and {answer}")
        given[where] = answer
    known = _placed(ground, given, place, file)
    kept = sorted((row, given[name]) for name, row in known.items())
    numbers = [_number(answer) for _, answer in kept]
    numeric = all(math.isfinite(number) for number in numbers)
    kind = kind or ("ridge" if numeric else "logistic")
    if kind != "logistic" and not numeric:
        raise UsageError(f"{file}: --kind {kind} learns numbers; {column} has others too")
    remarks = []
    if len(kept) < len(given):
        remarks.append(f"{len(given) - len(kept)} labels of {file} are of other items")
    return Answers(
        np.array([row for row, _ in kept], np.int64),
        [answer for _, answer in kept] if kind == "logistic" else numbers,
        np.ones(len(kept)), kind, {"labels": str(file), "column": column}, None, remarks,
    )  # fmt: skip


def _column(file: Path, header: Mapping[str, str], column: str | None) -> str:
    """Return the column of labels as the table spells it; header: by small letters."""
    there = list(header.values())
    if column is None:
        found = next((header[name] for name in ANSWER_NAMES if name in header), None)
        if found is None:
            raise UsageError(f"{file}: which column holds labels? --column {'|'.join(there)}")
        return found
    if column in there:
        return column
    if column.strip().lower() not in header:
        raise UsageError(
            f"{file}: no column {column}{closest(column, there)}; there are: {', '.join(there)}"
        )
    return header[column.strip().lower()]


def _placed(ground: Ground, given: dict[str, str], place: str, file: Path) -> dict[str, int]:
    if place != "frame":
        return ground.with_names(given, file.parent)
    numbers = {name: _number(name) for name in given}
    wrong = next((name for name, number in numbers.items() if not number.is_integer()), None)
    if wrong is not None:
        raise UsageError(f"{file}: a frame's number is a whole one, not {wrong[:40] or 'empty'}")
    known = ground.with_numbers({int(number) for number in numbers.values()})
    return {name: known[int(n)] for name, n in numbers.items() if int(n) in known}


def _number(text: str) -> float:
    """Return a number, NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def of_extremes(
    scores: NDArray[np.float64],
    usable: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    best: int,
    worst: int,
    by: str,
) -> Answers:
    """Return the best and the worst frames by a scorer as two classes, of the frames allowed.

    scores, usable, allowed: (n,) of all frames. Raises UsageError where there are not so many.
    """
    rows = np.flatnonzero(np.isfinite(scores) & usable & allowed)
    if best + worst > len(rows):
        raise UsageError(
            f"{best} best and {worst} worst are more than the {len(rows)} good frames that are not "
            "held out"
        )
    order = rows[np.argsort(-scores[rows], kind="stable")]
    chosen = np.concatenate((order[:best], order[len(order) - worst :]))
    labels = [BEST] * best + [WORST] * worst
    at = np.argsort(chosen)
    return Answers(
        chosen[at], [labels[place] for place in at.tolist()], np.ones(len(at)), "logistic",
        {"by": by, "best": best, "worst": worst}, BEST,
    )  # fmt: skip


def class_wanted(answers: Answers, wanted: str | None) -> str | None:
    """Return the answer that ranks; raises UsageError where it has to be said, or is none given."""
    if answers.kind != "logistic":
        if wanted is not None:
            raise UsageError(f"--wanted names a class; --kind {answers.kind} learns numbers")
        return None
    there: Sequence[str] = sorted(set(answers.labels))
    wanted = wanted or answers.wanted
    if wanted is None:
        raise UsageError(f"which answer is wanted? --wanted {' or '.join(there)}")
    if wanted not in there:
        raise UsageError(
            f"no label says {wanted}{closest(wanted, there)}; there are {', '.join(there)}"
        )
    return wanted
