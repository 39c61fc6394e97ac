"""How well scorers order the frames of simulated nights: 3 objects x 3 nights x 4 lights.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/ranking.py FOLDER [NAME...]

FOLDER keeps the videos (36 files, 360 MB; made when missing, a minute); NAME: only these scorers.
Prints a table in Markdown: Spearman's rank correlation with the whole frame's fidelity by light,
planets and the Moon apart; with the interior's fidelity and Strehl, of all videos; the share of the
true best 5 % found. Below each, what a prototype measured earlier, on other drawings.
Brackets: 95 % of a bootstrap over videos.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import seeing.video.base as videos_base
from seeing.planet import inband
from seeing.planet.flags import find_flags
from seeing.planet.reference import register_reference
from seeing.planet.watch import Watching, survey_video
from seeing.rank.agreement import interval, overlap
from seeing.rank.classical import MEASURES, Measure, laplacian, tenengrad
from seeing.rank.frame_scorers import FRAME_SCORERS, FrameSetting
from seeing.samples.night import Night, simulated
from seeing.samples.processed import processed_reference
from seeing.train.figures import Figure, spearman

OBJECTS = ("giant", "rocky", "moon")
NIGHTS = {11: 4.5, 22: 6.5, 33: 5.5}
LIGHTS = (10000, 1800, 400, 60)
TRUTHS = ("fidelity", "interior", "strehl")

NOTES = {
    "reference": "1.000 1.000 0.999 | 0.995 0.995 0.991 | 0.983 | 0.865 | 0.95 0.95",
    "own mean, projection": "0.995 0.995 0.995 | 0.970 0.970 0.968 | 0.986 | 0.854 | 0.88 0.88",
    "band-power": "0.973 0.973 0.972 | 0.933 0.933 0.931 | 0.965 | 0.815 | 0.86 0.88",
    "pipp": "0.912 0.907 0.776 | 0.911 0.890 0.677 | 0.849 | 0.719 | 0.72 0.54",
    "pipp-normalised": "0.974 0.974 0.929 | 0.925 0.912 0.745 | 0.942 | 0.784 | 0.84 0.74",
    "siril": "0.936 0.937 0.935 | 0.857 0.858 0.857 | 0.907 | 0.778 | 0.64 0.65",
    "pss": "0.918 0.906 0.762 | 0.923 0.921 0.915 | 0.865 | 0.775 | 0.81 0.78",
    "laplacian 0 px": "0.233 0.098 -0.011 | 0.599 0.234 0.053 | 0.107 | 0.160 | 0.37 0.06",
    "laplacian 1 px": "0.956 0.943 0.759 | 0.922 0.914 0.821 | 0.877 | 0.761 | 0.87 0.74",
    "laplacian": "0.976 0.976 0.974 | 0.928 0.928 0.927 | 0.963 | 0.811 | 0.89 0.88",
    "laplacian 3 px": "0.982 0.982 0.982 | 0.920 0.920 0.920 | 0.969 | 0.819 | 0.86 0.86",
    "tenengrad 0 px": "0.975 0.976 0.969 | 0.928 0.926 0.890 | 0.956 | 0.805 | 0.86 0.86",
    "tenengrad": "0.969 0.970 0.969 | 0.907 0.907 0.907 | 0.951 | 0.802 | 0.78 0.78",
}
"""Spearman of planets and of the Moon, at each light; interior (planets); Strehl (all); hits."""


@dataclass(frozen=True, slots=True)
class Video:
    """A simulated video with the truth of its frames; background and flux as scorers get them."""

    what: str
    light: int
    frames: NDArray[np.uint8]
    truth: dict[str, NDArray[np.float32]]

    @property
    def planet(self) -> bool:
        return self.what != "moon"

    @property
    def background(self) -> NDArray[np.float64]:
        """Median of the border; a surface fills its frame and has none."""
        if not self.planet:
            return np.zeros(len(self.frames))
        edges = [self.frames[:, 0], self.frames[:, -1], self.frames[..., 0], self.frames[..., -1]]
        level: NDArray[np.float64] = np.median(np.concatenate(edges, axis=1), axis=1)
        return level

    @property
    def flux(self) -> NDArray[np.float64]:
        pixels = self.frames[0].size
        light: NDArray[np.float64] = self.frames.sum(axis=(1, 2), dtype=np.float64)
        return np.asarray(light - pixels * self.background)


Scores = Callable[[Video], NDArray[np.float64]]


class Held(videos_base.Video):
    """A video's frames in memory, as the program reads them."""

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        self.path = Path("simulated")
        self.frames = frames[..., None]
        count, height, width = frames.shape
        self.about = videos_base.About("memory", count, height, width, 1, 8, 255.0)

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = 64
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        wanted = np.arange(len(self.frames)) if numbers is None else np.asarray(numbers)
        for first in range(0, len(wanted), size):
            yield wanted[first : first + size], self.frames[wanted[first : first + size]]

    def origin(self, number: int) -> videos_base.Origin:
        return videos_base.Origin(self.path, number)


