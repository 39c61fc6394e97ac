"""Frames ranked by labelled frames: the truth is found, and labels follow the frames."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from seeing.errors import UsageError
from seeing.library import Library, open_library
from seeing.rank.exemplars import Taste
from seeing.rank.frame_ranking import FrameRanking
from seeing.samples.night import Night, simulated

WriteSer = Callable[..., Path]
FRAMES = 300


class Rated(NamedTuple):
    """A library with a video of 300 frames, of which 60 are rated by their true sharpness."""

    folder: Path
    frames: NDArray[np.uint8]
    truth: NDArray[np.float64]
    numbers: NDArray[np.int64]
    ratings: NDArray[np.int64]


def ranked(library: Library, videos: Path | list[Path], how: Taste | str | None) -> FrameRanking:
    ranking = library.rank_frames(
        [videos] if isinstance(videos, Path) else [*videos], exemplars=how
    )
    ranking.video.close()
    return ranking


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory, write_ser: WriteSer) -> Rated:
    folder = tmp_path_factory.mktemp("rated")
    night = Night("giant", FRAMES, seed=11, light=1800)
    frames, truth = simulated(night)
    path = write_ser(folder / "mars.ser", frames, times=night.times())
    fidelity = truth.fidelity.astype(float)
    quantiles = rankdata(fidelity) / FRAMES
    numbers = np.random.default_rng(1).choice(FRAMES, 60, replace=False)
    ratings = np.ceil(5 * quantiles[numbers]).astype(np.int64)
    with open_library(folder, create=True) as library:
        ranked(library, path, None)
        for rating in range(1, 6):
            named = [f"{path}#{n}" for n in numbers[ratings == rating]]
            assert library.exemplars.label(named, str(rating), name="sharp") == len(named)
    return Rated(folder, frames.astype(np.uint8, copy=False), fidelity, numbers, ratings)


@pytest.fixture
def library(rated: Rated, tmp_path: Path) -> Iterator[Library]:
    """A copy of the rated library, that a test may change."""
    shutil.copytree(rated.folder, tmp_path / "home")
    with open_library(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def mars(library: Library) -> Path:
    return library.folder.parent / "mars.ser"


def test_frames_carry_their_labels(library: Library, mars: Path, rated: Rated) -> None:
    rows = {
        row["frame"]: row["labels"] for row in ranked(library, mars, "sharp").as_json()["results"]
    }
    told = dict(zip(rated.numbers.tolist(), rated.ratings.tolist(), strict=True))
    for frame, labels in rows.items():
        assert labels == ({"sharp": str(told[frame])} if frame in told else {})


def test_a_video_labelled_before_it_was_ever_ranked(rated: Rated, tmp_path: Path) -> None:
    shutil.copy(rated.folder / "mars.ser", tmp_path)
    path = tmp_path / "mars.ser"
    with open_library(tmp_path, create=True) as library:
        library.exemplars.label([f"{path}#12", f"{path}#90"], "4", name="s")
        for keep in (False, True):
            found = library.rank_frames([path], exemplars="s", keep=keep)
            found.video.close()
            assert found.head()["exemplars"]["labels"] == 2
            assert any("2 labels of s can't change yet" in text for text in found.remarks)


def test_the_truth_is_found(library: Library, mars: Path, rated: Rated) -> None:
    own = ranked(library, mars, None)
    alone = ranked(library, mars, Taste("sharp", alone=True))
    both = ranked(library, mars, "sharp")
    fits = [float(spearmanr(found.scores, rated.truth)[0]) for found in (own, alone, both)]
    assert fits[1] > 0.9, fits
    assert fits[2] > fits[0] - 0.01, fits
    unrated = np.setdiff1d(np.arange(FRAMES), rated.numbers)
    assert spearmanr(alone.scores[unrated], rated.truth[unrated])[0] > 0.9
    assert any(text.startswith("rank correlation with ratings it has") for text in alone.remarks)
    trust = alone.head()["exemplars"]["trust"]
    assert trust["low"] < trust["agreement"] < trust["high"]
    assert trust["agreement"] > 0.8


def test_reasons_name_the_nearest_labelled_frames(
    library: Library, mars: Path, rated: Rated
) -> None:
    ranking = ranked(library, mars, Taste("sharp", alone=True))
    known = dict(zip(rated.numbers.tolist(), rated.ratings.tolist(), strict=True))
    for entry in ranking[:20]:
        told = entry.reason.partition("; like ")[2].split(", ")
        assert len(told) == 3, entry.reason
        for one in told:
            number, rating = one.removeprefix("#").removesuffix(")").split(" (")
            assert known[int(number)] == int(rating)
            assert int(number) != entry.item.frame, "no frame explains itself"
    head = ranking.head()["exemplars"]
    assert (head["set"], head["labels"], head["weight"]) == ("sharp", 60, None)
    assert head["neighbours"] >= 1


def test_a_label_of_its_own_does_not_lift_a_frame(
    library: Library, mars: Path, rated: Rated
) -> None:
    worst = rated.numbers[np.argmin(rated.truth[rated.numbers])]
    before = ranked(library, mars, Taste("sharp", k=5, alone=True)).scores[worst]
    library.exemplars.label(f"{mars}#{worst}", "5", name="sharp")
    after = ranked(library, mars, Taste("sharp", k=5, alone=True)).scores[worst]
    assert after == before


def test_no_answer_weighs_nothing_at_all(
    library: Library, mars: Path, rated: Rated, tmp_path: Path
) -> None:
    before = ranked(library, mars, "sharp").scores
    rest = np.setdiff1d(np.arange(FRAMES), rated.numbers)[:40]
    rows = [f"{mars},{n},{('0', '-1', '', 'skip')[n % 4]}" for n in rest]
    labelled = [f"{mars},{rated.numbers[0]},{rated.ratings[0]}"]
    (tmp_path / "more.csv").write_text("\n".join(["file,frame,rating", *rows, *labelled]))
    taken = library.exemplars.take_in(tmp_path / "more.csv", name="sharp")
    assert (taken.labelled, taken.unanswered) == (1, 40)
    assert ranked(library, mars, "sharp").scores.tobytes() == before.tobytes()


# --- labels follow frames -------------------------------------------------------------------------


def labels_used(ranking: FrameRanking) -> int:
    return int(ranking.head()["exemplars"]["labels"])


def test_a_video_that_is_renamed_keeps_its_labels(library: Library, mars: Path) -> None:
    before = ranked(library, mars, "sharp")
    there = mars.rename(mars.parent / "renamed.ser")
    after = ranked(library, there, "sharp")
    assert labels_used(after) == 60
    assert after.scores.tolist() == before.scores.tolist()


def test_a_video_that_is_cut_keeps_the_labels_of_what_is_left(
    library: Library, mars: Path, rated: Rated, write_ser: WriteSer
) -> None:
    cut = write_ser(mars.parent / "cut.ser", rated.frames[100:])
    mars.unlink()
    ranking = ranked(library, cut, Taste("sharp", alone=True))
    assert labels_used(ranking) == (rated.numbers >= 100).sum()
    assert spearmanr(ranking.scores, rated.truth[100:])[0] > 0.9
    shown = {
        int(part.split(" ")[0]) for entry in ranking[:50] for part in entry.reason.split("#")[1:]
    }
    assert shown <= set((rated.numbers - 100).tolist()), "in the numbers of the new video"


def test_two_files_of_one_capture_use_the_labels_of_both(
    library: Library, mars: Path, rated: Rated, write_ser: WriteSer
) -> None:
    parts = [
        write_ser(mars.parent / f"part{n}.ser", rated.frames[150 * n : 150 * (n + 1)])
        for n in range(2)
    ]
    mars.unlink()
    ranking = ranked(library, parts, Taste("sharp", alone=True))
    assert labels_used(ranking) == 60
    assert spearmanr(ranking.scores, rated.truth)[0] > 0.9
    one = ranked(library, parts[0], Taste("sharp", alone=True))
    assert labels_used(one) == (rated.numbers < 150).sum()


def test_a_repeated_frame_is_one_exemplar(
    library: Library, mars: Path, rated: Rated, write_ser: WriteSer
) -> None:
    twice = write_ser(mars.parent / "twice.ser", np.concatenate([rated.frames, rated.frames[:50]]))
    assert labels_used(ranked(library, twice, "sharp")) == 60


def test_a_set_about_another_video_is_told(
    library: Library, mars: Path, write_ser: WriteSer
) -> None:
    frames, _ = simulated(Night("rocky", 60, seed=3, light=1800))
    other = write_ser(mars.parent / "other.ser", frames)
    with pytest.raises(
        UsageError, match=r"none of the 60 labels of sharp is of a frame of .*other"
    ):
        ranked(library, other, "sharp")


def test_keep_and_reject_rank_frames_too(library: Library, mars: Path, rated: Rated) -> None:
    order = np.argsort(rated.truth[rated.numbers])
    for answer, some in (("keep", order[30:]), ("reject", order[:30])):
        named = [f"{mars}#{n}" for n in rated.numbers[some]]
        library.exemplars.label(named, answer, name="kept")
    ranking = ranked(library, mars, Taste("kept", alone=True))
    assert spearmanr(ranking.scores, rated.truth)[0] > 0.8
    assert ranking.head()["exemplars"]["trust"]["measure"] == "roc_auc"
    assert ranking.scorer.measure == "likeness to keep"


# --- what to ask next -----------------------------------------------------------------------------


def test_frames_that_are_suggested_are_new_and_apart(
    library: Library, mars: Path, rated: Rated
) -> None:
    found = library.suggest("sharp", mars, n=40)
    numbers = [item.frame for item in found]
    assert len(found) == 40
    asked = [*rated.numbers.tolist(), *numbers]
    for place, number in enumerate(asked[60:], 60):
        assert all(abs(other - number) >= 2 for other in asked[:place])
    assert [item.frame for item in library.suggest("sharp", mars, n=40)] == numbers


def test_a_fresh_set_spreads_over_the_scores_of_the_video(
    library: Library, mars: Path, rated: Rated
) -> None:
    library.exemplars.label(f"{mars}#0", "3", name="fresh")
    library.exemplars.undo("fresh")
    found = [item.frame or 0 for item in library.suggest("fresh", mars, n=20)]
    places = np.sort(rankdata(rated.truth)[found] / FRAMES)
    assert np.diff([0, *places, 1]).max() < 0.25
    assert 0 not in found
