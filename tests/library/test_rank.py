"""Rankings of pictures: their order and scores, what is ranked, and the reasons told."""

import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seeing.db.items import Item
from seeing.errors import InterruptionError, NothingError, UsageError
from seeing.library import Library

Draw = Callable[..., Path]
Pictures = Callable[[int], Path]
Truth = Callable[[Path], list[tuple[str, float]]]
N = 60  # pictures in the library of all tests


# --- order and scores -----------------------------------------------------------------------------


def test_rank_is_the_order_of_cosines(library: Library, picture: Pictures, truth: Truth) -> None:
    reference = picture(8)
    ranking = library.rank_pictures(reference=reference)
    assert len(ranking) == N
    expected = [("8.png", 1.0), *truth(reference)]
    assert [r.item.path.name for r in ranking] == [name for name, _ in expected]
    assert [r.score for r in ranking] == pytest.approx([c for _, c in expected], abs=1e-3)
    scores = [r.score for r in ranking if r.score is not None]
    low, high = np.percentile(scores, [1, 99])
    for entry in ranking:
        assert entry.score is not None
        percent = min(100.0, max(0.0, 100 * (entry.score - low) / (high - low)))
        assert entry.percent == pytest.approx(percent)
    assert ranking[0].reason == "the reference itself"
    for entry in ranking[1:]:
        assert re.fullmatch(r"closer than \d+\.\d % of random pairs", entry.reason)
    assert ranking.scorer.startswith("embedding@")
    assert ranking.encoder == library.encoders()[0].identity


def test_rank_does_not_depend_on_the_order_given(library: Library, picture: Pictures) -> None:
    paths: list[str | Path] = [picture(n) for n in (9, 3, 40, 22)]
    one = library.rank_pictures(paths, reference=picture(1))
    other = library.rank_pictures(paths[::-1], reference=picture(1))
    assert [r.item.id for r in one] == [r.item.id for r in other]
    assert len(one) == 4


def test_ties_stand_in_order_of_paths(own: Library, draw: Draw) -> None:
    folder = own.folder.parent
    for name in ("z.png", "b.png", "10.png"):
        shutil.copy(folder / "1.png", folder / name)
    ranking = own.rank_pictures([folder], reference=folder / "0.png")
    tied = [r.item.path.name for r in ranking if r.score == ranking[-1].score]
    assert tied == sorted(tied)
    alike = [r.item.path.name for r in ranking if r.item.content == own.items()[1].content]
    assert alike == sorted(alike)


