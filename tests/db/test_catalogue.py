"""The catalogue: made once, whole or not written, readable by others, paths exact."""

import asyncio
import os
import sqlite3
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeing.db.catalogue import VERSION, Catalogue, readable
from seeing.errors import LibraryError
from seeing.library import Library, open_library

TABLES = {
    "sources", "items", "encoders", "vectors", "indexes", "similarities", "scorers", "scores",
    "exemplar_sets", "label_events", "models", "runs",
}  # fmt: skip
VIEWS = {"current_labels", "labels", "pictures", "ranking"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".q").mkdir()
    return tmp_path / ".q"


def plain(folder: Path) -> sqlite3.Connection:
    """Open the catalogue as any other program would."""
    return sqlite3.connect(folder / "catalogue.db")


def test_tables_and_views(folder: Path) -> None:
    Catalogue(folder, create=True).close()
    connection = plain(folder)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    connection.close()
    assert {name for kind, name, _ in rows if kind == "view"} == VIEWS
    tables = {name: sql for kind, name, sql in rows if kind == "table" and name in TABLES}
    assert set(tables) == TABLES
    for name, sql in tables.items():
        assert "STRICT" in sql.rpartition(")")[2], f"{name} takes values of any type"


def test_migrations_are_applied_once(folder: Path) -> None:
    Catalogue(folder, create=True).close()
    connection = plain(folder)
    first = connection.execute("SELECT * FROM _sqlite_migrations").fetchall()
    assert len(first) == VERSION
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()
    for _ in range(2):
        Catalogue(folder).close()
    connection = plain(folder)
    assert connection.execute("SELECT * FROM _sqlite_migrations").fetchall() == first
    connection.close()


def test_a_library_of_the_first_version_is_brought_up_to_date(folder: Path) -> None:
    with Catalogue(folder, create=True) as catalogue, catalogue.transaction() as connection:
        for number in (1, 2):
            connection.execute(
                "INSERT INTO sources (id, path, path_text, size, mtime_ns, state, seen_at) "
                f"VALUES ({number}, x'6{number}', 'a', 1, 1, 'present', '')"
            )
            connection.execute(
                "INSERT INTO items (id, content, source, width, height, depth) "
                f"VALUES ({number}, {number}, {number}, 1, 1, 8)"
            )
        connection.execute("INSERT INTO scorers VALUES (1, 'self@1', 'self', '{}', '')")
        connection.execute("INSERT INTO scores VALUES (1, 1, 0.5, NULL)")
        connection.execute('INSERT INTO scores VALUES (1, 2, 0.9, \'{"flags": "cut"}\')')
    connection = plain(folder)  # as version 1 had it: no flags in the view
    connection.executescript(
        "DROP VIEW ranking; CREATE VIEW ranking AS SELECT value AS score FROM scores;"
        "DELETE FROM _sqlite_migrations WHERE name = '0002_flags_in_ranking';"
        "PRAGMA user_version = 1;"
    )
    connection.close()
    with Catalogue(folder) as catalogue, catalogue.reading() as connection:
        rows = connection.execute("SELECT score, flags, rank FROM ranking ORDER BY rank").fetchall()
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert rows == [(0.5, None, 1), (0.9, "cut", 2)]


def test_a_newer_library_is_refused_and_left_alone(folder: Path) -> None:
    Catalogue(folder, create=True).close()
    connection = plain(folder)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (folder / "catalogue.db").read_bytes()
    with pytest.raises(LibraryError, match=r"newer seeing .* nothing was changed. Upgrade"):
        Catalogue(folder)
    assert (folder / "catalogue.db").read_bytes() == before


def test_there_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="q index FOLDER"):
        Catalogue(tmp_path / ".q")
    assert not (tmp_path / ".q").exists()


def test_types_are_strict_and_foreign_keys_on(folder: Path) -> None:
    with Catalogue(folder, create=True) as catalogue:
        with pytest.raises(LibraryError, match="cannot store TEXT"), catalogue.transaction() as w:
            w.execute(
                "INSERT INTO runs (command, started_at, seconds, items, failed) "
                "VALUES ('index', '2026-01-01T00:00:00Z', 'long', 1, 0)"
            )
        with pytest.raises(LibraryError, match="FOREIGN KEY"), catalogue.transaction() as write:
            write.execute("INSERT INTO vectors (item, encoder, row, crc32) VALUES (1, 1, 0, 0)")
        with pytest.raises(LibraryError, match="CHECK"), catalogue.transaction() as write:
            write.execute(
                "INSERT INTO sources (path, path_text, size, mtime_ns, state, seen_at) "
                "VALUES (x'61', 'a', 1, 1, 'lost', '')"
            )


def test_deleting_a_source_takes_what_hangs_on_it(library: Library) -> None:
    with library.catalogue.transaction() as write:
        write.execute("DELETE FROM sources")
    for table in ("items", "vectors"):
        count = library.catalogue.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert count == (0,)


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt, LibraryError])
def test_transactions_roll_back(folder: Path, problem: type[BaseException]) -> None:
    with Catalogue(folder, create=True) as catalogue:
        with pytest.raises(problem), catalogue.transaction() as write:
            write.execute("INSERT INTO models VALUES ('m', 'probe', 'm.bin', '{}', '')")
            raise problem
        rows = catalogue.connection.execute("SELECT count(*) FROM models").fetchone()
        assert rows == (0,)
        assert not catalogue.connection.in_transaction
        with catalogue.transaction() as write:
            write.execute("INSERT INTO models VALUES ('m', 'probe', 'm.bin', '{}', '')")
    connection = plain(folder)
    assert connection.execute("SELECT name FROM models").fetchall() == [("m",)]
    connection.close()


