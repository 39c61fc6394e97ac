"""Probes in a library: taught by labels of pictures and frames, ranking and finding by them."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from seeing.db.exemplars import SKIP, add_events, new_event, set_named
from seeing.errors import EncoderError, UsageError
from seeing.library import Library, open_library
from seeing.rank.teaching import Learned
from seeing.samples.night import Night, Truth, simulated
from seeing.train.figures import area_under_curve

WriteSer = Callable[..., Path]
FRAMES = 300


def same_numbers(one: Learned, other: Learned) -> bool:
    return one.stored.digest == other.stored.digest and one.figures == other.figures


# --- pictures -----------------------------------------------------------------------------------


def paint(path: Path, redness: float, seed: int) -> None:
    """Write a picture of noise, red as far as it says."""
    rng = np.random.default_rng(seed)
    colours = np.array([60 + 150 * redness, 100, 210 - 150 * redness])
    pixels = np.clip(colours + rng.normal(0, 15, (24, 32, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def reds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures from blue to red, indexed by colour; the first forty labelled."""
    home = tmp_path_factory.mktemp("reds")
    redness = np.random.default_rng(0).permutation(60) / 59
    for seed, value in enumerate(redness):
        paint(home / "pictures" / f"{seed:02}.png", value, seed)
    np.save(home / "redness.npy", redness)
    with (home / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "colour", "rating"])
        for seed, value in enumerate(redness[:40]):
            name = f"pictures/{seed:02}.png"
            rows.writerow([name, "red" if value > 0.5 else "blue", 1 + round(4 * value)])
    with open_library(home, create=True) as library:
        library.index(home / "pictures", encoder="colour")
        library.index(home / "pictures", encoder="thumbnail")
        for seed, value in enumerate(redness[:40]):
            path = home / "pictures" / f"{seed:02}.png"
            library.exemplars.label(path, "keep" if value > 0.5 else "reject", name="reds",
                                    who="ann", kind="keep")  # fmt: skip
            library.exemplars.label(path, str(1 + round(4 * value)), name="stars", who="ann")
    return home


@pytest.fixture
def library(reds: Path) -> Iterator[Library]:
    with open_library(reds) as opened:
        yield opened


def redness(reds: Path, names: list[str]) -> NDArray[np.float64]:
    known = np.load(reds / "redness.npy")
    return np.asarray([known[int(Path(name).stem)] for name in names])


def test_classes_rank_pictures_that_nobody_labelled(reds: Path, library: Library) -> None:
    learned = library.train_probe("reds", exemplars="reds")
    assert learned.stored.features == f"encoder:{library.encoders()[0].identity}"
    assert (
        learned.stored.card["labels"] == {"keep": 20, "reject": 20}
        or sum(learned.stored.card["labels"].values()) == 40
    )
    assert learned.figures["roc_auc"].value > 0.95
    ranking = library.rank_pictures(by="probe:reds")
    assert len(ranking) == 60
    names = [str(entry.item.path) for entry in ranking]
    unseen = redness(reds, [name for name in names if int(Path(name).stem) >= 40]) > 0.5
    assert area_under_curve(-np.arange(20.0), unseen) > 0.95
    first = ranking[0]
    assert first.reason == "keep > 99.9 %"
    assert ranking.scorer.startswith("probe:reds@")
    # the scores are the decisions of plain numbers on the vectors that the library gives
    ids, vectors = library.vectors()
    scores = dict(zip(ids.tolist(), learned.stored.probe.scores(vectors).tolist(), strict=True))
    assert [entry.score for entry in ranking] == pytest.approx([scores[e.item.id] for e in ranking])


def test_ratings_are_foretold(reds: Path, library: Library) -> None:
    for kind in ("ridge", "ordinal"):
        library.train_probe("stars", exemplars="stars", kind=kind)
        ranking = library.rank([reds / "pictures"], probe="stars")
        said = np.array([float(entry.score or 0) for entry in ranking])
        truth = 1 + 4 * redness(reds, [str(entry.item.path) for entry in ranking])
        assert np.abs(said - truth).mean() < 0.4
        assert ranking[0].reason == f"predicted {said[0]:.3g}"