def test_scores_are_kept_and_used_again(own: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    from seeing.rank.embedding import Embedding

    reference = own.folder.parent / "0.png"
    scored: list[int] = []
    score = Embedding.score

    def counted(self: Embedding, items: list[Item]) -> Any:
        scored.append(len(items))
        return score(self, items)

    monkeypatch.setattr(Embedding, "score", counted)
    first = own.rank_pictures(reference=reference, keep=False)
    second = own.rank_pictures(reference=reference)
    third = own.rank_pictures(reference=reference)
    assert scored == [5, 5, 0]
    for ranking in (second, third):
        assert [(r.item.id, r.score, r.reason) for r in ranking] == [
            (r.item.id, r.score, r.reason) for r in first
        ]
    assert own.status().scores == {"embedding": 5}
    own.rank_pictures(reference=own.folder.parent / "1.png")
    assert scored == [5, 5, 0, 5], "another reference is another scorer"


# --- what is ranked -------------------------------------------------------------------------------


def test_rank_indexes_what_is_not_there_yet(own: Library, draw: Draw) -> None:
    folder = own.folder.parent
    draw(folder / "more" / "a.png", 50)
    (folder / "more" / "broken.png").write_bytes(b"no picture")
    ranking = own.rank_pictures(folder / "more", reference=folder / "0.png")
    assert [(r.item.path.name, r.score is None) for r in ranking] == [
        ("a.png", False), ("broken.png", True)
    ]  # fmt: skip
    assert "not a picture" in ranking[1].reason
    assert any("broken.png" in remark for remark in ranking.remarks)
    assert ranking.incomplete, "status 3: it failed now and had not failed before"
    again = own.rank_pictures(folder / "more", reference=folder / "0.png")
    assert [r.item.path.name for r in again] == ["a.png", "broken.png"]
    assert not again.incomplete, "broken before: a nightly run ends with 0"
    assert not again.remarks


def test_a_glob_is_ranked_as_it_is_indexed(own: Library, draw: Draw) -> None:
    folder = own.folder.parent
    draw(folder / "more" / "a.png", 50)
    draw(folder / "more" / "b.jpg", 51)
    ranking = own.rank_pictures(folder / "more" / "*.png", reference=folder / "0.png")
    assert [r.item.path.name for r in ranking] == ["a.png"]
    with pytest.raises(UsageError, match="nothing matches"):
        own.rank_pictures(folder / "more" / "*.fits", reference=folder / "0.png")


def test_an_empty_list_is_not_everything(own: Library) -> None:
    with pytest.raises(NothingError, match="nothing to rank"):
        own.rank_pictures([], reference=own.folder.parent / "0.png")
    assert len(own.rank_pictures(reference=own.folder.parent / "0.png")) == 5


def test_nothing_to_rank_says_why(own: Library) -> None:
    folder = own.folder.parent
    (folder / "empty").mkdir()
    assert own.rank_pictures(folder / "empty", reference=folder / "0.png").remarks == [
        f"nothing to rank: no pictures at or below {folder / 'empty'}"
    ]
    own.forget([folder / f"{n}.png" for n in range(5)])
    (told,) = own.rank_pictures(reference=folder / "0.png").remarks
    assert told.startswith("nothing to rank: the library holds no pictures")


def test_a_stopped_ranking_is_no_ranking(own: Library, draw: Draw) -> None:
    folder = own.folder.parent
    for seed in range(300):
        draw(folder / "many" / f"{seed}.png", 100 + seed)
    with pytest.raises(InterruptionError, match="Run the same command"):
        own.rank_pictures(folder / "many", reference=folder / "0.png", should_stop=lambda: True)


def test_pictures_without_vectors_of_the_encoder_are_told(own: Library, draw: Draw) -> None:
    folder = own.folder.parent
    draw(folder / "sub" / "a.png", 50)
    own.index(folder / "sub", encoder="colour")
    for found in (
        own.find_similar(folder / "0.png", encoder="colour"),
        own.rank_pictures(reference=folder / "0.png", encoder="colour"),
    ):
        (told,) = found.remarks
        assert told.startswith("5 of 6 pictures have no vectors of colour: q index --encoder col")
        assert told.endswith(str(folder)), "the folder that was indexed"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "embeding", "reference": "x"}, "did you mean embedding"),
        ({}, "needs a picture: --reference FILE"),
        ({"reference": "nowhere.png"}, "no such picture: nowhere.png"),
        ({"items": "nowhere", "reference": "0.png"}, "no such file or folder: nowhere"),
    ],
)
def test_what_cannot_be_ranked(
    own: Library, asked: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.folder.parent)
    if asked.get("reference") == "x":
        asked = {**asked, "reference": "0.png"}
    with pytest.raises(UsageError, match=said):
        own.rank_pictures(**asked)


# --- what is told ---------------------------------------------------------------------------------


def test_copies_of_the_reference_are_named_in_its_ranking(own: Library) -> None:
    folder = own.folder.parent
    shutil.copy(folder / "0.png", folder / "copy.png")
    ranking = own.rank_pictures([folder], reference=folder / "0.png")
    told = {r.item.path.name: r.reason for r in ranking}
    assert told["0.png"] == "the reference itself"
    assert told["copy.png"] == "same content as the reference"


def test_an_item_without_a_vector_comes_last_with_the_reason(own: Library) -> None:
    lost = own.items()[2]
    with own.catalogue.transaction() as write:
        write.execute("DELETE FROM vectors WHERE item = ?", (lost.id,))
    ranking = own.rank_pictures(reference=own.folder.parent / "0.png")
    assert ranking[-1].item.id == lost.id
    assert ranking[-1].score is None
    assert ranking[-1].percent is None
    assert "no vector of thumbnail" in ranking[-1].reason
    assert ranking.as_json()["results"][-1]["score"] is None


def test_top(library: Library, picture: Pictures) -> None:
    ranking = library.rank_pictures(reference=picture(0))
    top = ranking.top(3)
    assert [r.rank for r in top] == [1, 2, 3]
    assert top[0] == ranking[0]
    assert top.scorer == ranking.scorer
    assert len(ranking.top(1000)) == N
    html = top._repr_html_()
    assert html.count("<img") == 1 + 3, "the reference, and the three best"


def test_less_than_the_best_makes_no_sense(own: Library) -> None:
    ranking = own.rank_pictures(reference=own.folder.parent / "0.png")
    with pytest.raises(UsageError, match="-1 best"):
        ranking.top(-1)


def test_ranking_as_json(library: Library, picture: Pictures) -> None:
    told = library.rank_pictures(reference=picture(0)).top(2).as_json()
    assert list(told) == [
        "command", "version", "scorer", "encoder", "reference", "results", "remarks"
    ]  # fmt: skip
    assert list(told["results"][0]) == [
        "rank", "item", "frame", "score", "percent", "reason", "width", "height", "labels"
    ]  # fmt: skip
    assert all(
        math.isfinite(v) for row in told["results"] for v in row.values() if isinstance(v, float)
    )
