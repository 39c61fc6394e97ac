"""The Library: what each method promises, and that command, JSON and Python say the same."""

import csv
import io
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import seeing
from seeing.cli import run
from seeing.db.items import Item
from seeing.errors import (
    EncoderError,
    InterruptionError,
    LibraryError,
    NothingError,
    UsageError,
)
from seeing.library import Library, open_library
from seeing.media.address import Address

Draw = Callable[..., Path]
N = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    """Sixty pictures, 30 ... 89 pixels wide, indexed by thumbnail and colour; not to be changed."""
    home = tmp_path_factory.mktemp("library") / "home"
    for seed in range(N):
        draw(home / "pictures" / f"{seed}.png", seed, width=30 + seed)
    with open_library(home, create=True) as library:
        library.index(home / "pictures", encoder="thumbnail")
        library.index(home / "pictures", encoder="colour")
    return home


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with open_library(home) as library:
        yield library


@pytest.fixture
def own(tmp_path: Path, draw: Draw) -> Iterator[Library]:
    """A library of a test's own, with five pictures."""
    for seed in range(5):
        draw(tmp_path / "own" / f"{seed}.png", seed)
    with open_library(tmp_path / "own", create=True) as library:
        library.index(tmp_path / "own", encoder="thumbnail")
        yield library


def picture(library: Library, number: int) -> Path:
    return library.folder.parent / "pictures" / f"{number}.png"


def truth(library: Library, target: Path) -> list[tuple[str, float]]:
    """Return (name, cosine) of all items but the target, best first, by numpy alone."""
    ids, vectors = library.vectors()
    items = [library.item(i) for i in ids.tolist()]
    at = next(n for n, item in enumerate(items) if item.path == target)
    cosines = vectors.astype(np.float64) @ vectors[at].astype(np.float64)
    found = [(i.path.name, c) for i, c in zip(items, cosines.tolist(), strict=True)]
    del found[at]
    return sorted(found, key=lambda pair: -pair[1])


