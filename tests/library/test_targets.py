"""What may be looked for: files known, strange, copied, gone or changed; pictures in memory."""

import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seeing.errors import EncoderError, UsageError
from seeing.library import Library

Draw = Callable[..., Path]


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


# --- what is refused ------------------------------------------------------------------------------


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
