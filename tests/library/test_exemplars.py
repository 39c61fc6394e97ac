"""Pictures ranked by what people labelled: labels follow content, odd sets get one clear word."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seeing.errors import NothingError, SeeingError, UsageError
from seeing.library import Library
from seeing.rank.exemplars import Taste
from seeing.rank.ranking import Ranking

Draw = Callable[..., Path]


@pytest.fixture
def here(own: Library, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `own`, five pictures 0.png ... 4.png, as the working directory."""
    monkeypatch.chdir(own.folder.parent)
    return own.folder.parent


def rate(library: Library, **ratings: str) -> None:
    for name, answer in ratings.items():
        library.exemplars.label(f"{name.strip('_')}.png", answer, name="s", who="ann")


def ranked(library: Library, taste: Taste | str = "s") -> Ranking:
    ranking = library.rank(exemplars=taste)
    assert isinstance(ranking, Ranking)
    return ranking


def told(ranking: Ranking) -> dict[str, float | None]:
    return {one.item.path.name: one.score for one in ranking}


# --- scores ---------------------------------------------------------------------------------------


def test_scores_are_weighted_means_of_the_others(own: Library, here: Path) -> None:
    rate(own, _0="1", _1="5", _2="3")
    ids, vectors = own.vectors()
    names = [own.item(i).path.name for i in ids.tolist()]
    values = {"0.png": 1.0, "1.png": 5.0, "2.png": 3.0}
    for name, score in told(ranked(own, Taste("s", k=3))).items():
        mine = vectors[names.index(name)].astype(np.float64)
        rest = [other for other in values if other != name]
        inverse = [1 / np.linalg.norm(mine - vectors[names.index(other)]) for other in rest]
        expected = np.average([values[other] for other in rest], weights=inverse)
        assert score == pytest.approx(expected, abs=1e-3)


def test_reasons_and_json(own: Library, here: Path) -> None:
    rate(own, _0="1", _1="5", _2="3")
    ranking = ranked(own)
    reasons = {one.item.path.name: one.reason for one in ranking}
    assert re.fullmatch(r"labelled 1; like [12].png \([53]\), [12].png \([53]\)", reasons["0.png"])
    assert reasons["3.png"].startswith("like ")
    assert reasons["3.png"].count(".png") == 3
    document = ranking.as_json()
    assert document["scorer"].startswith("exemplars:s@")
    assert document["exemplars"] == {
        "set": "s", "kind": "rating", "wanted": None, "labels": 3, "neighbours": 1,
        "weight": None, "trust": None,
    }  # fmt: skip
    assert document["remarks"] == [
        "3 labels are too few, or too alike, to say how far to trust this"
    ]


def test_the_scorer_is_another_when_labels_are(own: Library, here: Path) -> None:
    rate(own, _0="1", _1="5")
    first = ranked(own).scorer
    assert ranked(own).scorer == first
    rate(own, _2="4")
    assert ranked(own).scorer != first
    own.exemplars.undo("s", who="ann")
    assert ranked(own).scorer == first


# --- labels follow content ------------------------------------------------------------------------


def test_labels_follow_pictures_that_move(own: Library, here: Path) -> None:
    rate(own, _0="1", _1="5", _2="3")
    before = told(ranked(own))
    (here / "far").mkdir()
    for name in ("0.png", "1.png", "2.png"):
        (here / name).rename(here / "far" / f"moved {name}")
    after = {one.item.path.name.removeprefix("moved "): one.score for one in
             own.rank([here], exemplars="s")}  # fmt: skip
    assert after == before
    assert own.exemplars.summary("s").gone == 0
    assert {Path(one.name).parent.name for one in own.exemplars.labels("s")} == {"far"}