def test_a_table_teaches_what_a_set_does(reds: Path, library: Library) -> None:
    one = library.train_probe("stars", exemplars="stars", seed=3)
    other = library.train_probe("stars", labels=reds / "labels.csv", column="rating", seed=3)
    np.testing.assert_allclose(
        np.sort(np.abs(one.stored.probe.weights)), np.sort(np.abs(other.stored.probe.weights)),
        rtol=1e-6, atol=1e-9,
    )  # fmt: skip


def test_finding_along_a_probe_is_ranking_by_it(library: Library) -> None:
    library.train_probe("reds", exemplars="reds")
    ranked = [entry.item.id for entry in library.rank(probe="reds")]
    found = library.find_similar(probe="reds", n=60)
    assert len(found) == 60
    assert spearmanr([ranked.index(match.item.id) for match in found], np.arange(60))[0] > 0.999
    assert found.any_close is None  # a direction is no picture: nothing is said about closeness
    assert found.as_json()["targets"] == [{"item": "probe:reds", "weight": 1.0, "sign": 1}]
    both = library.find_similar(found[0].item, probe="2:reds", n=5)
    assert [asked.weight for asked in both.asked] == [2.0, 1.0]
    assert found[0].item.id not in [match.item.id for match in both]


def test_a_probe_refuses_other_vectors_naming_both(library: Library) -> None:
    learned = library.train_probe("reds", exemplars="reds", on="colour")
    thumbnail = next(e for e in library.encoders() if e.name == "thumbnail")
    for call in (
        lambda: library.rank(probe="reds", encoder="thumbnail"),
        lambda: library.find_similar(probe="reds", encoder="thumbnail"),
    ):
        with pytest.raises(UsageError) as told:
            call()
        assert learned.stored.features in str(told.value)
        assert thumbnail.identity in str(told.value)
        assert "\n" not in str(told.value)


def test_its_own_encoder_is_taken_where_none_is_named(library: Library) -> None:
    library.train_probe("small", exemplars="reds", on="thumbnail")
    assert library.encoders()[0].name == "colour"
    assert library.rank(probe="small").head()["encoder"].startswith("thumbnail")
    assert library.find_similar(probe="small").encoder.startswith("thumbnail")


def test_what_is_no_answer_changes_no_bit(tmp_path: Path, reds: Path) -> None:
    """Skipped, unrated, taken back: an own library, since labels are never deleted."""
    with open_library(tmp_path / "own", create=True) as library:
        library.index(reds / "pictures", encoder="colour")
        table = reds / "labels.csv"
        for row in list(csv.DictReader(table.read_text().splitlines()))[:25]:
            library.exemplars.label(reds / row["item"], row["rating"], name="stars", who="ann")
        before = library.train_probe("one", exemplars="stars")
        more = reds / "pictures" / "50.png"
        content = next(item.content for item in library.items() if item.path == more)
        stars = set_named(library.catalogue, "stars")
        add_events(library.catalogue, stars, [new_event(content, SKIP, "ann", {})])
        library.exemplars.label(reds / "pictures" / "52.png", "5", name="stars", who="ann")
        library.exemplars.label(reds / "pictures" / "52.png", None, name="stars", who="ann")
        assert same_numbers(before, library.train_probe("two", exemplars="stars"))
        plain = library.train_probe("three", labels=table, column="rating")
        text = table.read_text()
        for number, nothing in enumerate(("", "0", "skip", "none", "nan", "0.0")):
            text += f"pictures/{40 + number}.png,red,{nothing}\n"
        beside = reds / "more.csv"
        beside.write_text(text)
        found = library.train_probe("four", labels=beside, column="rating")
        assert same_numbers(plain, found)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "labels come from one place"),
    ({"exemplars": "reds", "best": 3}, "labels come from one place"),
    ({"exemplars": "reds", "column": "colour"}, "--column NAME is of a table"),
    ({"best": 3, "worst": 3}, "go together"),
    ({"best": 3, "worst": 3, "by": "nonsense"}, "no scorer of frames is called nonsense"),
    ({"best": 3, "worst": 3, "by": "self"}, "of the frames of one video"),
    ({"exemplars": "red"}, "no exemplar set is called red"),
    ({"exemplars": "reds", "kind": "ridge"}, "learns ratings"),
    ({"exemplars": "reds", "kind": "forest"}, "no probe is of kind forest"),
    ({"exemplars": "reds", "wanted": "kep"}, "kep"),
    ({"exemplars": "stars", "wanted": "5"}, "learns numbers"),
    ({"exemplars": "reds", "on": "frames"}, "reads videos"),
    ({"exemplars": "reds", "on": "scores:self,nothing"}, "no scorer of frames is called nothing"),
    ({"exemplars": "reds", "who": "bob"}, "no label is of these items"),
    ({"labels": "labels.csv", "column": "color"}, "did you mean colour"),
    ({"labels": "labels.csv", "column": "colour"}, "which answer is wanted"),
    ({"labels": "labels.csv", "column": "colour", "kind": "ridge"}, "learns numbers"),
    ({"labels": "nothing.csv", "column": "colour"}, "nothing.csv"),
]


