"""Taking answers back: step by step, nothing deleted, nobody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeing.db.catalogue import Catalogue
from seeing.db.exemplars import (
    StoredSet,
    current_labels,
    events_of,
    keep_set,
    new_event,
    write_down,
)
from seeing.errors import NothingError, UsageError
from seeing.label.record import undo
from seeing.library import Library

Said = Callable[[Library, str], set[tuple[str, str, str]]]
Step = tuple[str, int, str | None]


def test_undo_steps_back_again_and_again(library: Library, said: Said) -> None:
    sets = library.exemplars
    for answer in ("1", "2", "3"):
        sets.label("0.png", answer, name="s", who="ann")
    sets.label("1.png", "5", name="s", who="ann")
    told = []
    for _ in range(4):
        event, now = sets.undo("s", who="ann")
        told.append((event.origin["item"], event.answer, now))
    assert told == [
        ("1.png", "5", None), ("0.png", "3", "2"), ("0.png", "2", "1"), ("0.png", "1", None)
    ]  # fmt: skip
    assert said(library, "s") == set()
    with pytest.raises(NothingError, match="nothing of ann to take back in s"):
        sets.undo("s", who="ann")
    assert len(sets.history("s")) == 8


def test_undo_is_of_one_person(library: Library, said: Said) -> None:
    sets = library.exemplars
    sets.label("0.png", "1", name="s", who="ann")
    sets.label("0.png", "4", name="s", who="bob")
    sets.undo("s", who="ann")
    assert said(library, "s") == {("0.png", "bob", "4")}
    with pytest.raises(NothingError):
        sets.undo("s", who="ann")
    with pytest.raises(NothingError):
        sets.undo("s", who="cleo")


def test_a_label_taken_back_can_be_brought_back(library: Library, said: Said) -> None:
    sets = library.exemplars
    sets.label("0.png", "1", name="s", who="ann")
    sets.label("0.png", None, name="s", who="ann")
    assert said(library, "s") == set()
    assert sets.undo("s", who="ann")[1] == "1"
    assert said(library, "s") == {("0.png", "ann", "1")}
    with pytest.raises(UsageError, match="no exemplar set is called t"):
        sets.label("0.png", None, name="t")
    assert list(sets) == ["s"]


class Stack:
    """What undo should do, the simple way: a list that grows and shrinks."""

    def __init__(self) -> None:
        self.said: dict[str, list[tuple[int, str]]] = {"ann": [], "bob": []}

    def counts(self) -> set[tuple[int, str, str]]:
        found = {}
        for who, steps in self.said.items():
            for content, answer in steps:
                if answer != "skip":
                    found[content, who] = answer
        return {(content, who, answer) for (content, who), answer in found.items()}


steps = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]), st.integers(1, 3),
        st.sampled_from(["1", "2", "5", "skip", None]),
    ),
    max_size=25,
)  # fmt: skip


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_undo_is_a_stack_for_each_person(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """None stands for an undo."""
    folder: Path = tmp_path_factory.mktemp("stack")
    stack = Stack()
    with Catalogue(folder, create=True) as catalogue:
        asked = keep_set(catalogue, StoredSet(0, "s", "rating", "?", (), ""))
        for number, (who, content, answer) in enumerate(steps):
            mine = stack.said[who]
            if answer is not None:
                mine.append((content, answer))
                write_down(catalogue, asked, [new_event(content, answer, who, {})])
            elif mine:
                mine.pop()
                undo(catalogue, asked, who)
            else:
                with pytest.raises(NothingError):
                    undo(catalogue, asked, who)
            found = {(one.content, one.who, one.answer) for one in current_labels(catalogue, asked)}
            assert found == stack.counts(), (number, steps)
        assert len(events_of(catalogue, asked)) >= sum(a is not None for _, _, a in steps)
