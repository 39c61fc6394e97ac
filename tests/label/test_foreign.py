"""Labels from elsewhere: CSVs of other programs, and a folder for each class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seeing.errors import NothingError, SeeingError, UsageError
from seeing.label.intake import TakenIn
from seeing.library import Library
from seeing.rank.exemplars import Taste

Draw = Callable[..., Path]
Said = Callable[[Library, str], set[tuple[str, str, str]]]


@pytest.fixture
def take(library: Library, tmp_path: Path) -> Callable[..., TakenIn]:
    """take(text, **how) takes a CSV in, into the set s, as ann."""

    def taken(text: str | bytes, **how: str) -> TakenIn:
        file = tmp_path / "given.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return library.exemplars.take_in(file, **({"name": "s", "who": "ann"} | how))  # type: ignore[arg-type]

    return taken


FIRST_TOOL = """name,rating,superframe rating,copies,share
0.png,-1,0,0,0
1.png,0,0,2,1.5
2.png,3,0,3,2.2
3.png,5,2,6,4.5
4.png,,0,0,0
"""


def test_the_first_hand_rating_tool(
    library: Library, take: Callable[..., TakenIn], said: Said
) -> None:
    taken = take(FIRST_TOOL)
    assert (taken.labelled, taken.unanswered, taken.unknown) == (2, 3, ())
    assert said(library, "s") == {("2.png", "ann", "3"), ("3.png", "ann", "5")}
    assert library.exemplars.summary("s").exemplar_set.kind == "rating"


@pytest.mark.parametrize(
    "rows",
    [
        "0.png,0\n1.png,-1\n4.png,\n5.png,skip\n",
        "0.png,none\n1.png,None\n4.png, NaN \n5.png,null\n",
    ],
)
def test_no_answer_weighs_nothing_at_all(
    library: Library, take: Callable[..., TakenIn], rows: str
) -> None:
    """Bit for bit the same ranking, with such rows and without."""
    answered = "item,answer\n2.png,1\n3.png,5\n1.png,4\n"
    take(answered.replace("1.png,4\n", ""), name="without")
    take(answered.replace("1.png,4\n", "") + rows, name="with")
    take(answered + rows.replace("1.png", "0.png"), name="more")
    scores = [
        [(one.item.path, one.score) for one in library.rank(exemplars=Taste(name, k=3))]
        for name in ("without", "with", "more")
    ]
    assert scores[0] == scores[1]
    assert scores[1] != scores[2]


def test_classes_and_a_column_of_any_name(
    library: Library, take: Callable[..., TakenIn], said: Said
) -> None:
    take("\ufeffPath, Class \n0.png,ring\n1.png,disc\n2.png,Ring\n")
    assert {(name, answer) for name, _, answer in said(library, "s")} == {
        ("0.png", "ring"), ("1.png", "disc"), ("2.png", "ring")
    }  # fmt: skip
    take("file,label,bulge\n0.png,ring,big\n", name="t", column="bulge")
    assert said(library, "t") == {("0.png", "ann", "big")}


def test_items_are_found_beside_the_csv_and_indexed(
    library: Library, draw: Draw, said: Said, tmp_path: Path
) -> None:
    draw(tmp_path / "away" / "new.png", 40)
    (tmp_path / "away" / "list.csv").write_text("item,answer\nnew.png,5\nlost.png,4\n0.png,3\n")
    taken = library.exemplars.take_in(tmp_path / "away" / "list.csv", name="s", who="ann")
    assert (taken.labelled, taken.unknown) == (2, ("lost.png",))
    assert said(library, "s") == {("new.png", "ann", "5"), ("0.png", "ann", "3")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no rows"),
        ("item,answer\n", "holds no rows"),
        ("item;answer\n0.png;5\n", "commas must part its columns"),
        ("item\tanswer\n0.png\t5\n", "commas must part its columns"),
        ("picture,stars\n0.png,5\n", "needs the columns item and answer .*; has picture, stars"),
        ("item,stars\n0.png,5\n", "needs the columns item and answer"),
        ("item,answer\n0.png,5\n1.png\n", "line 3: not as many fields"),
        ("item,answer\n0.png,5,6\n", "line 2: not as many fields"),
        ('item,answer\n0.png,"5\n', "can't be read"),
        (b"item,answer\n\xff.png,5\n", "can't be read"),
        ("item,answer\n,5\n", "line 2: an answer without an item"),
        ("item,answer\n0.png,0\n1.png,\n", "no row has an answer"),
        ("item,answer\nlost.png,5\n", "none of its items is in the library, as lost.png"),
        ("item,answer\n" + 300 * "x" + ".png,5\n", "none of its items is in the library"),
        ("item,answer\nno\0name.png,5\n", "none of its items is in the library"),
        ("item,answer\n.,5\n", "none of its items is in the library"),
        ("item,answer\n0.png,good|bad\n", "'good|bad' is no answer"),
    ],
)
def test_what_makes_no_sense_takes_nothing(
    library: Library, take: Callable[..., TakenIn], text: str | bytes, told: str
) -> None:
    with pytest.raises(SeeingError, match=told) as caught:
        take(text)
    assert len(str(caught.value).splitlines()) == 1
    assert "given.csv" in str(caught.value) or "good" in told
    assert list(library.exemplars) == []


@pytest.mark.parametrize(
    ("first", "text", "told"),
    [
        ("5", "item,answer\n1.png,4\n2.png,6\n", "line 3: s asks for a rating from 1 to 5, not 6"),
        ("keep", "item,answer\n1.png,reject\n2.png,kepe\n", "line 3: .*did you mean keep"),
        ("5", "item,answer\n1.png,5\n2.png,ring\n", "line 3: s asks for a rating"),
    ],
)
def test_an_answer_the_set_does_not_have_takes_nothing(
    library: Library, take: Callable[..., TakenIn], first: str, text: str, told: str
) -> None:
    library.exemplars.label("0.png", first, name="s")
    before = library.exemplars.export("s")
    with pytest.raises(UsageError, match=told):
        take(text)
    assert library.exemplars.export("s") == before


def test_a_folder_named_in_a_csv_is_not_indexed(
    library: Library, take: Callable[..., TakenIn], draw: Draw
) -> None:
    draw(Path("many") / "a.png", 30)
    taken = take("item,answer\n0.png,5\nmany,4\n")
    assert taken.unknown == ("many",)
    assert len(library.items()) == 6


def test_an_item_with_two_answers_is_left_out_and_told(
    library: Library, take: Callable[..., TakenIn], said: Said
) -> None:
    taken = take("item,answer\n0.png,5\n1.png,4\n0.png,3\n1.png,4\n")
    assert (taken.labelled, taken.contradicted) == (1, ("0.png: 5 and 0.png: 3",))
    assert said(library, "s") == {("1.png", "ann", "4")}
    with pytest.raises(NothingError, match="gives each item several answers"):
        take("item,answer\n0.png,5\n0.png,3\n", name="t")


# --- a folder for each class ----------------------------------------------------------------------


def test_folders_of_links_go_out_and_come_in(
    library: Library, other: Library, said: Said, tmp_path: Path
) -> None:
    for name, answer in (("0.png", "ring"), ("1.png", "disc/bar"), ("2.png", "ring")):
        library.exemplars.label(name, answer, name="shape", who="ann")
    folder = tmp_path / "sorted"
    assert library.exemplars.export_folders("shape", folder) == (3, 0)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert found == {"ring/0.png", "ring/2.png", "disc_bar/1.png"}
    assert all(path.is_symlink() for path in folder.rglob("*.png"))
    with pytest.raises(UsageError, match="is not empty"):
        library.exemplars.export_folders("shape", folder)
    taken = other.exemplars.take_in(folder, name="theirs", who="bob")
    assert taken.labelled == 3
    assert said(other, "theirs") == {
        ("0.png", "bob", "ring"), ("1.png", "bob", "disc_bar"), ("2.png", "bob", "ring")
    }  # fmt: skip


def test_pictures_of_one_name_get_links_of_their_own(
    library: Library, draw: Draw, tmp_path: Path
) -> None:
    draw(Path("more") / "0.png", 50)
    library.exemplars.label(["0.png", "more/0.png"], "5", name="s")
    assert library.exemplars.export_folders("s", tmp_path / "out") == (2, 0)
    links = sorted((tmp_path / "out" / "5").iterdir())
    assert len({link.resolve() for link in links}) == 2


def test_folders_of_ratings_and_of_nothing(
    library: Library, draw: Draw, said: Said, tmp_path: Path
) -> None:
    """5.0 is 5, -1 and "unrated" are no answers: what a folder says is read like a cell."""
    for number, folder in enumerate(["1", "5.0", "-1", "unrated", ".hidden", "empty"]):
        if folder != "empty":
            draw(tmp_path / "rated" / folder / f"{number}.png", 60 + number)
    (tmp_path / "rated" / "empty").mkdir()
    taken = library.exemplars.take_in(tmp_path / "rated", name="s", who="ann")
    assert (taken.labelled, taken.unanswered) == (2, 2)
    assert said(library, "s") == {("0.png", "ann", "1"), ("1.png", "ann", "5")}
    ranking = library.rank(exemplars="s")
    assert np.isfinite([one.score or 0 for one in ranking]).all()


def test_a_picture_in_two_folders_and_one_that_is_none(
    library: Library, draw: Draw, said: Said, tmp_path: Path
) -> None:
    for folder, seed in (("ring", 1), ("ring", 90), ("disc", 90), ("disc", 91)):
        draw(tmp_path / "given" / folder / f"{folder}-{seed}.png", seed)
    (tmp_path / "given" / "disc" / "torn.png").write_bytes(b"oops")
    taken = library.exemplars.take_in(tmp_path / "given", name="s", who="ann")
    assert taken.labelled == 2 and len(taken.contradicted) == 1
    assert "ring-90.png: ring" in taken.contradicted[0]
    assert "disc-90.png: disc" in taken.contradicted[0]
    assert len(taken.unreadable) == 1 and "torn.png" in taken.unreadable[0]
    assert {answer for _, _, answer in said(library, "s")} == {"ring", "disc"}


@pytest.mark.parametrize("folders", [[], ["none"], ["empty"]])
def test_folders_that_say_nothing(
    library: Library, draw: Draw, tmp_path: Path, folders: list[str]
) -> None:
    top = tmp_path / "given"
    top.mkdir()
    for folder in folders:
        (top / folder).mkdir()
        if folder == "none":
            draw(top / folder / "a.png", 1)
    with pytest.raises((UsageError, NothingError)) as caught:
        library.exemplars.take_in(top, name="s")
    assert len(str(caught.value).splitlines()) == 1
    assert list(library.exemplars) == []
