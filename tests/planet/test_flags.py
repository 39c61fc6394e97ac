"""Frames that are spoilt are told, with a reason, and never stand among the best."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.library import Library, open_library
from seeing.planet.flags import FLAGS
from seeing.rank.frame_ranking import FrameRanking
from seeing.samples.night import Night, Truth, simulated

WriteSer = Callable[..., Path]
Ranked = Callable[..., FrameRanking]


@pytest.fixture(scope="module")
def rank(tmp_path_factory: pytest.TempPathFactory, write_ser: WriteSer) -> Ranked:
    folder = tmp_path_factory.mktemp("flags")
    library: Library = open_library(folder / "library", create=True)
    count = iter(range(1000))

    def ranked(frames: NDArray[Any], **how: Any) -> FrameRanking:
        path = write_ser(folder / f"{next(count)}.ser", frames)
        found = library.rank_frames(path, keep=False, **how)
        found.video.close()
        return found

    return ranked


@pytest.fixture(scope="module", params=["giant", "rocky", "moon"])
def spoilt(request: pytest.FixtureRequest, rank: Ranked) -> tuple[FrameRanking, Truth]:
    night = Night(
        request.param, 300, seed=12, light=1800, sliced=6, cut=6, duplicates=6, hot_pixels=40
    )
    frames, truth = simulated(night)
    return rank(frames), truth


def flagged(ranking: FrameRanking, name: str) -> NDArray[np.int64]:
    return np.flatnonzero(ranking.flags.holds[:, FLAGS.index(name)])


def test_none_of_the_spoilt_frames_is_among_the_best_tenth(
    spoilt: tuple[FrameRanking, Truth],
) -> None:
    ranking, truth = spoilt
    best = ranking.numbers[:30]
    assert set(truth.done[best]) == {""}, truth.done[best]


def test_duplicates_are_found_exactly(spoilt: tuple[FrameRanking, Truth]) -> None:
    ranking, truth = spoilt
    assert (
        flagged(ranking, "duplicate").tolist() == np.flatnonzero(truth.done == "duplicate").tolist()
    )


def test_cut_frames_are_flagged(spoilt: tuple[FrameRanking, Truth]) -> None:
    ranking, truth = spoilt
    cut = np.flatnonzero(truth.done == "cut")
    if ranking.survey.scene.kind == "planet":
        assert set(cut) <= set(np.flatnonzero(ranking.flags.any))
        assert {ranking.flags.of(int(n))[0] for n in cut} <= {"cut", "absent"}
    else:  # over a surface the view jumps: it can't be registered, or shows other ground
        assert set(cut) <= set(np.flatnonzero(ranking.flags.any)) | set(ranking.numbers[-60:])


def test_sliced_frames_of_planets_are_flagged(spoilt: tuple[FrameRanking, Truth]) -> None:
    ranking, truth = spoilt
    sliced = set(np.flatnonzero(truth.done == "sliced"))
    found = sliced & set(flagged(ranking, "corrupt"))
    if ranking.survey.scene.kind == "planet":
        assert len(found) >= len(sliced) / 2, (sliced, found)  # the phase hides some
    ranks = [int(np.flatnonzero(ranking.numbers == n)[0]) for n in sliced]
    assert min(ranks) > 60, ranks  # of 300; a slice of 12 rows of a surface is little


def test_few_good_frames_are_flagged(spoilt: tuple[FrameRanking, Truth]) -> None:
    ranking, truth = spoilt
    good = truth.done == ""
    wrongly = np.flatnonzero(ranking.flags.any & good)
    places = np.argsort(np.argsort(truth.fidelity))[wrongly] / len(truth)
    # what turbulence has torn apart may be told as corrupt: the worst tenth, and seldom
    assert len(wrongly) < 0.05 * len(truth), wrongly
    assert (places < 0.25).all(), places


def test_flagged_frames_stand_last_each_with_a_reason(spoilt: tuple[FrameRanking, Truth]) -> None:
    ranking, _ = spoilt
    flags = ranking.flags.any[ranking.order]
    assert not flags[: ranking.good].any()
    assert flags[ranking.good :].all()
    for entry in ranking:
        assert bool(entry.flags) == bool(ranking.flags.any[entry.row])
        assert entry.reason
        if not entry.flags:
            assert entry.reason.startswith("detail ")
        assert entry.score is None or np.isfinite(entry.score)
    worst = list(ranking)[-1]
    assert worst.flags
    assert any("flagged and stand last" in text for text in ranking.remarks)


def test_frames_of_empty_sky_are_absent(rank: Ranked) -> None:
    frames, _ = simulated(Night("giant", 200, seed=3))
    sky = frames[:, :10, :10].reshape(200, -1)
    gone = np.arange(50, 70)
    random = np.random.default_rng(0)
    frames[gone] = random.choice(sky.ravel(), (len(gone), 128, 128))
    ranking = rank(frames)
    assert flagged(ranking, "absent").tolist() == gone.tolist()
    assert ranking.good >= 175


def test_a_planet_that_is_away_most_of_the_time_is_ranked_while_it_is_there(rank: Ranked) -> None:
    frames, truth = simulated(Night("rocky", 200, seed=3))
    random = np.random.default_rng(0)
    sky = frames[:, :10, :10].ravel()
    there = np.zeros(200, bool)
    there[60:120] = True
    frames[~there] = random.choice(sky, (140, 128, 128))
    ranking = rank(frames)
    good = ~ranking.flags.any
    assert not good[~there].any()
    assert good[there].sum() >= 55
    assert any(text.startswith("70% of the frames: nothing above") for text in ranking.remarks)
    from scipy.stats import spearmanr

    assert spearmanr(ranking.scores[there], truth.fidelity[there])[0] > 0.98


def test_clouds_do_not_make_frames_corrupt_but_sudden_ones_do(rank: Ranked) -> None:
    frames, _ = simulated(Night("giant", 300, seed=4, depth=16))
    offset = np.median(frames[:, :8, :8])
    slow = np.linspace(1, 0.5, 300)[:, None, None]
    clouded = (frames - offset) * slow + offset
    clouded[150] = (clouded[150] - offset) * 0.6 + offset
    ranking = rank(clouded.clip(0, 65535).astype(np.uint16))
    assert flagged(ranking, "corrupt").tolist() == [150]


def test_overexposed_frames_among_good_ones_are_clipped(rank: Ranked) -> None:
    frames, _ = simulated(Night("giant", 200, seed=5))
    burnt = [10, 11, 50, 150]
    # a reflection: one part in twenty of the disc at full scale, the rest as it was
    frames[burnt, 60:72, 60:72] = 255
    ranking = rank(frames)
    assert set(burnt) <= set(flagged(ranking, "clipped"))
    assert len(flagged(ranking, "clipped")) == 4
    assert not set(burnt) & set(ranking.numbers[: ranking.good])


def test_a_video_all_overexposed_ranks_with_a_remark(rank: Ranked) -> None:
    frames, truth = simulated(Night("rocky", 200, seed=6))
    ranking = rank(np.clip(frames.astype(int) * 3, 0, 255).astype(np.uint8))
    assert ranking.good >= 195
    (remark,) = (text for text in ranking.remarks if "overexposed" in text)
    assert remark.startswith("100% of the frames")
    from scipy.stats import spearmanr

    assert spearmanr(ranking.scores, truth.fidelity)[0] > 0.9


def test_a_video_all_cut_ranks_with_a_remark(rank: Ranked) -> None:
    frames, truth = simulated(Night("rocky", 200, seed=7, drift=0.05))
    ranking = rank(np.ascontiguousarray(frames[:, :, 40:]))
    # as a planet it would rank with 0.35: the border is its sharpest edge
    assert ranking.survey.scene.kind == "surface"
    assert any("cut by the frame's border" in text for text in ranking.remarks)
    assert ranking.good >= 190
    from scipy.stats import spearmanr

    good = ~ranking.flags.any
    assert spearmanr(ranking.scores[good], truth.fidelity[good])[0] > 0.9


@pytest.mark.parametrize("value", [0, 7, 255])
def test_frames_of_one_value_rank_nothing_and_say_so(rank: Ranked, value: int) -> None:
    ranking = rank(np.full((30, 48, 48), value, np.uint8))
    assert ranking.good == 0
    assert ranking.advised == 0
    assert "no frame has a score: they cannot be ranked" in ranking.remarks
    assert all(entry.score is None and entry.reason for entry in ranking)
    assert sorted(ranking.numbers) == list(range(30))


def test_one_frame_alone_is_the_best(rank: Ranked) -> None:
    frames, _ = simulated(Night("giant", 1, seed=8))
    ranking = rank(frames)
    assert [entry.rank for entry in ranking] == [1]
    assert ranking.good == 1
    assert ranking.advised == 1
