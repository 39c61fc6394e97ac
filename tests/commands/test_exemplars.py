"""`q label`, `q exemplars ...` and `q rank --exemplars`: what they print, and how they end."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Ask = Callable[..., Any]
FRAMES = 120

AGREEMENT = {"pairs", "kappa", "same"}
SUMMARY = {
    "set", "kind", "question", "answers", "labelled", "counts", "people", "contradicted", "gone",
    "events", "last_at", "agreement_with_oneself", "agreement_between_people",
}  # fmt: skip


@pytest.fixture
def labelled(home: Path, ask: Ask) -> Path:
    """Five pictures, of which three are rated in the set `s` by ann and bob."""
    for who, answer, names in (
        ("ann", "5", ["0", "1"]), ("ann", "2", ["2"]), ("bob", "4", ["0"]), ("bob", "1", ["2"])
    ):  # fmt: skip
        paths = [f"pictures/{name}.png" for name in names]
        assert ask("label", *paths, "--set", "s", "--label", answer, "--who", who).status == 0
    return home


def json_of(ask: Ask, *arguments: str) -> Any:
    found = ask(*arguments, "--json")
    assert found.status == 0, found.err
    return found.document()


# --- q label --------------------------------------------------------------------------------------


def test_label_and_undo(home: Path, ask: Ask) -> None:
    (home / "list").write_text("pictures/1.png\npictures/2.png\n")
    said = ask("label", "pictures/0.png", "--from", "list", "--set", "s", "--label", "5")
    assert (said.status, said.out) == (0, "3 labelled 5 in s\n")
    document = json_of(ask, "label", "pictures/0.png", "--set", "s", "--label", "3")
    assert document == {
        "command": "label", "version": 1, "remarks": [],
        "results": [{"set": "s", "label": "3", "labelled": 1}],
    }  # fmt: skip
    assert ask("label", "--set", "s", "--undo").out == "pictures/0.png: 3 taken back; now 5\n"
    (row,) = json_of(ask, "label", "--set", "s", "--undo")["results"]
    assert (row["undone"], row["label"]) == ("5", None)
    for _ in range(2):
        assert ask("label", "--set", "s", "--undo").status == 0
    said = ask("label", "--set", "s", "--undo")
    assert said.status == 1
    assert "to take back in s" in said.err


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["pictures/0.png", "--set", "s", "--label", "0"], "'0' is no answer"),
        (["pictures/0.png", "--set", "s p", "--label", "1"], "is no name for a set"),
        (["--set", "s", "--label", "1"], "which items?"),
        (["nowhere.png", "--set", "s", "--label", "1"], "nowhere.png"),
        (["pictures/0.png", "--set", "s", "--undo", "--label", "1"], "leave --label out"),
        (["pictures/0.png", "--set", "s", "--undo"], "no exemplar set is called s"),
        (["pictures/0.png", "--set", "s", "--label", "c", "--answers", "a,b"], "a, b, not c"),
        (["pictures/0.png", "--set", "s", "--label", "5", "-e", "x"], "no encoder is called x"),
        (["--set", "s", "--undo"], "no exemplar set is called s"),
    ],
)
def test_wrong_calls_of_label(home: Path, ask: Ask, call: list[str], said: str) -> None:
    found = ask("label", *call)
    assert found.status == 2
    assert len(found.err.splitlines()) == 1 and said in found.err
    assert ask("exemplars", "list").status == 1


def test_undo_of_items(home: Path, ask: Ask) -> None:
    assert ask("label", "pictures", "--set", "s", "--label", "5").out == "5 labelled 5 in s\n"
    ask("label", "pictures/0.png", "--set", "s", "--label", "4", "--who", "bob")
    some = ["pictures/0.png", "pictures/1.png"]
    assert ask("label", *some, "--set", "s", "--undo").out == "2 taken back in s\n"
    (found,) = json_of(ask, "exemplars", "list")["results"]
    assert found["counts"] == {"1": 0, "2": 0, "3": 0, "4": 1, "5": 3}
    again = ask("label", *some, "--set", "s", "--undo")
    assert again.status == 1 and "nothing of these in s" in again.err


def test_what_cannot_be_read_among_good_ones_is_told(home: Path, ask: Ask) -> None:
    (home / "pictures" / "torn.png").write_bytes(b"no picture")
    said = ask("label", "pictures", "--set", "s", "--label", "5")
    assert (said.status, said.out) == (3, "5 labelled 5 in s\n")
    assert "pictures/torn.png: not a picture" in said.err
    assert ask("label", "pictures/0.png", "--set", "s", "--label", "4").status == 0


def test_the_encoder_of_label_sees_the_pictures(home: Path, ask: Ask) -> None:
    said = ask("label", "pictures", "--set", "s", "--label", "5", "--encoder", "colour")
    assert said.status == 0
    assert ask("rank", "--exemplars", "s", "--encoder", "colour", "--paths").status == 0


@pytest.mark.parametrize(
    ("first", "then", "refused"),
    [
        ("class1", "class2", False), ("class1", "class10", False), ("ring", "wing", False),
        ("spiral", "sprial", True), ("spiral", "spirals", True), ("barred", "barrel", True),
        ("spiral", "spheroid", False),
    ],
)  # fmt: skip
def test_only_a_slip_is_refused_as_a_new_class(
    home: Path, ask: Ask, first: str, then: str, refused: bool
) -> None:
    ask("label", "pictures/0.png", "--set", "s", "--label", first)
    said = ask("label", "pictures/1.png", "--set", "s", "--label", then)
    assert (said.status == 2) is refused
    if refused:
        assert f"did you mean {first}?). If it is another class: --answers {then}" in said.err
        forced = ask("label", "pictures/1.png", "--set", "s", "--label", then, "--answers", then)
        assert forced.out == f"1 labelled {then} in s\n"
    (found,) = json_of(ask, "exemplars", "list")["results"]
    assert found["counts"] == {first: 1, then: 1}


def test_a_number_that_is_no_rating_makes_no_classes(home: Path, ask: Ask) -> None:
    said = ask("label", "pictures/0.png", "--set", "s", "--label", "6")
    assert said.status == 2
    assert said.err == ("q: 6 is no rating from 1 to 5; if s is to hold classes: --answers 6\n")
    assert (
        ask("label", "pictures/0.png", "--set", "s", "--label", "6", "--answers", "6").status == 0
    )


@pytest.mark.parametrize(
    "call",
    [
        ["label", "--set", "s", "--label", "5"], ["label", "--set", "s", "--undo"],
        ["rank", "--exemplars", "s"], ["rank", "--probe", "s"],
        ["train", "probe", "s", "--exemplars", "s"],
    ],
)  # fmt: skip
def test_a_call_that_names_no_pictures_makes_no_library(
    tmp_path: Path, ask: Ask, call: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = ask(*call)
    assert said.status == 2 and len(said.err.splitlines()) == 1
    assert not (tmp_path / ".q").exists()


def test_what_has_vanished_is_not_linked(labelled: Path, ask: Ask) -> None:
    (labelled / "pictures" / "1.png").unlink()
    ask("index", "pictures", "--quiet")
    (row,) = json_of(ask, "exemplars", "export", "s", "--folders", "out")["results"]
    assert (row["linked"], row["left_out"]) == (2, 1)
    assert all(link.exists() for link in (labelled / "out").rglob("*.png"))


def test_a_person_without_labels_and_two_judges(labelled: Path, ask: Ask) -> None:
    said = ask("exemplars", "show", "s", "--who", "cleo")
    assert said.status == 1 and "no labels of cleo in s; of ann, bob" in said.err
    said = ask("rank", "--exemplars", "s", "--probe", "p")
    assert said.status == 2 and "--probe and --exemplars both say" in said.err


# --- q exemplars ----------------------------------------------------------------------------------


def test_list(labelled: Path, ask: Ask) -> None:
    ask("label", "pictures/3.png", "--set", "shape", "--label", "ring")
    found = ask("exemplars", "list")
    assert [line.split()[:3] for line in found.out.splitlines()] == [
        ["set", "kind", "labelled"], ["s", "rating", "3"], ["shape", "classes", "1"]
    ]  # fmt: skip
    document = json_of(ask, "exemplars", "list")
    assert [row["set"] for row in document["results"]] == ["s", "shape"]
    first = document["results"][0]
    assert first.keys() == SUMMARY
    assert first["people"] == {"ann": 3, "bob": 2}
    assert first["agreement_between_people"].keys() == AGREEMENT
    assert first["agreement_between_people"]["pairs"] == 2
    lines = ask("exemplars", "list", "--jsonl").out.splitlines()
    assert [json.loads(line)["set"] for line in lines] == ["s", "shape"]


def test_list_of_nothing(home: Path, ask: Ask) -> None:
    found = ask("exemplars", "list")
    assert (found.status, found.out) == (1, "")
    assert "make one: q label --set NAME" in found.err
    assert json_of(ask, "exemplars", "list")["results"] == []


def test_show(labelled: Path, ask: Ask) -> None:
    document = json_of(ask, "exemplars", "show", "s")
    assert document.keys() == SUMMARY | {"command", "version", "results", "remarks"}
    rows = {(row["item"], row["who"], row["answer"]) for row in document["results"]}
    assert ("pictures/2.png", "bob", "1") in rows and len(rows) == 5
    assert all(row["present"] for row in document["results"])
    assert any("people agree with each other" in text for text in document["remarks"])
    only = json_of(ask, "exemplars", "show", "s", "--who", "bob")
    assert {row["who"] for row in only["results"]} == {"bob"}
    ask("label", "--set", "s", "--undo", "--who", "bob")
    history = json_of(ask, "exemplars", "show", "s", "--history")["results"]
    assert len(history) == 6 and "undoes" in history[-1]["origin"]
    assert "undone: no label" in ask("exemplars", "show", "s", "--history").out
    paths = ask("exemplars", "show", "s", "--paths", "--who", "ann").out.splitlines()
    assert sorted(paths) == [f"pictures/{n}.png" for n in range(3)]
    table = list(csv.DictReader(io.StringIO(ask("exemplars", "show", "s", "--csv", "-").out)))
    assert {row["answer"] for row in table} == {"5", "2", "4"}
    wrong = ask("exemplars", "show", "ss")
    assert wrong.status == 2 and "did you mean s?" in wrong.err


def test_export_and_import(labelled: Path, ask: Ask, draw: Callable[..., Path]) -> None:
    plain = ask("exemplars", "export", "s")
    assert plain.out.startswith("set,kind,question,answers,event,content,item,answer,who,at,origin")
    assert ask("exemplars", "export", "s", "--to", "s.csv").err == "q: labels of s: s.csv\n"
    assert (labelled / "s.csv").read_text() == plain.out
    assert ask("exemplars", "import", "s.csv").out == "0 of 5 events were new to s\n"
    (row,) = json_of(ask, "exemplars", "import", "s.csv")["results"]
    assert row == {"set": "s", "events": 5, "new": 0}
    (labelled / "theirs.csv").write_text("name,rating\npictures/3.png,4\nlost.png,3\n1.png,0\n")
    needed = ask("exemplars", "import", "theirs.csv")
    assert needed.status == 2 and "into which set? --set NAME" in needed.err
    told = ask("exemplars", "import", "theirs.csv", "--set", "s", "--who", "cleo", "--json")
    assert told.status == 3, "one item is not known"
    (row,) = told.document()["results"]
    assert row == {
        "set": "s", "labelled": 1, "unanswered": 1, "unknown": ["lost.png"], "contradicted": [],
        "unreadable": [],
    }  # fmt: skip
    document = json_of(ask, "exemplars", "export", "s", "--folders", "out")
    assert document["results"] == [{"folder": "out", "linked": 4, "left_out": 0}]
    found = ask("exemplars", "import", "out", "--set", "again")
    assert found.out == "4 labels taken into again\n"
    for wrong in (["export", "t"], ["import", "nowhere.csv"], ["export", "s", "--to", "no/s.csv"]):
        said = ask("exemplars", *wrong)
        assert said.status == 2 and len(said.err.splitlines()) == 1


def test_suggest(labelled: Path, ask: Ask) -> None:
    found = ask("exemplars", "suggest", "s", "-n", "9")
    assert sorted(found.out.splitlines()) == ["pictures/3.png", "pictures/4.png"]
    document = json_of(ask, "exemplars", "suggest", "s", "pictures", "-n", "1")
    assert [row.keys() for row in document["results"]] == [{"rank", "item", "frame"}]
    paths = ask("exemplars", "suggest", "s", "--paths").out.splitlines()
    assert sorted(paths) == sorted(found.out.splitlines())
    ask("label", *paths, "--set", "s", "--label", "3")
    done = ask("exemplars", "suggest", "s")
    assert (done.status, done.out) == (1, "")
    assert "nothing is left to ask" in done.err


def test_remove_asks_and_restore_brings_back(labelled: Path, ask: Ask) -> None:
    asked = ask("exemplars", "remove", "s")
    assert asked.status == 2 and "--yes" in asked.err
    (row,) = json_of(ask, "exemplars", "remove", "s", "--yes")["results"]
    assert row["set"] == "s" and row["kept_as"].startswith("s@20")
    assert ask("exemplars", "show", "s").status == 2
    assert ask("exemplars", "remove", "s", "--yes").status == 2
    ask("label", "pictures/4.png", "--set", "s", "--label", "1")
    there = ask("exemplars", "restore", "s")
    assert there.status == 2 and "there is a set s already" in there.err
    assert ask("exemplars", "remove", "s", "-y").status == 0
    (back,) = json_of(ask, "exemplars", "restore", row["kept_as"])["results"]
    assert back.keys() == SUMMARY and back["labelled"] == 3
    ask("exemplars", "remove", "s", "-y")
    assert ask("exemplars", "restore", "s").out == "s is back, with 3 labels\n", "the last removed"
    nothing = ask("exemplars", "restore", "never")
    assert nothing.status == 2 and "no set never has been removed" in nothing.err


# --- q rank --exemplars ---------------------------------------------------------------------------


def test_rank_pictures(labelled: Path, ask: Ask) -> None:
    document = json_of(ask, "rank", "--exemplars", "s", "--neighbours", "99")
    assert document["exemplars"]["neighbours"] == 3
    assert len(document["results"]) == 5
    assert {"rank", "item", "score", "reason"} <= document["results"][0].keys()
    some = ask("rank", "pictures/3.png", "pictures/4.png", "--exemplars", "s", "--paths")
    assert sorted(some.out.splitlines()) == ["pictures/3.png", "pictures/4.png"]
    for call, said in (
        (["--exemplars", "t"], "no exemplar set is called t"),
        (["--exemplars", "s", "--wanted", "5"], "--wanted is for classes"),
        (["--exemplars", "s", "--by", "embedding"], "take one"),
        (["--wanted", "5"], "go with --exemplars SET"),
    ):
        wrong = ask("rank", *call)
        assert wrong.status == 2 and said in wrong.err and len(wrong.err.splitlines()) == 1


def test_rank_frames_of_a_simulated_video(home: Path, ask: Ask) -> None:
    assert ask("simulate", "-q", "mars.ser", "--frames", str(FRAMES), "--seed", "5").status == 0
    assert ask("rank", "-q", "mars.ser").status == 0
    with (home / "mars.csv").open() as file:
        truth = [float(row["fidelity"]) for row in csv.DictReader(file)]
    order = sorted(range(FRAMES), key=truth.__getitem__)
    rows = [f"mars.ser,{n},{1 + 5 * place // FRAMES}" for place, n in enumerate(order)]
    (home / "rated.csv").write_text("\n".join(["file,frame,rating", *rows[::3]]))
    assert ask("exemplars", "import", "rated.csv", "--set", "sharp").status == 0
    call = ("rank", "mars.ser", "--exemplars", "sharp")
    document = json_of(ask, *call)
    assert len(document["results"]) == FRAMES
    assert document["exemplars"].keys() == {
        "set", "kind", "wanted", "labels", "neighbours", "weight", "trust"
    }  # fmt: skip
    best = [row["frame"] for row in document["results"][:20]]
    assert len(set(best) & set(order[-40:])) >= 16, best
    assert "like #" in document["results"][0]["reason"]
    paths = ask(*call, "--top", "5", "--paths").out.splitlines()
    assert paths == [f"mars.ser#{n}" for n in best[:5]]
    lines = ask(*call, "--top", "5", "--jsonl").out.splitlines()
    assert [json.loads(line)["frame"] for line in lines] == best[:5]
    assert ask(*call, "--top", "5", "--csv", "best.csv", "--sheet", "best.png").status == 0
    with (home / "best.csv").open() as file:
        assert [int(row["frame"]) for row in csv.DictReader(file)] == best[:5]
    with Image.open(home / "best.png") as sheet:
        assert min(sheet.size) > 100
    found = json_of(ask, "exemplars", "suggest", "sharp", "mars.ser", "-n", "8")["results"]
    assert len(found) == 8 and not {row["frame"] for row in found} & set(order[::3])
    assert ask("exemplars", "export", "sharp", "--folders", "out").status == 1, "no frame is a file"
    alone = json_of(ask, *call, "--alone", "--neighbours", "3")
    assert alone["exemplars"]["weight"] is None and alone["exemplars"]["neighbours"] == 3


def test_a_name_that_is_no_text_stops_nothing(home: Path, ask: Ask) -> None:
    odd = Path(os.fsdecode(b"pictures/\xff\n.png"))
    os.link("pictures/0.png", odd)
    (home / "odd").mkdir()
    (home / os.fsdecode(b"\xff.csv")).write_text("item,answer\npictures/1.png,3\n")
    assert ask("label", odd, "--set", "s", "--label", "5").status == 0
    assert ask("exemplars", "import", os.fsdecode(b"\xff.csv"), "--set", "s").status == 0
    assert ask("exemplars", "show", "s").status == 0
    assert len(json_of(ask, "exemplars", "show", "s", "--history")["results"]) == 2
    exported = ask("exemplars", "export", "s", "--to", "s.csv")
    assert exported.status == 0, exported.err
    assert ask("exemplars", "import", "s.csv").out == "0 of 2 events were new to s\n"