def test_closing_folds_the_log_in(library: Library) -> None:
    folder = library.folder
    library.close()
    assert (
        not (folder / "catalogue.db-wal").exists()
        or (folder / "catalogue.db-wal").stat().st_size == 0
    )
    with open_library(folder) as again:
        assert len(again.items()) == 5


def test_views_are_readable_in_plain_sqlite(library: Library) -> None:
    library.rank_pictures(reference=library.folder.parent / "pictures" / "0.png")
    library.close()
    connection = plain(library.folder)
    connection.row_factory = sqlite3.Row
    pictures = connection.execute("SELECT * FROM pictures ORDER BY path").fetchall()
    assert [row["item"] for row in pictures] == [f"pictures/{n}.png" for n in range(6)]
    assert [row["width"] for row in pictures] == [32 + n for n in range(6)]
    assert [row["state"] for row in pictures] == ["present"] * 5 + ["vanished"]
    assert pictures[0]["modified_at"].endswith("Z")
    ranking = connection.execute("SELECT * FROM ranking ORDER BY rank").fetchall()
    assert [row["rank"] for row in ranking] == [1, 2, 3, 4, 5]
    assert ranking[0]["item"] == "pictures/0.png"
    assert connection.execute("SELECT * FROM labels").fetchall() == []
    connection.close()


def test_the_catalogue_opens_in_datasette(library: Library) -> None:
    library.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of old helpers
        from datasette.app import Datasette  # type: ignore[import-untyped]

        async def ask(path: str) -> dict[str, object]:
            site = Datasette([str(library.folder / "catalogue.db")])
            answer = await site.client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()  # type: ignore[no-any-return]

        for name in sorted(TABLES | VIEWS):
            asyncio.run(ask(f"/catalogue/{name}.json"))
        told = asyncio.run(ask("/catalogue/pictures.json?_shape=objects&state=present"))
    rows = told["rows"]
    assert isinstance(rows, list)
    assert sorted(row["item"] for row in rows) == [f"pictures/{n}.png" for n in range(5)]


# --- paths ------------------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
parts = st.lists(names, min_size=0, max_size=4)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("root") / ".q"
    folder.mkdir()
    return Catalogue(folder, create=True)


@settings(max_examples=200, deadline=None)
@given(inside=parts)
def test_paths_below_the_root_are_kept_relative(catalogue: Catalogue, inside: list[bytes]) -> None:
    full = b"/".join([os.fsencode(catalogue.root), *inside])
    stored = catalogue.stored(full)
    assert stored == b"/".join(inside)
    assert catalogue.stored(os.fsdecode(full)) == stored
    assert os.fsencode(catalogue.located(stored)) == full
    assert catalogue.stored(catalogue.located(stored)) == stored
    readable(stored).encode()  # can be printed


@settings(max_examples=200, deadline=None)
@given(outside=parts.filter(bool))
def test_other_paths_are_kept_whole(catalogue: Catalogue, outside: list[bytes]) -> None:
    full = b"/outside/" + b"/".join(outside)
    assert catalogue.stored(full) == full
    assert os.fsencode(catalogue.located(full)) == full


def test_a_sibling_of_the_root_is_not_below_it(catalogue: Catalogue) -> None:
    sibling = os.fsencode(catalogue.root) + b"-other/a.png"
    assert catalogue.stored(sibling) == sibling
    assert catalogue.stored(catalogue.root) == b""
    assert catalogue.stored(f"{catalogue.root}/x/../a.png") == b"a.png"
    above = os.path.dirname(catalogue.root) + "/a.png"  # noqa: PTH120
    assert catalogue.stored(f"{catalogue.root}/../a.png") == os.fsencode(above)


@settings(max_examples=200, deadline=None)
@given(above=parts, below=parts, is_inside=st.booleans())
def test_a_folder_holds_itself_and_what_lies_below(
    catalogue: Catalogue, above: list[bytes], below: list[bytes], is_inside: bool
) -> None:
    base = os.fsencode(catalogue.root) if is_inside else b"/outside"
    folder = b"/".join([base, *above])
    path = b"/".join([folder, *below])
    assert catalogue.holds(os.fsdecode(folder), catalogue.stored(path))
    assert catalogue.holds(os.fsdecode(folder) + "/", catalogue.stored(path))
    assert catalogue.holds("/", catalogue.stored(path))
    assert catalogue.holds(os.fsdecode(folder), catalogue.stored(folder + b"-x")) is False
    if below:
        assert not catalogue.holds(os.fsdecode(path), catalogue.stored(folder))


def test_what_cannot_be_decoded_can_be_printed() -> None:
    assert readable(b"a\xffb.png") == "a\N{REPLACEMENT CHARACTER}b.png"
    assert readable("\udcff") == "\N{REPLACEMENT CHARACTER}"
    assert readable("schön.png") == "schön.png"