@pytest.mark.parametrize(("how", "says"), WRONG, ids=[says for _, says in WRONG])
def test_wrong_calls_say_what_is_wrong(
    library: Library, how: dict[str, Any], says: str, reds: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(reds)
    with pytest.raises(UsageError) as told:
        library.train_probe("wrong", **how)
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert "wrong" not in [model.name for model in library.probes]


def test_an_encoder_that_has_seen_nothing_is_named(library: Library) -> None:
    with pytest.raises(EncoderError, match="scattering"):
        library.train_probe("wrong", exemplars="reds", on="scattering")


# --- frames -------------------------------------------------------------------------------------


class Rated:
    """A video with its truth, in a library that has a hundred noisy ratings of its frames."""

    def __init__(self, folder: Path, write: WriteSer) -> None:
        self.path, self.truth = self.filmed(folder / "mars.ser", write, 5)
        self.other, self.other_truth = self.filmed(folder / "other.ser", write, 6)
        self.library = open_library(folder / "here", create=True)
        rng = np.random.default_rng(0)
        self.rated = np.sort(rng.choice(FRAMES, 100, replace=False))
        places = np.argsort(np.argsort(self.truth.interior)) / FRAMES
        noisy = 1 + 4 * places[self.rated] + rng.normal(0, 0.7, 100)
        self.ratings = np.clip(np.rint(noisy), 1, 5)
        self.table = folder / "ratings.csv"
        with self.table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["frame", "rating"])
            rows.writerows(zip(self.rated.tolist(), self.ratings.tolist(), strict=True))

    @staticmethod
    def filmed(path: Path, write: WriteSer, seed: int) -> tuple[Path, Truth]:
        frames, truth = simulated(Night("rocky", FRAMES, size=96, seed=seed, light=1800))
        return write(path, frames), truth

    def agreement(self, path: Path, truth: Truth, probe: str) -> float:
        """Return Spearman's correlation with the truth, of frames that were not rated."""
        ranking = self.library.rank_frames(path, by=f"probe:{probe}")
        ranking.video.close()
        rest = np.setdiff1d(np.arange(FRAMES), self.rated)
        return float(spearmanr(ranking.scores[rest], truth.interior[rest])[0])


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, write_ser: WriteSer) -> Iterator[Rated]:
    made = Rated(tmp_path_factory.mktemp("rated"), write_ser)
    yield made
    made.library.close()


def test_a_hundred_noisy_ratings_rank_the_other_frames(night: Rated) -> None:
    """Measured by a prototype: ridge on principal components of in-band vectors, 0.978 to 0.994."""
    learned = night.library.train_probe("taste", night.path, labels=night.table, column="rating")
    assert learned.stored.features.startswith("frames:")
    assert learned.stored.card["components"] is not None
    assert 0.6 < learned.figures["spearman"].value < 0.95  # the ratings themselves are noisy
    assert "self, without any label" in learned.remarks[-1]
    assert night.agreement(night.path, night.truth, "taste") > 0.97


