"""Exemplar sets and label events in the catalogue: only ever added to.

An event says that somebody answered a set's question about a content, or took an answer back. The
latest of a person counts (by its time: events come from other libraries too); the views
`current_labels` and `labels` hold what counts.
"""

import datetime
import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..errors import UsageError, closest
from .catalogue import Catalogue, now

Kind = Literal["keep", "classes", "rating"]
SKIP = "skip"
"""With this answer an event says that somebody saw an item and gave none; it labels nothing."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class StoredSet:
    """An exemplar set: a named question and its possible answers.

    id: 0 of one that is not in the catalogue yet. kind: keep (or reject), classes, or rating (1 to
    5, a 5 perhaps rated once more).
    """

    id: int
    name: str
    kind: Kind
    question: str
    answers: tuple[str, ...]
    created_at: str


@dataclass(frozen=True, slots=True)
class Event:
    """One answer: who said when what about which content. answer: None takes the label back.

    name: tells events apart, the same in every library they come to. origin: from where it was
    given, what was shown (JSON).
    """

    content: int
    answer: str | None
    who: str
    at: str
    name: str
    origin: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Current:
    """An answer that counts."""

    content: int
    who: str
    answer: str
    at: str


def new_event(content: int, answer: str | None, who: str, origin: dict[str, Any]) -> Event:
    """Return an event of this moment."""
    return Event(content, answer, who, moment(), uuid.uuid4().hex, origin)


def moment() -> str:
    """Return the time in UTC, ISO 8601, to the microsecond: as text in the order of time."""
    return _written(datetime.datetime.now(datetime.UTC))


def _written(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def keep_set(catalogue: Catalogue, planned: StoredSet) -> StoredSet:
    """Enter a set, or the answers that the one of its name lacks; return it as it is now.

    Raises UsageError where another program has made one of that name that asks something else.
    """
    with catalogue.transaction() as connection:
        connection.execute(
            "INSERT INTO exemplar_sets (name, kind, question, answers, created_at) "
            "VALUES (?, ?, ?, '[]', ?) ON CONFLICT (name) DO NOTHING",
            (planned.name, planned.kind, planned.question, planned.created_at or now()),
        )
        kind, answers = connection.execute(
            "SELECT kind, answers FROM exemplar_sets WHERE name = ?", (planned.name,)
        ).fetchone()
        if kind != planned.kind:
            raise UsageError(f"there is a set {planned.name} already: q exemplars show it")
        more = dict.fromkeys([*json.loads(answers), *planned.answers])
        connection.execute(
            "UPDATE exemplar_sets SET answers = ? WHERE name = ?",
            (json.dumps(list(more), ensure_ascii=False), planned.name),
        )
    return set_named(catalogue, planned.name)


def all_sets(catalogue: Catalogue) -> list[StoredSet]:
    """Return the sets, by name."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT id, name, kind, question, answers, created_at FROM exemplar_sets "
            "WHERE removed_at IS NULL ORDER BY name"
        ).fetchall()
        return [
            StoredSet(number, name, kind, question, tuple(json.loads(answers)), at)
            for number, name, kind, question, answers, at in rows
        ]


def find_set(catalogue: Catalogue, name: str) -> StoredSet | None:
    """Return the set of a name, or None."""
    return next((found for found in all_sets(catalogue) if found.name == name), None)


def set_named(catalogue: Catalogue, name: str) -> StoredSet:
    """Return the set of a name; raises UsageError with the nearest name where there is none."""
    found = find_set(catalogue, name)
    if found is None:
        known = [one.name for one in all_sets(catalogue)]
        hint = closest(name, known)
        if not hint:
            hint = f"; there are {', '.join(known)}" if known else ""
        raise UsageError(f"no exemplar set is called {name}{hint}. Make one: q label --set {name}")
    return found


def put_away(catalogue: Catalogue, exemplar_set: StoredSet) -> str:
    """Take a set out of sight; return the name under which it can be brought back.

    Its events stay: nothing that a person said is ever deleted.
    """
    away = f"{exemplar_set.name}@{moment()}"
    with catalogue.transaction() as connection:
        connection.execute(
            "UPDATE exemplar_sets SET name = ?, removed_at = ? WHERE id = ?",
            (away, now(), exemplar_set.id),
        )
    return away


def bring_back(catalogue: Catalogue, name: str) -> StoredSet:
    """Bring back the set put away last under a name, or that of a name with its time."""
    with catalogue.transaction() as connection:
        row = connection.execute(
            "SELECT id, name FROM exemplar_sets WHERE removed_at IS NOT NULL "
            "AND (name = ? OR substr(name, 1, ?) = ?) ORDER BY name DESC",
            (name, len(name) + 1, f"{name}@"),
        ).fetchone()
        if row is None:
            raise UsageError(f"no set {name} has been removed from {catalogue.folder}")
        plain = row[1].rpartition("@")[0]
        if connection.execute("SELECT 1 FROM exemplar_sets WHERE name = ?", (plain,)).fetchone():
            raise UsageError(f"there is a set {plain} already: remove it first")
        connection.execute(
            "UPDATE exemplar_sets SET name = ?, removed_at = NULL WHERE id = ?", (plain, row[0])
        )
    return set_named(catalogue, plain)


