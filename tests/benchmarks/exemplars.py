"""What exemplars teach about frames: figures of docs/labelling.md.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/exemplars.py frames|taste|trust

frames: simulated nights; taste: what sharpness does not know; trust: are the stated intervals true.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from ranking import NIGHTS, OBJECTS, Held
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from seeing.label.suggest import Candidates, suggest
from seeing.planet import inband
from seeing.planet.flags import find_flags
from seeing.planet.watch import Watching, survey_video
from seeing.rank.agreement import interval
from seeing.rank.exemplar_frames import band_vectors
from seeing.rank.lesson import Base, Lesson, learn
from seeing.rank.neighbours import Taught
from seeing.samples.night import Night, simulated
from seeing.train.figures import spearman
from seeing.train.folds import NEIGHBOURS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DRAWS = 5
RATER = 0.7
"""Standard deviation of a rating's error; ratings then correlate with the truth by 0.85."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The good frames of a simulated video. numbers: (n,) of frames; own: quantiles by `self`."""

    what: str
    seed: int
    numbers: Ints
    vectors: NDArray[np.float32]
    own: Floats
    truth: Floats
    roundness: Floats
    region: Floats


@cache
def watched(what: str, seed: int, seeing: float, *, height: float = 0.0) -> Watched:
    night = Night(what, frames=600, seed=seed, seeing=seeing, light=1800, height=height)
    frames, truth = simulated(night)
    assert frames.dtype == np.uint8
    frames = frames.astype(np.uint8, copy=False)
    survey = survey_video(Held(frames), Watching())
    flags = find_flags(survey)
    good = np.flatnonzero(~flags.any)
    scores = inband.cosines(survey, inband.own_best(survey, ~flags.any))[good]
    return Watched(
        what, seed, survey.rows["number"][good].astype(np.int64), band_vectors(survey, good),
        (rankdata(scores) - 0.5) / len(good), truth.interior[good].astype(float),
        survey.rows["roundness"][good].astype(float), regional(night, frames)[good],
    )  # fmt: skip


def regional(night: Night, frames: NDArray[np.uint8]) -> Floats:
    """Return (n,) the sharpness of the left half alone: gradient energy of the noise-free frames.

    In fields whose parts have point spreads of their own it is not that of the whole.
    """
    clean = simulated(replace(night, noise=False))[0].astype(np.float32)
    found = np.empty(len(frames))
    for number, frame in enumerate(clean):
        smooth = gaussian_filter(frame, 1.0)
        light = smooth.sum(0)
        middle = round(float((light * np.arange(len(light))).sum() / light.sum()))
        gy, gx = np.gradient(smooth[:, :middle])
        found[number] = float((gx**2 + gy**2).sum() / smooth[:, :middle].sum() ** 2)
    return found


def nights(*, height: float = 0.0) -> Iterator[Watched]:
    for what in OBJECTS:
        for seed, seeing in NIGHTS.items():
            yield watched(what, seed, seeing, height=height)


def ratings(truth: Floats, rng: np.random.Generator) -> Floats:
    quantile = (rankdata(truth) - 0.5) / len(truth)
    noisy = 1 + 4 * quantile + rng.normal(0, RATER, len(truth))
    return np.asarray(np.clip(np.rint(noisy), 1, 5))


def chosen(video: Watched, answers: Floats, n: int, way: str, seed: int) -> Ints:
    """Return rows to label: at random, or as the labeller asks, ten at a time."""
    count = len(answers)
    if way == "random":
        return np.random.default_rng(seed).choice(count, n, replace=False)
    rows = np.zeros(0, np.int64)
    while len(rows) < n:
        scores, uncertainty = video.own, None
        if len(rows) >= 5:
            lesson = taught(video, rows, answers, alone=False)
            scores = lesson.scores(video.vectors, slice(None), np.full(count, -1))[0]
        candidates = Candidates(
            video.vectors, np.ones(count, bool), rows, np.zeros(count, np.int64), video.numbers,
            scores, uncertainty,
        )  # fmt: skip
        rows = np.concatenate([rows, suggest(candidates, min(10, n - len(rows)), seed=seed)])
        rows = rows.astype(np.int64)
    return rows


def taught(video: Watched, rows: Ints, answers: Floats, *, alone: bool) -> Lesson:
    exemplars = Taught(
        answers[rows], video.numbers[rows] // NEIGHBOURS, [f"{v:.0f}" for v in answers[rows]]
    )
    base = None if alone else Base(video.own, video.own[rows])
    return learn(exemplars, video.vectors[rows], base=base)


