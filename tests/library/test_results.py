"""How results show themselves: in a notebook, as a line, a table, a sequence."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seeing.library import Library

Draw = Callable[..., Path]


def test_matches_in_a_notebook(own: Library, draw: Draw) -> None:
    evil = draw(own.folder.parent / "<b>&.png", 9)
    own.index(own.folder.parent)
    (own.folder.parent / "1.png").write_bytes(b"broken since")
    html = own.find_similar(evil)._repr_html_()
    assert html.count("<tr>") == 1 + 5
    assert html.count('<img src="data:image/jpeg;base64,') == 1 + 4, "one is broken: it says why"
    assert 'alt="' in html
    assert "by thumbnail@" in html
    assert "<b>" not in own.find_similar(own.folder.parent / "0.png")._repr_html_()
    assert "&lt;b&gt;&amp;.png" in own.find_similar(own.folder.parent / "0.png")._repr_html_()


def test_reprs_are_one_short_line(own: Library) -> None:
    matches = own.find_similar(own.folder.parent / "0.png")
    ranking = own.rank_pictures(reference=own.folder.parent / "0.png")
    for told in (matches, matches[0], ranking, ranking[0], own):
        assert len(repr(told).splitlines()) == 1
        assert len(repr(told)) < 300, repr(told)
    assert repr(matches).startswith("<Matches: like 0.png; 4 entries; first ")


def test_matches_as_tables(own: Library) -> None:
    matches = own.find_similar(own.folder.parent / "0.png")
    table = matches.to_table()
    assert table.colnames[:4] == ["rank", "item", "frame", "similarity"]
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["item"].tolist() == [str(m.item) for m in matches]
    assert table["similarity"].tolist() == pytest.approx([m.similarity for m in matches], abs=1e-6)
    rows = list(csv.DictReader(io.StringIO(matches.as_csv())))
    assert [row["item"] for row in rows] == [str(m.item) for m in matches]
    assert [float(row["similarity"]) for row in rows] == table["similarity"].tolist()
    assert rows[0]["close"] == ""
    assert json.loads(rows[0]["labels"]) == {}


def test_matches_are_a_sequence(own: Library) -> None:
    matches = own.find_similar(own.folder.parent / "0.png")
    assert len(matches) == 4
    assert matches[0] is next(iter(matches))
    assert [m.rank for m in matches[1:3]] == [2, 3]
    assert matches[-1].rank == 4
    assert bool(own.find_similar(own.folder.parent / "0.png", min_similarity=1.1)) is False