def write_down(catalogue: Catalogue, exemplar_set: StoredSet, events: Sequence[Event]) -> None:
    """Write down what people say now, all or none; when this returns it is on the disk.

    Where a person's last event is later than the clock (set back since, or ahead on the machine
    that it came from), theirs follow it: what is said last counts.
    """
    with catalogue.transaction() as connection:
        last: dict[str, str] = {}
        said = []
        for event in events:
            before = last.get(event.who) or _last_of(connection, exemplar_set, event.who)
            last[event.who] = event.at if event.at > before else _next(before)
            said.append(replace(event, at=last[event.who]))
        _insert(connection, exemplar_set, said)


def _last_of(connection: sqlite3.Connection, exemplar_set: StoredSet, who: str) -> str:
    (at,) = connection.execute(
        "SELECT max(at) FROM label_events WHERE exemplar_set = ? AND who = ?",
        (exemplar_set.id, who),
    ).fetchone()
    return at or ""


def _next(at: str) -> str:
    """Return the next microsecond."""
    time = datetime.datetime.fromisoformat(at)
    return _written(time + datetime.timedelta(microseconds=1))


def add_events(catalogue: Catalogue, exemplar_set: StoredSet, events: Sequence[Event]) -> int:
    """Write events down, all or none; return how many were new.

    When this returns they are on the disk. Those that the set has already are passed over; raises
    UsageError for one that another set has.
    """
    with catalogue.transaction() as connection:
        _refuse_strangers(connection, exemplar_set, events)
        return _insert(connection, exemplar_set, events)


def check_events(catalogue: Catalogue, exemplar_set: StoredSet, events: Sequence[Event]) -> None:
    """Raise UsageError where another set has one of some events."""
    with catalogue.reading() as connection:
        _refuse_strangers(connection, exemplar_set, events)


def _insert(
    connection: sqlite3.Connection, exemplar_set: StoredSet, events: Sequence[Event]
) -> int:
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO label_events (exemplar_set, content, answer, who, at, origin, name) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
        [
            (exemplar_set.id, event.content, event.answer, event.who, event.at,
             json.dumps(event.origin, ensure_ascii=False, sort_keys=True), event.name)
            for event in events
        ],
    )  # fmt: skip
    return connection.total_changes - before


def _refuse_strangers(
    connection: sqlite3.Connection, exemplar_set: StoredSet, events: Sequence[Event]
) -> None:
    for start in range(0, len(events), _CHUNK):
        names = [event.name for event in events[start : start + _CHUNK]]
        row = connection.execute(
            "SELECT exemplar_sets.name, removed_at FROM label_events "
            "JOIN exemplar_sets ON exemplar_sets.id = exemplar_set "
            f"WHERE exemplar_set <> ? AND label_events.name IN ({','.join('?' * len(names))})",
            (exemplar_set.id, *names),
        ).fetchone()
        if row:
            away = f", removed: q exemplars restore {row[0]}" if row[1] else ""
            raise UsageError(f"these labels are in the library already, in the set {row[0]}{away}")


def events_of(
    catalogue: Catalogue,
    exemplar_set: StoredSet,
    *,
    who: str | None = None,
    content: int | None = None,
) -> list[Event]:
    """Return everything that was said, by a person, about a content, in order of time."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT content, answer, who, at, coalesce(name, 'event-' || id), origin "
            "FROM label_events WHERE exemplar_set = ? AND (? IS NULL OR who = ?) "
            "AND (? IS NULL OR content = ?) ORDER BY at, id",
            (exemplar_set.id, who, who, content, content),
        ).fetchall()
        return [
            Event(content, answer, who, at, name, json.loads(origin))
            for content, answer, who, at, name, origin in rows
        ]


def current_labels(
    catalogue: Catalogue, exemplar_set: StoredSet, *, who: str | None = None
) -> list[Current]:
    """Return the answers that count, of everybody or of one person, in order of time."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT content, who, answer, at FROM current_labels "
            "WHERE exemplar_set = ? AND (? IS NULL OR who = ?) ORDER BY at, event",
            (exemplar_set.id, who, who),
        ).fetchall()
    return [Current(*row) for row in rows]


def items_of_contents(catalogue: Catalogue, contents: Iterable[int]) -> dict[int, int]:
    """Return the id of an item of each content, one whose file is present where there is one."""
    wanted = list(contents)
    found: dict[int, int] = {}
    with catalogue.reading() as connection:
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            found |= dict(
                connection.execute(
                    "SELECT content, items.id FROM items JOIN sources ON sources.id = source "
                    f"WHERE content IN ({','.join('?' * len(part))}) "
                    "ORDER BY state = 'present', items.id DESC",  # the last one stays
                    part,
                ).fetchall()
            )
    return found
