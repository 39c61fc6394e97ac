"""What people said is only ever added to, and the last of each counts."""

import json
import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from seeing.db.catalogue import Catalogue
from seeing.db.exemplars import (
    Event,
    StoredSet,
    add_events,
    all_sets,
    current_labels,
    events_of,
    keep_set,
    new_event,
    set_named,
    write_down,
)
from seeing.db.schema import migrations

SHARP = StoredSet(0, "sharp", "rating", "How sharp?", ("1", "2", "3", "4", "5"), "")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    (tmp_path / ".q").mkdir()
    with Catalogue(tmp_path / ".q", create=True) as opened:
        yield opened


def said(content: int, answer: str | None, *, at: str, who: str = "ann", name: str = "") -> Event:
    return Event(content, answer, who, f"2026-01-01T{at}Z", name or f"{who} {content} {at}", {})


def labels(catalogue: Catalogue) -> set[tuple[int, str, str]]:
    sharp = set_named(catalogue, "sharp")
    return {(one.content, one.who, one.answer) for one in current_labels(catalogue, sharp)}


# --- append-only ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE label_events SET answer = '1'",
        "UPDATE label_events SET who = 'bob' WHERE id = 1",
        "DELETE FROM label_events",
        "DELETE FROM label_events WHERE id = 1",
        "INSERT OR REPLACE INTO label_events SELECT id, 1, 7, '1', who, at, '{}', 'x' "
        "FROM label_events",
        "REPLACE INTO label_events SELECT 99, 1, 7, '1', who, at, '{}', name FROM label_events",
        "INSERT INTO label_events SELECT id, 1, 7, '1', who, at, '{}', name FROM label_events "
        "WHERE true ON CONFLICT DO UPDATE SET answer = '1'",
    ],
)
def test_no_program_changes_an_event(catalogue: Catalogue, statement: str) -> None:
    write_down(catalogue, keep_set(catalogue, SHARP), [said(7, "5", at="10:00:00")])
    with closing(sqlite3.connect(catalogue.folder / "catalogue.db")) as plain:
        before = plain.execute("SELECT * FROM label_events").fetchall()
        try:
            plain.execute(statement)
        except sqlite3.IntegrityError as problem:
            assert "label events are never" in str(problem)
        plain.commit()
        assert plain.execute("SELECT * FROM label_events").fetchall() == before


def test_an_event_is_entered_once(catalogue: Catalogue) -> None:
    sharp = keep_set(catalogue, SHARP)
    first = said(7, "5", at="10:00:00")
    assert add_events(catalogue, sharp, [first, said(8, "4", at="10:00:01"), first]) == 2
    assert add_events(catalogue, sharp, [first]) == 0
    assert len(events_of(catalogue, sharp)) == 2


# --- what counts ----------------------------------------------------------------------------------


def test_the_latest_of_each_person_counts(catalogue: Catalogue) -> None:
    sharp = keep_set(catalogue, SHARP)
    add_events(catalogue, sharp, [
        said(7, "5", at="10:00:02"), said(7, "1", at="10:00:01"), said(7, "skip", at="10:00:03"),
        said(7, "2", at="10:00:00", who="bob"),
        said(8, "3", at="10:00:00"), said(8, None, at="10:00:01"),
    ])  # fmt: skip
    assert labels(catalogue) == {(7, "ann", "5"), (7, "bob", "2")}


def test_the_order_of_arrival_means_nothing(catalogue: Catalogue) -> None:
    """Of two events of one moment one counts, whichever library it was in before."""
    sharp = keep_set(catalogue, SHARP)
    other = keep_set(catalogue, StoredSet(0, "other", "rating", "?", (), ""))
    pair = [said(7, "5", at="10:00:00", name="b"), said(7, "1", at="10:00:00", name="a")]
    add_events(catalogue, sharp, pair)
    twins = [Event(e.content, e.answer, e.who, e.at, f"{e.name}'", {}) for e in reversed(pair)]
    add_events(catalogue, other, twins)
    one, two = (current_labels(catalogue, each)[0].answer for each in (sharp, other))
    assert one == two == "5"


def test_what_is_said_now_counts_though_the_clock_was_ahead(catalogue: Catalogue) -> None:
    sharp = keep_set(catalogue, SHARP)
    ahead = Event(7, "5", "ann", "2999-12-31T23:59:59.999999Z", "ahead", {})
    add_events(catalogue, sharp, [ahead])
    write_down(catalogue, sharp, [new_event(7, "2", "ann", {}), new_event(7, "3", "ann", {})])
    assert labels(catalogue) == {(7, "ann", "3")}
    assert [event.answer for event in events_of(catalogue, sharp)] == ["5", "2", "3"]
    write_down(catalogue, sharp, [new_event(7, "4", "bob", {})])
    assert events_of(catalogue, sharp)[0].who == "bob", "a clock of one's own"


# --- libraries of the first version ---------------------------------------------------------------


def first_version(folder: Path) -> None:
    """Make a library as version 1 wrote it, with two events at one second."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "catalogue.db", isolation_level=None)) as connection:
        migrations.apply(Database(connection), stop_before="0002_flags_in_ranking")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO sources VALUES (1, x'61', 'a', 1, 1, 'd', 'PNG', 1, NULL, "
                           "'present', NULL, '2026-01-01T00:00:00Z')")  # fmt: skip
        connection.execute("INSERT INTO items (id, content, source, width, height, depth) "
                           "VALUES (5, 7, 1, 8, 8, 8)")  # fmt: skip
        connection.execute(
            "INSERT INTO exemplar_sets VALUES (1, 'shape', 'Which?', ?, '2026-01-01T00:00:00Z')",
            (json.dumps(["ring", "disc"]),),
        )
        for answer in ("disc", "ring"):
            connection.execute(
                "INSERT INTO label_events (exemplar_set, content, answer, who, at, origin) "
                "VALUES (1, 7, ?, 'ann', '2026-01-01T00:00:00Z', '{}')", (answer,)
            )  # fmt: skip


def test_a_library_of_the_first_version_opens(tmp_path: Path) -> None:
    first_version(tmp_path / ".q")
    with Catalogue(tmp_path / ".q") as catalogue:
        (shape,) = all_sets(catalogue)
        assert (shape.kind, shape.answers) == ("classes", ("ring", "disc"))
        rows = catalogue.connection.execute("SELECT * FROM labels").fetchall()
        assert rows == [("shape", 5, "ann", "ring", "2026-01-01T00:00:00Z")]
        names = {event.name for event in events_of(catalogue, shape)}
    first_version(tmp_path / "other")
    with Catalogue(tmp_path / "other") as catalogue:
        others = {event.name for event in events_of(catalogue, all_sets(catalogue)[0])}
    assert len(names | others) == 4, "events of two libraries are told apart"


def opened(folder: Path, start: "multiprocessing.synchronize.Event") -> None:
    start.wait()
    Catalogue(folder).close()


def test_several_programs_open_one_of_the_first_version_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    first_version(tmp_path / ".q")
    start = context.Event()
    many = [context.Process(target=opened, args=(tmp_path / ".q", start)) for _ in range(3)]
    for process in many:
        process.start()
    start.set()
    for process in many:
        process.join()
    assert [process.exitcode for process in many] == [0, 0, 0]