def test_labels_count_for_copies_once(own: Library, here: Path) -> None:
    rate(own, _0="1", _1="5", _2="3")
    before = told(ranked(own))
    for number in range(3):
        shutil.copy(here / "1.png", here / f"copy {number}.png")
    own.index(here)
    rate(own, **{"copy 0": "5"})
    ranking = ranked(own)
    after = told(ranking)
    assert {name: after[name] for name in before} == pytest.approx(before, abs=1e-6)
    assert {after[f"copy {number}.png"] for number in range(3)} == {after["1.png"]}
    assert ranking.details["exemplars"]["labels"] == 3
    assert all(one.reason.startswith("labelled 5") for one in ranking if "copy" in str(one.item))


def test_a_vanished_picture_still_teaches_and_a_forgotten_one_is_told(
    own: Library, here: Path
) -> None:
    rate(own, _0="1", _1="5", _2="3")
    before = told(ranked(own))
    (here / "0.png").rename(here.parent / "0.png")
    own.index(here)
    after = told(ranked(own))
    assert after == {name: score for name, score in before.items() if name != "0.png"}
    own.prune()
    ranking = ranked(own)
    assert "1 of 3 labels of s are not of pictures with a vector of thumbnail" in ranking.remarks
    summary = own.exemplars.summary("s")
    assert (summary.labelled, summary.gone) == (3, 1)
    (gone,) = (one for one in own.exemplars.labels("s") if one.item is None)
    assert gone.name == "0.png"
    shutil.copy(here.parent / "0.png", here / "back.png")
    own.index(here)
    assert own.exemplars.summary("s").gone == 0
    assert told(ranked(own))["3.png"] == before["3.png"]


# --- several people -------------------------------------------------------------------------------


def test_ratings_are_averaged_and_classes_go_by_majority(own: Library, here: Path) -> None:
    for who, rating, shape in (("a", "5", "ring"), ("b", "2", "disc"), ("c", "2", "ring")):
        own.exemplars.label("0.png", rating, name="s", who=who)
        own.exemplars.label("0.png", shape, name="shape", who=who)
    own.exemplars.label("1.png", "1", name="s", who="a")
    own.exemplars.label("1.png", "disc", name="shape", who="a")
    assert told(ranked(own))["1.png"] == pytest.approx(3.0)
    assert own.exemplars.summary("shape").counts == {"ring": 1, "disc": 1}


def test_as_many_for_as_against_is_left_out_and_told(own: Library, here: Path) -> None:
    for name, who, answer in (
        ("0", "a", "ring"), ("0", "b", "disc"), ("1", "a", "ring"), ("2", "a", "disc")
    ):  # fmt: skip
        own.exemplars.label(f"{name}.png", answer, name="shape", who=who)
    ranking = ranked(own, Taste("shape", "ring"))
    assert any(text.startswith("1 items are left out: as many answers") for text in ranking.remarks)
    assert ranking.details["exemplars"]["labels"] == 2
    own.exemplars.label("1.png", "disc", name="shape", who="b")
    own.exemplars.label("2.png", "ring", name="shape", who="b")
    with pytest.raises(UsageError, match="holds no labels"):
        ranked(own, Taste("shape", "ring"))


# --- odd sets -------------------------------------------------------------------------------------


def test_one_answer_alone_ranks_by_nearness(own: Library, here: Path) -> None:
    own.exemplars.label("2.png", "ring", name="shape")
    scores = told(ranked(own, "shape"))
    assert scores.pop("2.png") is None, "it does not score itself, and there is no other"
    assert all(score is not None and score < 0 for score in scores.values())


