"""Searches: order, similarities and closeness are those of the vectors, for every question."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seeing.cli import run
from seeing.library import Library

Pictures = Callable[[int], Path]
Truth = Callable[[Path], list[tuple[str, float]]]
N = 60  # pictures in the library of all tests


# --- order ----------------------------------------------------------------------------------------


def test_order_and_similarities_are_those_of_the_vectors(
    library: Library, picture: Pictures, truth: Truth
) -> None:
    for number in (0, 17, 59):
        found = library.find_similar(picture(number), n=N)
        expected = truth(picture(number))
        assert [m.item.path.name for m in found] == [name for name, _ in expected]
        assert [m.similarity for m in found] == pytest.approx([c for _, c in expected], abs=2e-6)
        assert [m.rank for m in found] == list(range(1, N))


def document(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    run([*map(str, arguments), "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_python_command_and_json_say_the_same(
    library: Library, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library.folder.parent)
    matches = library.find_similar("pictures/3.png", n=7)
    told = document(capsys, "find-similar", "pictures/3.png", "-n", "7")
    assert told == json.loads(json.dumps(matches.as_json()))
    assert [row["item"] for row in told["results"]] == [str(m.item) for m in matches]
    assert [row["similarity"] for row in told["results"]] == pytest.approx(
        [m.similarity for m in matches], abs=1e-6
    )
    run(["find-similar", "pictures/3.png", "-n", "7"])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[-1] for line in lines] == [str(m.item) for m in matches]
    assert [line.split()[1] for line in lines] == [f"{m.similarity:.3f}" for m in matches]


# --- closeness ------------------------------------------------------------------------------------


def test_percentile_and_close_mean_what_they_say(library: Library, picture: Pictures) -> None:
    _, vectors = library.vectors()
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    pairs = products[np.triu_indices(N, 1)]
    np.fill_diagonal(products, -2)
    close_from = float(np.quantile(products.max(axis=1), 0.01))
    matches = library.find_similar(picture(5), n=N)
    assert matches.threshold == pytest.approx(close_from, abs=1e-5)
    for match in matches:
        share = 100 * float((pairs < match.similarity).mean())
        assert match.percentile == pytest.approx(share, abs=0.2)
        if abs(match.similarity - close_from) > 1e-5:
            assert match.close == (match.similarity > close_from)
    assert matches.any_close is any(m.close for m in matches)


def test_nothing_is_said_about_closeness_in_a_small_library(own: Library) -> None:
    matches = own.find_similar(own.folder.parent / "0.png")
    assert {m.close for m in matches} == {None}
    assert matches.any_close is None
    assert all(m.percentile is not None for m in matches)


def test_unlike_alone_has_no_percentile_and_no_closeness(
    library: Library, picture: Pictures
) -> None:
    found = library.find_similar(unlike=picture(1))
    assert {(m.percentile, m.close) for m in found} == {(None, None)}
    assert found.threshold is None
    assert any("--unlike alone" in remark for remark in found.remarks)


# --- several targets ------------------------------------------------------------------------------


def test_weights_pull(library: Library, picture: Pictures) -> None:
    one, other = picture(1), picture(2)
    even = library.find_similar([one, other], n=N)
    heavy = library.find_similar([f"3:{one}", other], n=N)
    to_one = {m.item.id: m.similarity for m in library.find_similar(one, n=N)}
    to_other = {m.item.id: m.similarity for m in library.find_similar(other, n=N)}
    for match in even:
        assert match.similarity == pytest.approx(
            max(to_one[match.item.id], to_other[match.item.id]), abs=2e-6
        )
    for match in heavy:
        far = 1 - 3 * (1 - to_other[match.item.id])
        assert match.similarity == pytest.approx(max(to_one[match.item.id], far, -1), abs=1e-5)
    assert [a.as_json() for a in heavy.asked] == [
        {"item": str(one), "weight": 3.0, "sign": 1},
        {"item": str(other), "weight": 1.0, "sign": 1},
    ]


def test_unlike_pushes_away(library: Library, picture: Pictures) -> None:
    wanted = picture(1)
    plain = library.find_similar(wanted, n=N)
    pushed = plain[0].item
    away = library.find_similar(wanted, unlike=pushed.path, n=N)
    assert pushed.id not in [m.item.id for m in away]
    assert [a.sign for a in away.asked] == [1, -1]
    before = {m.item.id: m.similarity for m in plain}
    assert all(m.similarity <= before[m.item.id] + 2e-6 for m in away)
    alone = library.find_similar(unlike=wanted, n=N - 1)
    assert [m.item.id for m in alone] == [m.item.id for m in plain][::-1]


# --- conditions -----------------------------------------------------------------------------------


def test_where_is_honoured_with_n(library: Library, picture: Pictures, truth: Truth) -> None:
    target = picture(0)
    expected = [name for name, _ in truth(target) if int(name[:-4]) >= 40][:5]
    found = library.find_similar(target, n=5, where="width >= 70")
    assert [m.item.path.name for m in found] == expected
    assert len(library.find_similar(target, n=50, where="width >= 70")) == 20
    several = library.find_similar([target, picture(9)], n=5, where="width >= 70")
    assert len(several) == 5
    assert all(m.item.width >= 70 for m in several)
    for targets in (target, [target, picture(9)]):
        nothing = library.find_similar(targets, where="width > 1000")
        assert list(nothing) == []
        assert nothing.remarks[1:] == [f"nothing found: none of the {N} pictures fulfils --where"]


def test_min_similarity(library: Library, picture: Pictures) -> None:
    target = picture(0)
    every = library.find_similar(target, n=N)
    border = every[9].similarity
    found = library.find_similar(target, n=N, min_similarity=border)
    assert [m.item.id for m in found] == [m.item.id for m in every[:10]]
    nothing = library.find_similar(target, min_similarity=1.1)
    assert not nothing
    assert "no picture reaches a similarity of 1.1" in nothing.remarks[-1]