def test_a_table_names_frames_as_item_and_frame_or_both_in_one(night: Rated) -> None:
    numbers = night.library.train_probe("one", night.path, labels=night.table)
    rows = list(csv.DictReader(night.table.read_text().splitlines()))
    for head, line in (("File,Frame,Rating", "{0},{1},{2}"), ("item,rating", "{0}#{1},{2}")):
        table = night.path.with_name("beside.csv")
        said = [line.format(night.path.name, row["frame"], row["rating"]) for row in rows]
        table.write_text("\n".join([head, *said]))
        found = night.library.train_probe("two", night.path, labels=table)
        assert same_numbers(numbers, found)


def test_a_probe_on_frames_is_for_its_own_video(night: Rated) -> None:
    night.library.train_probe("taste", night.path, labels=night.table, column="rating")
    with pytest.raises(
        UsageError, match=r"is of frames of \S+; other.ser is another video"
    ) as told:
        night.library.rank_frames(night.other, by="probe:taste")
    assert "\n" not in str(told.value)
    with pytest.raises(UsageError, match="judges frames of videos"):
        night.library.rank_pictures(by="probe:taste")
    with pytest.raises(UsageError, match="judges frames of videos"):
        night.library.find_similar(probe="taste")


def test_a_probe_on_named_scores_goes_over_to_another_video(night: Rated) -> None:
    how: dict[str, Any] = {"labels": night.table, "column": "rating"}
    learned = night.library.train_probe(
        "named", night.path, on="scores:self,band-power,roundness", **how
    )
    assert learned.stored.features == "scores:self,band-power,roundness"
    assert learned.stored.probe.dimension == 3
    assert night.agreement(night.path, night.truth, "named") > 0.95
    assert night.agreement(night.other, night.other_truth, "named") > 0.95


def test_exemplars_of_frames_teach_as_their_table_does(night: Rated) -> None:
    for number, rating in zip(night.rated.tolist(), night.ratings.tolist(), strict=True):
        night.library.exemplars.label(
            f"{night.path}#{number}", f"{rating:g}", name="frames", who="ann"
        )
    one = night.library.train_probe("one", night.path, exemplars="frames", on="frames")
    other = night.library.train_probe("two", night.path, labels=night.table, column="rating")
    said = [learned.stored.probe.weights[0] for learned in (one, other)]
    # the same labels in another order: other folds can choose another strength, not another taste
    assert float(np.corrcoef(*said)[0, 1]) > 0.9


def test_extremes_are_judged_on_stretches_that_taught_nothing(night: Rated) -> None:
    learned = night.library.train_probe(
        "extreme", night.path, best=30, worst=30, by="laplacian", seed=2
    )
    card = learned.stored.card
    assert card["labels"] == {"best": 30, "worst": 30}
    assert card["wanted"] == "best"
    assert card["from"] == {"by": "laplacian", "best": 30, "worst": 30}
    assert learned.figures["held_out_spearman"].value > 0.9
    # of five or six stretches of 40 frames a fifth is held out
    told = next(text for text in learned.remarks if "held out" in text)
    assert 35 <= int(told.split()[0]) <= 80
    ranking = night.library.rank_frames(night.path, by="probe:extreme")
    ranking.video.close()
    assert ranking[0].reason.startswith("best 9")
    with pytest.raises(UsageError, match="are more than"):
        night.library.train_probe("extreme", night.path, best=200, worst=200, by="self")


def test_frames_by_an_encoder(night: Rated) -> None:
    learned = night.library.train_probe(
        "seen", night.path, labels=night.table, column="rating", on="thumbnail"
    )
    assert learned.stored.features.startswith("encoder:thumbnail")
    ranking = night.library.rank_frames(night.path, by="probe:seen")
    ranking.video.close()
    assert np.isfinite(ranking.scores).all()
    assert ranking.scorer.name == "probe:seen"


def test_scores_of_a_probe_taught_anew_are_not_those_kept(night: Rated) -> None:
    how: dict[str, Any] = {
        "labels": night.table,
        "column": "rating",
        "on": "scores:self,brightness",
    }
    night.library.train_probe("again", night.path, **how)
    first = night.library.rank_frames(night.path, by="probe:again")
    night.library.train_probe("again", night.path, kind="linear", **how)
    second = night.library.rank_frames(night.path, by="probe:again")
    for ranking in (first, second):
        ranking.video.close()
    assert first.scorer.identity != second.scorer.identity
    assert not np.array_equal(first.scores, second.scores)
