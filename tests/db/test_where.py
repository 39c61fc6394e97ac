"""Conditions in SQL: what they may say, and that nothing else gets through."""

import sqlite3
import time
from pathlib import Path

import pytest

from seeing.db import where
from seeing.db.where import items_where
from seeing.errors import UsageError
from seeing.library import Library


def names(library: Library, condition: str) -> list[str]:
    return sorted(library.item(i).path.name for i in items_where(library.catalogue, condition))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("width > 33", "2 3 4"),
        ("width BETWEEN 33 AND 34 OR item LIKE '%/0.png'", "0 1 2"),
        ("kind = 'PNG' AND depth = 8 AND height = 24", "0 1 2 3 4"),
        ("kind = 'FITS'", ""),
        ("item GLOB 'pictures/[12].png'", "1 2"),
        ("path IN ('pictures/1.png', 'pictures/5.png')", "1"),  # 5.png has vanished
        ("state = 'vanished'", ""),
        ("taken_at IS NULL AND frame IS NULL", "0 1 2 3 4"),
        ("width = (SELECT max(width) FROM pictures WHERE state = 'present')", "4"),
        ("id IN (SELECT id FROM pictures ORDER BY width LIMIT 2)", "0 1"),
        ("substr(item, -5) = upper('3.PNG') COLLATE NOCASE", "3"),
        ("modified_at > '2001-01-01' AND size * 2 > 0", "0 1 2 3 4"),
        ("item = 'a)b(c' OR item = ')' OR width = 32", "0"),
        ('"width" = 32 OR [width] = 33 OR `width` = 34', "0 1 2"),
        ("width = 32 -- the first", "0"),
        ("width = /* as ) drawn */ 33", "1"),
        ("1", "0 1 2 3 4"),
        ("0", ""),
        ("NULL", ""),
    ],
)
def test_what_may_be_said(library: Library, condition: str, expected: str) -> None:
    assert names(library, condition) == [f"{n}.png" for n in expected.split()]


def test_labels_and_scores_can_be_asked_about(library: Library) -> None:
    reference = library.folder.parent / "pictures" / "2.png"
    library.rank_pictures(reference=reference)
    best = "item IN (SELECT item FROM ranking WHERE scorer = 'embedding' AND rank = 1)"
    assert names(library, best) == ["2.png"]
    assert names(library, "id IN (SELECT item FROM labels WHERE answer = 'good')") == []


DANGEROUS = [
    "1; DROP TABLE items",
    "1; DELETE FROM sources; --",
    "1); DELETE FROM items; --",
    "1); UPDATE sources SET state = 'vanished'; SELECT (1",
    "1; ATTACH DATABASE '{other}' AS other",
    "1) UNION SELECT 1 FROM (SELECT 1",
    "1) OR (1",
    "1) OR state = 'vanished' /*",
    "1) ORDER BY id LIMIT 1 /*",
    "1) --",
    "1 /*",
    "(1",
    "1)",
    "width = ')",
    "load_extension('{other}')",
    "readfile('{other}')",
    "writefile('{other}', 'x')",
    "edit('x')",
    "fts3_tokenizer('x', x'00')",
    "id IN (SELECT 1 FROM sqlite_master)",
    "(SELECT sql FROM sqlite_schema LIMIT 1) IS NOT NULL",
    "(SELECT card FROM encoders) IS NOT NULL",
    "id IN (SELECT value FROM pragma_table_info('items'))",
    "(SELECT * FROM pragma_database_list) = 1",
    "id IN (SELECT id FROM other.pictures)",
    "id IN (SELECT 1 FROM 'file:{other}')",
    "id IN (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)",
    "PRAGMA writable_schema = 1",
    "(PRAGMA user_version)",
    "id IN (DELETE FROM items RETURNING id)",
    "id IN (VACUUM INTO '{other}')",
    "length(randomblob(1000000000)) > 0",
    "length(zeroblob(1000000000)) > 0",
    "length(printf('%.1000000000c', 'x')) > 0",
    "length(replace(hex(zeroblob(400000)), '00', 'aaaaaaaaaaaa')) > 0",
    "width > ",
    "",
    "   ",
    "-- nothing",
    "wdith > 100",
    "no_such_function(width)",
    "count(*) > 1",
    "width > ?",
    "width > :limit",
    "\0",
    "1\0; DROP TABLE items",
    "item = '\udcff'",
    "(" * 5000 + "1" + ")" * 5000,
]


@pytest.mark.parametrize("condition", DANGEROUS, ids=range(len(DANGEROUS)))
def test_everything_else_is_refused_without_effect(
    library: Library, tmp_path: Path, condition: str
) -> None:
    other = tmp_path / "other.db"
    sqlite3.connect(other).close()
    other.write_bytes(b"untouched")
    before = list(library.catalogue.connection.iterdump())
    started = time.monotonic()
    with pytest.raises(UsageError, match="--where") as caught:
        items_where(library.catalogue, condition.replace("{other}", str(other)))
    assert time.monotonic() - started < 3
    assert "\n" not in str(caught.value)
    assert other.read_bytes() == b"untouched"
    assert list(library.catalogue.connection.iterdump()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "other.db"]


def test_a_condition_that_takes_too_long_is_stopped(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, "SECONDS", 0.3)
    many = ", ".join(f"pictures AS p{n}" for n in range(12))  # 6 ** 12 rows
    started = time.monotonic()
    with pytest.raises(UsageError, match="took longer than"):
        items_where(library.catalogue, f"width > (SELECT count(*) FROM {many})")
    assert time.monotonic() - started < 3


def test_long_headers_do_not_stand_in_the_way(library: Library) -> None:
    with library.catalogue.transaction() as write:
        write.execute("UPDATE sources SET header = json_object('COMMENT', ?)", ("x" * 3_000_000,))
    assert names(library, "width > 35") == ["4.png"]


def test_an_unknown_column_is_answered_with_the_known(library: Library) -> None:
    with pytest.raises(UsageError) as caught:
        items_where(library.catalogue, "wdith > 100")
    assert "no such column: wdith (did you mean width?); columns are id, item" in str(caught.value)


def test_a_refused_condition_says_what_can_be_read(library: Library) -> None:
    with pytest.raises(UsageError, match="can only read the catalogue"):
        items_where(library.catalogue, "id IN (SELECT id FROM encoders)")