@lru_cache(maxsize=4)
def earlier(what: str) -> NDArray[np.float32]:
    """Return the processed picture of another night: turned by 7 degrees, 1.08 times as large."""
    return np.asarray(processed_reference(what, seed=77), np.float32) / np.float32(255)


def by(name: str) -> Scores:
    """Return one of the program's own scorers of frames."""

    def scores(video: Video) -> NDArray[np.float64]:
        held = Held(video.frames)
        survey = survey_video(held, Watching())
        setting = FrameSetting(held, survey, find_flags(survey))
        if name == "reference":
            registered = register_reference(
                earlier(video.what), inband.own_best(survey, setting.usable), survey.scene
            )
            setting = replace(setting, digest="", registered=registered)
        return FRAME_SCORERS[name](setting).compute()

    return scores


def projection(video: Video) -> NDArray[np.float64]:
    survey = survey_video(Held(video.frames), Watching())
    return inband.projections(survey, inband.mean_of(survey, ~find_flags(survey).any))


def classical(measure: Measure) -> Scores:
    return lambda video: measure(video.frames, background=video.background, flux=video.flux)


SCORERS: dict[str, Scores] = {
    "reference": by("reference"),
    "self": by("self"),
    "own mean, projection": projection,
    "band-power": by("band-power"),
    "roundness": by("roundness"),
    "brightness": by("brightness"),
    **{name: classical(measure) for name, measure in MEASURES.items()},
    "laplacian 0 px": classical(partial(laplacian, sigma=0.0)),
    "laplacian 1 px": classical(partial(laplacian, sigma=1.0)),
    "laplacian 3 px": classical(partial(laplacian, sigma=3.0)),
    "tenengrad 0 px": classical(partial(tenengrad, sigma=0.0)),
}


def videos(folder: Path) -> list[Video]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for what in OBJECTS:
        for seed, seeing in NIGHTS.items():
            for light in LIGHTS:
                file = folder / f"{what}_{seed}_{light}.npz"
                if not file.exists():
                    night = Night(what, frames=600, seed=seed, seeing=seeing, light=light)
                    frames, truth = simulated(night)
                    known = {name: getattr(truth, name) for name in TRUTHS}
                    scratch = file.with_suffix(".part.npz")
                    np.savez(scratch, frames=frames, **known)
                    scratch.rename(file)
                with np.load(file) as held:
                    known = {name: held[name] for name in TRUTHS}
                    made.append(Video(what, light, held["frames"], known))
    return made


def line(name: str, made: Sequence[Video], given: Sequence[NDArray[np.float64]]) -> str:
    """Return one row of the table."""

    def over(figure: Callable[[Video, NDArray[np.float64]], float], planet: bool | None,
             light: int | None = None) -> Figure:  # fmt: skip
        return interval(
            [
                figure(video, scores) for video, scores in zip(made, given, strict=True)
                if planet in (None, video.planet) and light in (None, video.light)
            ]
        )  # fmt: skip

    def order(truth: str) -> Callable[[Video, NDArray[np.float64]], float]:
        return lambda video, scores: spearman(scores, video.truth[truth])

    def hits(video: Video, scores: NDArray[np.float64]) -> float:
        return overlap(scores, video.truth["fidelity"], round(0.05 * len(scores)))

    def by_light(planet: bool) -> str:
        each = " ".join(f"{over(order('fidelity'), planet, one).value:.3f}" for one in LIGHTS)
        every = over(order("fidelity"), planet)
        return f"{each} [{every.low:.3f} {every.high:.3f}]"

    def with_ends(figure: Figure) -> str:
        return f"{figure.value:.3f} [{figure.low:.3f} {figure.high:.3f}]"

    found = [over(hits, None, light).value for light in LIGHTS]
    cells = [
        name, by_light(True), by_light(False), with_ends(over(order("interior"), True)),
        with_ends(over(order("strehl"), None)), " ".join(f"{share:.2f}" for share in found),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main(folder: str, *names: str) -> None:
    made = videos(Path(folder))
    lights = " ".join(map(str, LIGHTS))
    print(f"| scorer | planets {lights} | Moon {lights} | interior | Strehl | hits 5 % |")
    print("|---|---|---|---|---|---|")
    for name in names or SCORERS:
        print(line(name, made, [SCORERS[name](video) for video in made]), flush=True)
        if name in NOTES:
            print(f"| ... earlier | {NOTES[name]} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
