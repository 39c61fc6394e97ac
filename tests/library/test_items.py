"""What a library holds: vectors, items and their labels, and what it says of odd ones."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import seeing
from seeing.db.items import Item
from seeing.errors import LibraryError, UsageError
from seeing.library import Library, open_library
from seeing.media.address import Address

Draw = Callable[..., Path]
Pictures = Callable[[int], Path]
N = 60  # pictures in the library of all tests


def test_vectors_and_items(library: Library, picture: Pictures) -> None:
    for name, dimension in (("thumbnail", 769), ("colour", None)):
        ids, vectors = library.vectors(encoder=name)
        assert ids.dtype == np.int64
        assert vectors.dtype == np.float32
        assert vectors.shape == (N, dimension or vectors.shape[1])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert {library.item(i).path for i in ids.tolist()} == {
            picture(number) for number in range(N)
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


def test_an_encoder_can_come_from_strangers(own: Library, counting: ModuleType) -> None:
    from seeing.embed.table import known_encoders

    assert "counting" in [known.name for known in known_encoders()]
    own.index(own.folder.parent, encoder="counting")
    assert counting.encoded == 5
    assert own.find_similar(own.folder.parent / "0.png", encoder="counting").encoder == "counting@1"


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


def test_globs_are_forgotten(own: Library) -> None:
    (own.folder.parent / "3.png").unlink()
    assert own.forget(own.folder.parent / "[1-3].png") == 3
    assert [item.path.name for item in own.items()] == ["0.png", "4.png"]


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