def document(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    run([*map(str, arguments), "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


# --- find-similar -----------------------------------------------------------------------------


def test_order_and_similarities_are_those_of_the_vectors(library: Library) -> None:
    for number in (0, 17, 59):
        found = library.find_similar(picture(library, number), n=N)
        expected = truth(library, picture(library, number))
        assert [m.item.path.name for m in found] == [name for name, _ in expected]
        assert [m.similarity for m in found] == pytest.approx([c for _, c in expected], abs=2e-6)
        assert [m.rank for m in found] == list(range(1, N))


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


def test_percentile_and_close_mean_what_they_say(library: Library) -> None:
    _, vectors = library.vectors()
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    pairs = products[np.triu_indices(N, 1)]
    np.fill_diagonal(products, -2)
    close_from = float(np.quantile(products.max(axis=1), 0.01))
    matches = library.find_similar(picture(library, 5), n=N)
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


def test_a_target_elsewhere_with_known_content_is_left_out_and_not_encoded(
    own: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a known content was encoded again")

    monkeypatch.setattr(Library, "encoder", never)
    elsewhere = tmp_path / "elsewhere.png"
    shutil.copy(own.folder.parent / "2.png", elsewhere)
    monkeypatch.chdir(own.folder.parent)
    matches = own.find_similar(elsewhere)
    assert [m.item.path.name for m in matches] == [
        m.item.path.name for m in own.find_similar("2.png")
    ]
    assert "2.png" not in [m.item.path.name for m in matches]
    assert matches.remarks == [f"{elsewhere} has the same content as 2.png"]


def test_a_strange_target_is_encoded(own: Library, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "strange.png", 2, width=320, height=240)  # as 2.png, but larger
    matches = own.find_similar(tmp_path / "strange.png", n=5)
    assert len(matches) == 5
    assert matches[0].item.path.name == "2.png"
    assert matches[0].similarity > 0.9


def test_copies_of_the_target_are_left_out_and_told(own: Library) -> None:
    folder = own.folder.parent
    shutil.copy(folder / "0.png", folder / "twin.png")
    own.index(folder)
    matches = own.find_similar(folder / "0.png")
    assert sorted(m.item.path.name for m in matches) == ["1.png", "2.png", "3.png", "4.png"]
    assert len(matches.remarks) == 1
    assert matches.remarks[0].endswith("twin.png")


def test_a_vanished_target_is_still_known(own: Library) -> None:
    target = own.folder.parent / "0.png"
    before = [m.similarity for m in own.find_similar(target)]
    target.unlink()
    assert [m.similarity for m in own.find_similar(target)] == before
    own.index(own.folder.parent)
    assert [m.similarity for m in own.find_similar(target)] == before
    with pytest.raises(UsageError, match=r"no such picture: .*9\.png"):
        own.find_similar(own.folder.parent / "9.png")


def test_a_changed_target_is_asked_about_as_it_is_now(own: Library, draw: Draw) -> None:
    target = own.folder.parent / "0.png"
    draw(target, 3, width=64)  # looks like 3.png now
    assert own.find_similar(target)[0].item.path.name == "3.png"


def test_weights_pull(library: Library) -> None:
    one, other = picture(library, 1), picture(library, 2)
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


def test_a_file_really_named_like_a_weight_wins(
    own: Library, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.folder.parent)
    assert own.find_similar("2:0.png").asked[0].weight == 2.0
    draw(Path("2:0.png"), 1, width=50)
    matches = own.find_similar("2:0.png")
    assert matches.asked[0].weight == 1.0
    assert matches[0].item.path.name == "1.png"
    with pytest.raises(UsageError, match="greater than 0"):
        own.find_similar("0:1.png")
    with pytest.raises(UsageError, match=r"no such picture: 9\.png"):
        own.find_similar("2:9.png")


def test_unlike_pushes_away(library: Library) -> None:
    wanted = picture(library, 1)
    plain = library.find_similar(wanted, n=N)
    pushed = plain[0].item
    away = library.find_similar(wanted, unlike=pushed.path, n=N)
    assert pushed.id not in [m.item.id for m in away]
    assert [a.sign for a in away.asked] == [1, -1]
    before = {m.item.id: m.similarity for m in plain}
    assert all(m.similarity <= before[m.item.id] + 2e-6 for m in away)
    alone = library.find_similar(unlike=wanted, n=N - 1)
    assert [m.item.id for m in alone] == [m.item.id for m in plain][::-1]


def test_where_is_honoured_with_n(library: Library) -> None:
    target = picture(library, 0)
    expected = [name for name, _ in truth(library, target) if int(name[:-4]) >= 40][:5]
    found = library.find_similar(target, n=5, where="width >= 70")
    assert [m.item.path.name for m in found] == expected
    assert len(library.find_similar(target, n=50, where="width >= 70")) == 20
    several = library.find_similar([target, picture(library, 9)], n=5, where="width >= 70")
    assert len(several) == 5
    assert all(m.item.width >= 70 for m in several)
    for targets in (target, [target, picture(library, 9)]):
        nothing = library.find_similar(targets, where="width > 1000")
        assert list(nothing) == []
        assert nothing.remarks[1:] == [f"nothing found: none of the {N} pictures fulfils --where"]


def test_min_similarity(library: Library) -> None:
    target = picture(library, 0)
    every = library.find_similar(target, n=N)
    border = every[9].similarity
    found = library.find_similar(target, n=N, min_similarity=border)
    assert [m.item.id for m in found] == [m.item.id for m in every[:10]]
    nothing = library.find_similar(target, min_similarity=1.1)
    assert not nothing
    assert "no picture reaches a similarity of 1.1" in nothing.remarks[-1]


def test_black_borders_of_a_target_are_cut_off(own: Library, tmp_path: Path, draw: Draw) -> None:
    plain = draw(tmp_path / "plain.png", 70, width=200, height=120)
    with Image.open(plain) as image:
        bright = image.point(lambda value: 40 + value * 215 // 255)  # no black edge of its own
        framed = Image.new("RGB", (200, 200))
        framed.paste(bright, (0, 40))
        bright.save(plain)
        framed.save(tmp_path / "framed.png")
    expected = own.find_similar(plain)
    assert expected.remarks == []
    cut = own.find_similar(tmp_path / "framed.png")
    assert [(m.item.id, m.similarity) for m in cut] == [(m.item.id, m.similarity) for m in expected]
    assert "200 x 200 became 200 x 120 (--keep-borders keeps them)" in cut.remarks[0]
    kept = own.find_similar(tmp_path / "framed.png", keep_borders=True)
    assert kept.remarks == []
    assert [m.similarity for m in kept] != [m.similarity for m in expected]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, UsageError, "nothing to look for"),
        ({"targets": "pictures/0.png", "n": 0}, UsageError, "-n must be at least 1"),
        ({"targets": "pictures/0.png", "encoder": "colr"}, EncoderError, "did you mean colour"),
        ({"text": "a galaxy"}, EncoderError, "does not read text"),
        ({"targets": "pictures"}, UsageError, "pictures: "),
        ({"targets": "nowhere.png"}, UsageError, "no such picture: nowhere.png"),
        ({"targets": ""}, UsageError, "an empty name"),
        ({"targets": "a\0b"}, UsageError, "no such picture"),
    ],
)
def test_what_cannot_be_asked(
    library: Library,
    asked: dict[str, Any],
    error: type[Exception],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(library.folder.parent)
    with pytest.raises(error, match=said) as caught:
        library.find_similar(**asked)
    assert "\n" not in str(caught.value)


# --- vectors, items ---------------------------------------------------------------------------


def test_vectors_and_items(library: Library) -> None:
    for name, dimension in (("thumbnail", 769), ("colour", None)):
        ids, vectors = library.vectors(encoder=name)
        assert ids.dtype == np.int64
        assert vectors.dtype == np.float32
        assert vectors.shape == (N, dimension or vectors.shape[1])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert {library.item(i).path for i in ids.tolist()} == {
            picture(library, number) for number in range(N)
        }
    item = library.item(int(ids[0]))
    assert isinstance(item, Item)
    assert item.address == Address(item.path)
    assert (item.kind, item.depth, item.height, item.state) == ("PNG", 8, 24, "present")
    assert item.width == 30 + int(item.path.stem)
    with pytest.raises(UsageError, match="no item 12"):
        library.item(12)


def test_vectors_are_those_of_the_encoder(own: Library) -> None:
    made = own.encoder(own.encoders()[0])
    ids, vectors = own.vectors()
    for number, vector in zip(ids.tolist(), vectors, strict=True):
        picture = seeing.media.read.read(own.item(number).path)
        np.testing.assert_allclose(made.encode([made.prepare(picture)])[0], vector, atol=1e-3)


def test_items_tell_their_names_from_where_one_stands(
    own: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = own.items()[0]
    monkeypatch.chdir(own.folder.parent)
    assert str(item) == "0.png"
    monkeypatch.chdir(own.folder.parent.parent)
    assert str(item) == os.path.join("own", "0.png")  # noqa: PTH118
    (own.folder.parent.parent / "beside").mkdir()
    monkeypatch.chdir("beside")
    assert str(item) == str(own.folder.parent / "0.png")


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        assert library.items() == []
        with pytest.raises(LibraryError, match="holds no pictures yet; add some: q index FOLDER"):
            library.find_similar("x.png")


def test_a_library_whose_pictures_have_all_gone(own: Library, draw: Draw) -> None:
    for path in own.folder.parent.glob("*.png"):
        path.unlink()
    own.index(own.folder.parent)
    ids, vectors = own.vectors()
    assert ids.shape == (0,)
    assert vectors.shape == (0, 769)
    draw(own.folder.parent.parent / "x.png", 1, width=90)
    for targets in ([own.folder.parent.parent / "x.png"], [own.folder.parent / "0.png"] * 2):
        nothing = own.find_similar(targets)
        assert not nothing
        assert "no pictures that are present" in nothing.remarks[-1]


# --- how results show themselves --------------------------------------------------------------


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


def test_a_match_an_item_and_a_picture_in_memory_are_targets(own: Library) -> None:
    first = own.find_similar(own.folder.parent / "0.png")
    by_match, by_item = own.find_similar(first[0]), own.find_similar([first[0].item])
    assert [m.item.id for m in by_match] == [m.item.id for m in by_item]
    assert first[0].item.id not in [m.item.id for m in by_match]
    image = Image.open(own.folder.parent / "0.png")
    pixels = np.asarray(image)
    for memory in (image, pixels, [pixels], pixels.astype(np.float32) / 255):
        found = own.find_similar(memory, keep_borders=True)
        assert found[0].item.path.name == "0.png", "content in memory is not recognised"
        assert found[0].similarity > 0.999
        assert found.asked[0].name == "a picture of 32 x 24 pixels"
    ranked = own.rank_pictures([first[0], first[1].item], reference=own.folder.parent / "0.png")
    assert len(ranked) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"targets": None}, "a picture is a path, an item or an array, not None"),
        ({"targets": 7}, "not int 7"),
        ({"targets": [3.5]}, "not float 3.5"),
        ({"targets": "0.png", "n": 1.5}, "n must be a whole number, not float 1.5"),
        ({"targets": "0.png", "n": "3"}, "n must be a whole number"),
        ({"targets": "0.png", "n": True}, "n must be a whole number"),
        ({"targets": "0.png", "where": 3}, "where is a condition as text"),
        ({"targets": "0.png", "min_similarity": math.nan}, "least similarity must be a number"),
        ({"targets": np.zeros((2, 3, 4))}, "height, width"),
        ({"targets": np.zeros((2, 3), np.int32)}, "uint8, uint16 or float"),
    ],
)
def test_wrong_types_are_told_in_one_line(
    own: Library, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(own.folder.parent)
    with pytest.raises(UsageError, match=re.escape(said)):
        own.find_similar(**arguments)


def test_a_closed_library_says_so(own: Library) -> None:
    own.close()
    for call in (own.status, own.items, own.rank, lambda: own.find_similar("0.png")):
        with pytest.raises(LibraryError, match="has been closed"):
            call()


def test_less_than_the_best_makes_no_sense(own: Library) -> None:
    ranking = own.rank_pictures(reference=own.folder.parent / "0.png")
    with pytest.raises(UsageError, match="-1 best"):
        ranking.top(-1)


def test_unlike_alone_has_no_percentile_and_no_closeness(library: Library) -> None:
    found = library.find_similar(unlike=picture(library, 1))
    assert {(m.percentile, m.close) for m in found} == {(None, None)}
    assert found.threshold is None
    assert any("--unlike alone" in remark for remark in found.remarks)


def test_blank_pictures_are_told(own: Library, tmp_path: Path) -> None:
    folder = tmp_path / "blank"
    folder.mkdir()
    Image.new("RGBA", (40, 30), (9, 9, 9, 0)).save(folder / "clear.png")
    Image.new("L", (40, 30)).save(folder / "black.png")
    fits.writeto(folder / "nan.fits", np.full((30, 40), np.nan, np.float32))
    report = own.index(folder)
    (told,) = report.remarks
    assert told.startswith("3 blank (one value everywhere): ")
    assert all(name in told for name in ("clear.png", "black.png", "nan.fits"))
    assert not own.index(folder).remarks, "told once"
    target = tmp_path / "white.png"
    Image.new("L", (50, 30), 255).save(target)
    assert any("is blank" in remark for remark in own.find_similar(target).remarks)


def test_globs_are_forgotten(own: Library) -> None:
    (own.folder.parent / "3.png").unlink()
    assert own.forget(own.folder.parent / "[1-3].png") == 3
    assert [item.path.name for item in own.items()] == ["0.png", "4.png"]


def test_labels_come_with_the_results(own: Library) -> None:
    item = own.items()[1]
    with own.catalogue.transaction() as write:
        write.execute("INSERT INTO exemplar_sets VALUES (1, 'bar', 'Is it barred?', '[]', '')")
        for who, answer in (("a", "no"), ("b", "barred"), ("a", "yes, barred")):
            write.execute(
                "INSERT INTO label_events (exemplar_set, content, answer, who, at, origin) "
                "VALUES (1, ?, ?, ?, '', '{}')",
                (item.content, answer, who),
            )
    labels = own.item(item.id).labels
    assert labels == {"bar": "barred | yes, barred"}
    found = own.find_similar(own.folder.parent / "0.png")
    assert next(m for m in found if m.item.id == item.id).item.labels == labels


# --- rank -------------------------------------------------------------------------------------


def test_rank_is_the_order_of_cosines(library: Library) -> None:
    reference = picture(library, 8)
    ranking = library.rank_pictures(reference=reference)
    assert len(ranking) == N
    expected = [("8.png", 1.0), *truth(library, reference)]
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


def test_rank_does_not_depend_on_the_order_given(library: Library) -> None:
    paths: list[str | Path] = [picture(library, n) for n in (9, 3, 40, 22)]
    one = library.rank_pictures(paths, reference=picture(library, 1))
    other = library.rank_pictures(paths[::-1], reference=picture(library, 1))
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


def test_copies_of_the_reference_are_named_in_its_ranking(own: Library) -> None:
    folder = own.folder.parent
    shutil.copy(folder / "0.png", folder / "copy.png")
    ranking = own.rank_pictures([folder], reference=folder / "0.png")
    told = {r.item.path.name: r.reason for r in ranking}
    assert told["0.png"] == "the reference itself"
    assert told["copy.png"] == "same content as the reference"


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


def test_top(library: Library) -> None:
    ranking = library.rank_pictures(reference=picture(library, 0))
    top = ranking.top(3)
    assert [r.rank for r in top] == [1, 2, 3]
    assert top[0] == ranking[0]
    assert top.scorer == ranking.scorer
    assert len(ranking.top(1000)) == N
    html = top._repr_html_()
    assert html.count("<img") == 1 + 3, "the reference, and the three best"


def test_ranking_as_json(library: Library) -> None:
    told = library.rank_pictures(reference=picture(library, 0)).top(2).as_json()
    assert list(told) == [
        "command", "version", "scorer", "encoder", "reference", "results", "remarks"
    ]  # fmt: skip
    assert list(told["results"][0]) == [
        "rank", "item", "frame", "score", "percent", "reason", "width", "height", "labels"
    ]  # fmt: skip
    assert all(
        math.isfinite(v) for row in told["results"] for v in row.values() if isinstance(v, float)
    )


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


# --- which library ----------------------------------------------------------------------------


def test_a_library_is_made_where_it_is_named(tmp_path: Path) -> None:
    with seeing.open(tmp_path / "a") as one, seeing.open(tmp_path / "b" / ".q") as other:
        assert one.folder == tmp_path / "a" / ".q"
        assert other.folder == tmp_path / "b" / ".q"
    with seeing.open(tmp_path / "a" / ".q") as again:
        assert again.folder == tmp_path / "a" / ".q"
    with pytest.raises(LibraryError, match=r"no library in .*; make one with: q index FOLDER"):
        open_library(tmp_path / "c", create=False)
    assert not (tmp_path / "c").exists()


def test_the_nearest_library_upwards_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("Q_LIBRARY", raising=False)
    open_library(tmp_path / "out", create=True).close()
    open_library(tmp_path / "out" / "in", create=True).close()
    deep = tmp_path / "out" / "in" / "deep" / "er"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    with open_library() as library:
        assert library.folder == tmp_path / "out" / "in" / ".q"
    monkeypatch.chdir(tmp_path / "out")
    with open_library() as library:
        assert library.folder == tmp_path / "out" / ".q"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LibraryError, match="no library here or above"):
        open_library()
    with open_library(create=True) as library:
        assert library.folder == tmp_path / ".q"


def test_the_environment_wins_over_the_nearest_and_a_name_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "env", "named"):
        open_library(tmp_path / name, create=True).close()
    monkeypatch.chdir(tmp_path / "here")
    for value in (tmp_path / "env", tmp_path / "env" / ".q"):
        monkeypatch.setenv("Q_LIBRARY", str(value))
        with open_library() as library:
            assert library.folder == tmp_path / "env" / ".q"
    with open_library(tmp_path / "named") as library:
        assert library.folder == tmp_path / "named" / ".q"
    monkeypatch.setenv("Q_LIBRARY", str(tmp_path / "nowhere"))
    with pytest.raises(LibraryError, match="no library in"):
        open_library()


def test_an_encoder_can_come_from_strangers(own: Library, counting: ModuleType) -> None:
    from seeing.embed.table import known_encoders

    assert "counting" in [known.name for known in known_encoders()]
    own.index(own.folder.parent, encoder="counting")
    assert counting.encoded == 5
    assert own.find_similar(own.folder.parent / "0.png", encoder="counting").encoder == "counting@1"