@pytest.mark.parametrize(
    ("answers", "taste", "said"),
    [
        ({}, "s", "no exemplar set is called s"),
        ({"0": "5"}, "t", "no exemplar set is called t"),
        ({"0": "5"}, Taste("s", wanted="5"), "holds ratings: --wanted is for classes"),
        ({"0": "5"}, Taste("s", k=0), "0 neighbours make no sense"),
        ({"0": "ring", "1": "disc"}, "s", r"which of s is wanted\? --wanted ring|disc"),
        ({"0": "ring", "1": "disc"}, Taste("s", "rings"), "did you mean ring"),
        ({"0": "ring", "1": "disc"}, Taste("s", "0"), "nothing is labelled 0"),
        ({"0": "reject", "1": "reject"}, "s", "nothing is labelled keep in s yet"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    own: Library, here: Path, answers: dict[str, str], taste: Taste | str, said: str
) -> None:
    for name, answer in answers.items():
        own.exemplars.label(f"{name}.png", answer, name="s")
    with pytest.raises(UsageError, match=said) as caught:
        ranked(own, taste)
    assert len(str(caught.value).splitlines()) == 1


def test_an_emptied_set_and_a_class_that_went_are_told(own: Library, here: Path) -> None:
    own.exemplars.label("0.png", "ring", name="shape")
    own.exemplars.label("1.png", "disc", name="shape")
    own.exemplars.undo("shape")
    with pytest.raises(UsageError, match="nothing is labelled disc in shape"):
        ranked(own, Taste("shape", "disc"))
    own.exemplars.undo("shape")
    with pytest.raises(UsageError, match="the set shape holds no labels yet"):
        ranked(own, "shape")
    own.exemplars.remove("shape")
    with pytest.raises(UsageError, match="no exemplar set is called shape"):
        ranked(own, "shape")


def test_labels_of_another_encoder_only(own: Library, here: Path, draw: Draw) -> None:
    draw(here / "sub" / "a.png", 50)
    own.index(here / "sub", encoder="colour")
    rate(own, _0="5")
    with pytest.raises(UsageError, match="none of the 1 labels of s is of a picture that colour"):
        own.rank_pictures(exemplars="s", encoder="colour")


@pytest.mark.parametrize(
    ("names", "answer", "said"),
    [
        ("nowhere.png", "5", "no such file"),
        ("broken.png", "5", "no pictures at or below broken.png"),
        ("0.png", "0", "'0' is no answer"),
        ("0.png", "", "'' is no answer"),
        ("0.png", "none", "'none' is no answer"),
        ("0.png", "a|b", "is no answer"),
        ("0.png", "a\nb", "is no answer"),
        ("0.png", "\udcff", "is no answer"),
    ],
)
def test_a_label_that_fails_makes_no_set(
    own: Library, here: Path, names: str, answer: str, said: str
) -> None:
    (here / "broken.png").write_bytes(b"no picture")
    with pytest.raises(SeeingError, match=re.escape(said)) as caught:
        own.exemplars.label(names, answer, name="fresh")
    assert len(str(caught.value).splitlines()) == 1
    assert list(own.exemplars) == []


@pytest.mark.parametrize("name", ["", ".s", "a b", "a/b", "a@b", "-s", 70 * "s"])
def test_names_that_no_set_has(own: Library, here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a set"):
        own.exemplars.label("0.png", "5", name=name)


def test_people_and_questions_of_any_bytes(
    own: Library, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q_WHO", "J\udcffrg")
    own.exemplars.label("0.png", "5", name="s", question="Sch\udce4rfe?")
    assert own.exemplars.labels("s")[0].who == "J\ufffdrg"
    assert own.exemplars.undo("s")[0].answer == "5"
    assert own.exemplars.export("s").count("Sch\ufffdrfe?") == 2


# --- suggestions ----------------------------------------------------------------------------------


def test_suggestions_end_where_there_are_no_more(own: Library, here: Path) -> None:
    shutil.copy(here / "0.png", here / "copy of 0.png")
    own.index(here)
    own.exemplars.label("1.png", "5", name="s")
    own.exemplars.undo("s")
    found = own.suggest("s", n=50)
    names = {item.path.name.removeprefix("copy of ") for item in found}
    assert len(found) == 4
    assert names == {"0.png", "2.png", "3.png", "4.png"}, "1.png was asked, though undone"
    assert [i.id for i in own.suggest("s", n=3)] == [i.id for i in own.suggest("s", n=3)]
    for item in found:
        own.exemplars.label(item.path, "3", name="s")
    assert own.suggest("s") == []
    with pytest.raises(NothingError):
        own.forget(here)
        own.suggest("s")
