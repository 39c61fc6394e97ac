"""Our own CSV: the whole set, exactly, there and back; sets of several people merge."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeing.db.catalogue import Catalogue
from seeing.db.exemplars import (
    Event,
    StoredSet,
    add_events,
    all_sets,
    current_labels,
    events_of,
    keep_set,
)
from seeing.errors import LibraryError, UsageError
from seeing.label.collection import ExemplarSets
from seeing.library import Library

Said = Callable[[Library, str], set[tuple[str, str, str]]]
Folders = pytest.TempPathFactory

words = st.text(min_size=1, max_size=12)
answers = st.lists(
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda text: text.isprintable() and "|" not in text and text != "")
    .filter(lambda text: text.lower() not in {"0", "skip", "none", "null", "nan"})
    .filter(lambda text: text not in {"unrated", "unlabelled"}),
    min_size=1, max_size=4, unique_by=str.lower,
)  # fmt: skip
times = st.sampled_from(
    [f"2026-01-0{day}T10:00:00{part}Z" for day in (1, 2) for part in ("", ".5")]
)
whole_numbers = st.integers(0, 2**63 - 1)


@st.composite
def sets(draw: Any) -> tuple[StoredSet, list[Event]]:
    """A set with anything in it: of several people, undone ones, odd letters."""
    kind = draw(st.sampled_from(["keep", "rating", "classes"]))
    possible = {"keep": ["keep", "reject"], "rating": ["1", "2", "3", "4", "5"]}.get(kind)
    possible = possible or draw(answers)
    extra = ["5.3"] if kind == "rating" else []
    name = draw(st.from_regex(r"[a-z0-9][\w.-]{0,20}", fullmatch=True))
    numbers = itertools.count()
    events = [
        Event(
            draw(st.integers(0, 2) | whole_numbers),
            draw(st.sampled_from([*possible, *extra, "skip", None])),
            draw(words), draw(times), f"{draw(words)}{next(numbers)}",
            draw(st.dictionaries(words, words | st.none() | st.booleans(), max_size=2)),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    return StoredSet(0, name, kind, draw(words), tuple(possible), ""), events


def filled(folder: Path, planned: StoredSet, events: list[Event]) -> Catalogue:
    catalogue = Catalogue(folder, create=True)
    add_events(catalogue, keep_set(catalogue, planned), events)
    return catalogue


def content(catalogue: Catalogue) -> tuple[Any, ...]:
    (found,) = all_sets(catalogue)
    events = {event.name: event for event in events_of(catalogue, found)}
    return found.name, found.kind, found.question, found.answers, events


def counting(catalogue: Catalogue) -> set[tuple[int, str, str, str]]:
    (found,) = all_sets(catalogue)
    labels = current_labels(catalogue, found)
    return {(one.content, one.who, one.answer, one.at) for one in labels}


def no_index(_: object) -> None:
    raise AssertionError("labels are carried without looking at pictures")


anything = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


@anything
@given(given_set=sets())
def test_there_and_back(
    tmp_path_factory: Folders, given_set: tuple[StoredSet, list[Event]]
) -> None:
    planned, events = given_set
    folder = tmp_path_factory.mktemp("carried")
    file = folder / "set.csv"
    (folder / "two").mkdir()
    with filled(folder, planned, events) as one, Catalogue(folder / "two", create=True) as two:
        ExemplarSets(one, no_index).export_file(planned.name, file)
        sets_there = ExemplarSets(two, no_index)
        assert sets_there.add(file) == (planned.name, len(events), len(events))
        assert content(two) == content(one)
        assert sets_there.export(planned.name) == ExemplarSets(one, no_index).export(planned.name)
        assert sets_there.add(file)[2] == 0, "a second time adds nothing"
        assert content(two) == content(one)


@anything
@given(given_set=sets(), share=st.lists(st.sampled_from("abx"), min_size=6, max_size=6))
def test_merging_is_the_same_both_ways(
    tmp_path_factory: Folders, given_set: tuple[StoredSet, list[Event]], share: list[str]
) -> None:
    """Two people have some events of one set each, and some both; the times may be the same."""
    planned, events = given_set
    folder = tmp_path_factory.mktemp("merged")
    files = []
    for mine in "ab":
        (folder / mine).mkdir()
        some = [e for e, whose in zip(events, share, strict=False) if whose in (mine, "x")]
        with filled(folder / mine, planned, some) as catalogue:
            files.append(folder / f"{mine}.csv")
            ExemplarSets(catalogue, no_index).export_file(planned.name, files[-1])
    found: list[tuple[Any, ...]] = []
    for order in (files, files[::-1], [*files, files[0]]):
        (folder / f"{len(found)}").mkdir()
        with Catalogue(folder / f"{len(found)}", create=True) as catalogue:
            for file in order:
                ExemplarSets(catalogue, no_index).add(file)
            found.append((content(catalogue), counting(catalogue)))
    assert found[0] == found[1] == found[2]


def test_labels_find_their_pictures_in_another_library(
    library: Library, other: Library, said: Said, tmp_path: Path
) -> None:
    library.exemplars.label(["0.png", "1.png"], "ring", name="shape", who="ann")
    library.exemplars.label("1.png", "disc", name="shape", who="bob")
    library.exemplars.undo("shape", who="ann")
    library.exemplars.export_file("shape", tmp_path / "shape.csv")
    assert other.exemplars.add(tmp_path / "shape.csv") == ("shape", 4, 4)
    assert said(other, "shape") == said(library, "shape")
    assert other.exemplars.labels("shape")[0].item is not None
    assert other.exemplars.summary("shape").gone == 0


def test_a_set_is_not_taken_twice_under_two_names(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "shape.csv"
    library.exemplars.label("0.png", "ring", name="shape")
    library.exemplars.export_file("shape", file)
    with pytest.raises(UsageError, match="in the library already, in the set shape"):
        library.exemplars.add(file, name="another")
    assert list(library.exemplars) == ["shape"]
    away = library.exemplars.remove("shape")
    with pytest.raises(UsageError, match=f"removed: q exemplars restore {away}"):
        library.exemplars.add(file)
    assert list(library.exemplars) == []
    library.exemplars.restore("shape")
    assert library.exemplars.add(file) == ("shape", 1, 0)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (",5,", ",9,", "asks for a rating from 1 to 5, not 9"),
        (",5,", ",0,", "0 is no answer in sharp"),
        (",5,", ",5.0,", "5.0 is no answer in sharp"),
        (",ann,", ",,", "line 2: not what q exemplars export writes"),
        ("-", "/", "line 2: not what q exemplars export writes"),
        (",rating,", ",stars,", "line 2: not what q exemplars export writes"),
        (",rating,", ",classes,", "the set sharp asks for"),
        ("{", "[", "line 2: not what q exemplars export writes"),
        ("sharp,", "sh arp,", "several sets|no name for a set"),
    ],
)
def test_what_was_changed_by_hand_is_refused_whole(
    library: Library, other: Library, tmp_path: Path, before: str, after: str, told: str
) -> None:
    library.exemplars.label("0.png", "5", name="sharp", who="ann")
    other.exemplars.label("1.png", "4", name="sharp", who="ann")
    head, row = library.exemplars.export("sharp").splitlines()
    assert before in row
    (tmp_path / "sharp.csv").write_text(f"{head}\n{row.replace(before, after)}\n")
    if "rating" in told:
        other.exemplars.label("1.png", "4", name="sharp", who="ann")
    with pytest.raises(UsageError, match=told):
        other.exemplars.add(tmp_path / "sharp.csv")
    assert list(other.exemplars) == ["sharp"]
    assert len(other.exemplars.history("sharp")) < 3


def test_a_library_that_cannot_be_written_says_so_first(library: Library, tmp_path: Path) -> None:
    library.exemplars.label("0.png", "5", name="s")
    library.catalogue.writable = False
    for call in (
        lambda: library.exemplars.label("0.png", "5", name="s"),
        lambda: library.exemplars.undo("s"),
        lambda: library.exemplars.add(tmp_path / "nothing.csv"),
        lambda: library.exemplars.take_in(tmp_path / "nothing.csv", name="s"),
        lambda: library.exemplars.remove("s"),
        lambda: library.exemplars.restore("s"),
    ):
        with pytest.raises(LibraryError, match="can't be written"):
            call()
