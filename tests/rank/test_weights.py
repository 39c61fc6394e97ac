"""Weighted stacks: what weighs how much, and what is said of weights that can't be."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seeing.errors import UsageError
from seeing.library import open_library
from seeing.rank.agreement import gains_of
from seeing.rank.frame_ranking import FrameRanking
from seeing.rank.frame_stacks import weights_of
from seeing.samples.night import Night, simulated

FRAMES = 60


@pytest.fixture(scope="module")
def ranking(
    tmp_path_factory: pytest.TempPathFactory, write_ser: Callable[..., Path]
) -> Iterator[FrameRanking]:
    folder = tmp_path_factory.mktemp("weights")
    video = write_ser(folder / "mars.ser", simulated(Night("giant", FRAMES, seed=2, size=96))[0])
    with open_library(folder, create=True) as library:
        made = library.rank_frames(video)
        yield made
        made.video.close()


def test_gains_are_what_is_above_the_median() -> None:
    """By hand: the median of 1, 2, 3, 5, 7 is 3, the best 4 above it."""
    assert gains_of(np.array([7.0, 1, 3, 5, 2])).tolist() == [1, 0, 0, 0.5, 0]
    assert gains_of(np.full(4, 2.0)).tolist() == [0, 0, 0, 0]


def test_scores_weigh_the_best_most_and_say_how_many_count(ranking: FrameRanking) -> None:
    best = ranking.top(30)
    made = best.stack(weigh_by="scores")
    weights, _ = weights_of(best, "scores")
    assert weights is not None
    mine = weights[best.order]
    assert mine[0] == 1
    assert (np.diff(mine) <= 0).all()
    used = mine[mine > 0]
    assert made.stack.frames == len(used)
    assert made.stack.effective == pytest.approx(used.sum() ** 2 / (used**2).sum())
    assert made.stack.effective < 0.9 * 30  # the place between quantiles: above 0.97
    assert made.remarks == []


def test_frames_below_the_median_weigh_nothing_and_that_is_told(ranking: FrameRanking) -> None:
    made = ranking.stack(weigh_by="scores")
    nothing = FRAMES - made.stack.frames
    assert abs(nothing - FRAMES / 2) <= 2
    assert made.remarks == [
        f"{nothing} of {FRAMES} chosen frames have no score above the median of the video: "
        "they weigh nothing"
    ]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_scale_of_a_score_means_nothing(
    ranking: FrameRanking, tmp_path: Path, scale: float
) -> None:
    rows = zip(ranking.survey.rows["number"], ranking.scores, strict=True)
    table = tmp_path / "ours.csv"
    table.write_text("frame,score\n" + "".join(f"{n},{scale * float(s - 2)!r}\n" for n, s in rows))
    found, _ = weights_of(ranking.top(20), str(table))
    assert found == pytest.approx(weights_of(ranking.top(20), "scores")[0])


def test_a_table_weighs_as_it_says(ranking: FrameRanking, tmp_path: Path) -> None:
    best = [int(number) for number in ranking.numbers[:4]]
    table = tmp_path / "w.csv"
    table.write_text(
        f"frame,weight\n{best[0]},2\n{best[1]},0\n{best[2]},\n{best[3]},1\n", encoding="utf-8-sig"
    )
    made = ranking.top(5).stack(weigh_by=str(table), resolution=True)
    assert made.stack.frames == 2
    assert made.stack.effective == pytest.approx(9 / 5)
    assert made.remarks == [
        f"3 of 5 chosen frames have no weight above 0 in {table}: they weigh nothing"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("frame,weight\n0,1\n7,-0.5\n", "the weight of frame 7 is -0.5; a weight is 0 or more"),
        ("frame,rating\n3,nan\n", "the rating of frame 3"),
        ("frame,weight\n3,inf\n", "is inf; a weight is 0 or more"),
        ("frame,weight\n3,good\n", "line 2: good is not a number"),
        ("frame,weight\n60,1\n", "tells of frame 60, mars.ser has 60, counted from 0"),
        ("frame,weight\n-1,1\n", "tells of frame -1"),
        ("frame,weight\n3,1\n3,2\n", "line 3: frame 3 is there twice"),
        ("frame,weihgt\n3,1\n", "did you mean weihgt?"),
        ("frame,weight\n3,0\n", "no chosen frame has a weight above 0"),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_are_one_line(
    ranking: FrameRanking, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "w.csv").write_text(content)
    with pytest.raises(UsageError) as refused:
        ranking.top(10).stack(weigh_by=str(tmp_path / "w.csv"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