def judged(video: Watched, rows: Ints, answers: Floats, truth: Floats, *, alone: bool) -> float:
    rest = np.setdiff1d(np.arange(len(answers)), rows)
    lesson = taught(video, rows, answers, alone=alone)
    if lesson.base is not None:
        lesson.base = Base(video.own[rest], lesson.base.exemplars)
    scores, _ = lesson.scores(video.vectors[rest], slice(None), np.full(len(rest), -1))
    return spearman(scores, truth[rest])


def told(values: list[float]) -> str:
    found = interval(values)
    return f"{found.value:.4f} [{found.low:.4f} {found.high:.4f}]"


def frames() -> None:
    """Sharpness, rated: planets and the Moon, by number of labels and by who chooses them."""
    print("| labels, chosen | | planets | Moon |\n|---|---|---|---|")
    for n, way in ((100, "random"), (25, "suggest"), (50, "suggest"), (100, "suggest")):
        cells: dict[str, dict[bool, list[float]]] = defaultdict(lambda: defaultdict(list))
        for video in nights():
            for draw in range(DRAWS):
                answers = ratings(video.truth, np.random.default_rng(draw))
                rows = chosen(video, answers, n, way, draw)
                rest = np.setdiff1d(np.arange(len(answers)), rows)
                planet = video.what != "moon"
                cells["labels alone"][planet].append(
                    judged(video, rows, answers, video.truth, alone=True))  # fmt: skip
                cells["with self"][planet].append(
                    judged(video, rows, answers, video.truth, alone=False))  # fmt: skip
                cells["self"][planet].append(spearman(video.own[rest], video.truth[rest]))
        for name, found in cells.items():
            print(f"| {n} {way} | {name} | {told(found[True])} | {told(found[False])} |",
                  flush=True)  # fmt: skip
        worst = [
            min(b - a for b, a in zip(cells["with self"][of], cells["self"][of], strict=True))
            for of in (True, False)
        ]
        print(f"| {n} {way} | with self less self, worst | {worst[0]:+.4f} | {worst[1]:+.4f} |")


def taste() -> None:
    """Two tastes that sharpness does not know, 100 labels."""
    tastes: dict[str, tuple[float, Callable[[Watched], Floats]]] = {
        "disc round": (0.0, lambda video: video.roundness),
        "round and sharp": (0.0, lambda v: rankdata(v.roundness) + rankdata(v.truth)),
        "left half sharp": (1.0, lambda video: video.region),
    }
    print("| taste | self | labels alone | with self |\n|---|---|---|---|")
    for name, (height, of) in tastes.items():
        cells: dict[str, list[float]] = defaultdict(list)
        for video in nights(height=height):
            if video.what == "moon":
                continue  # it has no disc and no left half of it
            truth = of(video)
            for draw in range(DRAWS):
                answers = ratings(truth, np.random.default_rng(draw))
                rows = chosen(video, answers, 100, "suggest", draw)
                rest = np.setdiff1d(np.arange(len(answers)), rows)
                cells["self"].append(spearman(video.own[rest], truth[rest]))
                cells["alone"].append(judged(video, rows, answers, truth, alone=True))
                cells["both"].append(judged(video, rows, answers, truth, alone=False))
        print(f"| {name} | " + " | ".join(told(cells[c]) for c in ("self", "alone", "both")), "|",
              flush=True)  # fmt: skip


def trust() -> None:
    """How often the stated 95 % interval holds the real agreement with the rater."""
    print("| what is rated | labels | runs | held | stated less real |\n|---|---|---|---|---|")
    cases = [("sharp", 30), ("sharp", 100), ("round and sharp", 100)]
    for name, n in cases:
        held, error = [], []
        for run in range(54):
            what, seed = OBJECTS[run % 3], list(NIGHTS)[run // 3 % 3]
            video = watched(what, seed, NIGHTS[seed])
            truth = video.truth
            if name != "sharp":
                if what == "moon":
                    continue
                truth = rankdata(video.roundness) + rankdata(video.truth)
            answers = ratings(truth, np.random.default_rng(run))
            rows = chosen(video, answers, n, "random", run)
            lesson = taught(video, rows, answers, alone=True)
            stated = lesson.trust()
            real = judged(video, rows, answers, answers, alone=True)
            if stated is not None:
                held.append(stated.low <= real <= stated.high)
                error.append(stated.agreement - real)
        print(f"| {name} | {n} | {len(held)} | {sum(held)} | {np.mean(error):+.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["frames", "taste", "trust"])
    {"frames": frames, "taste": taste, "trust": trust}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
