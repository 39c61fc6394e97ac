"""What exemplars teach: figures of docs/labelling.md.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/exemplars.py WHAT [--data FOLDER] [--weights W]

WHAT: frames (simulated nights), taste (what sharpness does not know), trust (are the stated
intervals true), galaxies, opinions (BIQ2021), speed. DATA: the folder with galaxies/ and
photo-defects/; W: weights of timm:mobilenetv2_100.
"""

import argparse
import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import Q, in_turn, peak_private_mb
from numpy.typing import NDArray
from ranking import NIGHTS, OBJECTS, Held
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from seeing.embed.encoder import EncoderOptions
from seeing.embed.table import make_encoder
from seeing.label.suggest import Candidates, suggest
from seeing.media.read import read
from seeing.planet import inband
from seeing.planet.flags import find_flags
from seeing.planet.watch import Watching, survey_video
from seeing.rank.agreement import interval
from seeing.rank.exemplar_frames import band_vectors
from seeing.rank.lesson import Base, Lesson, learn
from seeing.rank.neighbours import Taught, ambivalence, predicted_class, squared_distances
from seeing.samples.night import Night, simulated
from seeing.train.figures import spearman
from seeing.train.fit import teach
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


def seen(name: str, files: list[Path], weights: Path | None) -> NDArray[np.float32]:
    """Return (n, d) vectors of files by an encoder."""
    encoder = make_encoder(name, EncoderOptions(weights=weights if ":" in name else None))
    made = [encoder.encode([encoder.prepare(read(file, at_least=encoder.reads_at))])
            for file in files]  # fmt: skip
    return np.concatenate(made)


def encoders(weights: Path | None) -> list[str]:
    return ["builtin", "colour", *(["timm:mobilenetv2_100"] if weights else [])]


_COLUMNS = {
    "random": "nearest exemplars, as many of each class", "probe": "probe, the same labels",
    "plain": "nearest exemplars, any at random", "suggest": "nearest exemplars, suggested",
}  # fmt: skip


def draw_curves(lines: list[str], path: Path) -> None:
    """Draw the rows that `galaxies` prints: a panel for each encoder, with 95 % intervals."""
    from matplotlib.figure import Figure

    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in lines]
    names = list(dict.fromkeys(row[0] for row in rows))
    drawing = Figure(figsize=(4 * len(names), 4), layout="constrained")
    panels = np.atleast_1d(drawing.subplots(1, len(names), sharey=True))
    for name, panel in zip(names, panels, strict=True):
        mine = [row for row in rows if row[0] == name]
        labels = [int(row[1].partition("(")[2].strip(")")) for row in mine]
        for place, told_as in enumerate(_COLUMNS.values(), start=2):
            figures = np.array([re.findall(r"[\d.]+", row[place]) for row in mine], float)
            value, low, high = figures.T
            panel.plot(labels, value, "o-", label=told_as, markersize=4)
            panel.fill_between(labels, low, high, alpha=0.12)
        panel.set(title=name, xlabel="labels", xticks=labels)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("balanced accuracy")
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    drawing.savefig(path, dpi=110)


def galaxies(data: Path, weights: Path | None, plot: Path | None = None) -> None:
    """Balanced accuracy of the class foretold, by labels per class and who chooses them."""
    lines: list[str] = []
    folders = sorted(p for p in (data / "galaxies" / "labelled").iterdir() if p.is_dir())
    files = [file for folder in folders for file in sorted(folder.iterdir())]
    classes = np.array([folders.index(file.parent) for file in files])
    print(f"{len(files)} galaxies of {len(folders)} classes; guess {1 / len(folders):.3f}")
    print("| encoder | labels a class | nearest exemplars | probe | as many at random | suggest |")
    print("|---|---|---|---|---|---|")
    for name in encoders(weights):
        vectors = seen(name, files, weights)
        for each in (5, 10, 20):
            cells: dict[str, list[float]] = defaultdict(list)
            for draw in range(DRAWS):
                rng = np.random.default_rng(draw)
                rows = np.concatenate([
                    rng.choice(mine, min(each, len(mine) // 2), replace=False)
                    for mine in (np.flatnonzero(classes == c) for c in range(len(folders)))
                ])  # fmt: skip
                cells["random"].append(accuracy(vectors, classes, rows))
                asked = asked_of(vectors, classes, len(rows), draw)
                cells["suggest"].append(accuracy(vectors, classes, asked))
                some = rng.choice(len(files), len(rows), replace=False)
                cells["plain"].append(accuracy(vectors, classes, some))
                cells["probe"].append(probed(vectors, classes, rows))
            figures = " | ".join(told(cells[column]) for column in _COLUMNS)
            lines.append(f"| {name} | {each} ({len(rows)}) | {figures} |")
            print(lines[-1], flush=True)
    if plot:
        draw_curves(lines, plot)


def asked_of(vectors: NDArray[np.float32], classes: Ints, n: int, seed: int) -> Ints:
    rows = np.zeros(0, np.int64)
    count = len(vectors)
    while len(rows) < n:
        uncertainty = None
        if len(rows) >= 5:
            lesson = learn(_classes(classes, rows), vectors[rows])
            apart = np.sqrt(squared_distances(vectors, vectors[rows]))
            far = ambivalence(apart, classes[rows].astype(float), lesson.k)
            uncertainty = far.astype(np.float64)
        candidates = Candidates(
            vectors, np.ones(count, bool), rows, np.zeros(count, np.int64),
            np.full(count, -1), None, uncertainty,
        )  # fmt: skip
        more = suggest(candidates, min(10, n - len(rows)), seed=seed + len(rows))
        rows = np.concatenate([rows, more]).astype(np.int64)
    return rows


def _classes(classes: Ints, rows: Ints) -> Taught:
    return Taught(classes[rows].astype(float), np.arange(len(rows)), [""] * len(rows), 0)


def accuracy(vectors: NDArray[np.float32], classes: Ints, rows: Ints) -> float:
    rest = np.setdiff1d(np.arange(len(classes)), rows)
    lesson = learn(_classes(classes, rows), vectors[rows])
    apart = np.sqrt(squared_distances(vectors[rest], vectors[rows]))
    found = predicted_class(apart, classes[rows].astype(float), lesson.k)
    right = [np.mean(found[classes[rest] == c] == c) for c in np.unique(classes[rest])]
    return float(np.mean(right))


def probed(vectors: NDArray[np.float32], classes: Ints, rows: Ints) -> float:
    """Return the balanced accuracy of a logistic probe."""
    rest = np.setdiff1d(np.arange(len(classes)), rows)
    probe = teach(
        vectors[rows], [str(c) for c in classes[rows]], np.arange(len(rows)), kind="logistic",
        unlabelled=vectors,
    ).probe  # fmt: skip
    found = np.array(probe.answers)[probe.probabilities(vectors[rest]).argmax(1)].astype(int)
    right = [np.mean(found[classes[rest] == c] == c) for c in np.unique(classes[rest])]
    return float(np.mean(right))


def opinions(data: Path, weights: Path | None) -> None:
    """Photos with people's opinions of their quality: taught by 60, judged on the others."""
    folder = data / "photo-defects" / "biq2021"
    with (folder / "mos.csv").open() as file:
        rows = list(csv.DictReader(file))
    files, scores = (
        [folder / row["file"] for row in rows],
        np.array([float(r["mos"]) for r in rows]),
    )
    values = 1 + 4 * scores
    print(f"{len(files)} photos\n| encoder | nearest exemplars | probe (ridge) |\n|---|---|---|")
    for name in encoders(weights):
        vectors = seen(name, files, weights)
        found, ridge = [], []
        for draw in range(20):
            some = np.random.default_rng(draw).choice(len(files), 60, replace=False)
            rest = np.setdiff1d(np.arange(len(files)), some)
            lesson = learn(Taught(values[some], some, [""] * 60), vectors[some])
            got, _ = lesson.scores(vectors[rest], slice(None), np.full(len(rest), -1))
            found.append(spearman(got, values[rest]))
            probe = teach(vectors[some], values[some], some, kind="ridge", unlabelled=vectors).probe
            ridge.append(spearman(probe.scores(vectors[rest]), values[rest]))
        print(f"| {name} | {told(found)} | {told(ridge)} |", flush=True)


def bulk(folder: Path, dimension: int, *, items: int, labels: int) -> None:
    """Make a library of items with random vectors, some of them labelled, without pictures."""
    from seeing.db.exemplars import add_events, new_event
    from seeing.db.sources import record_vectors
    from seeing.db.vectors import VectorFile, add_encoder
    from seeing.label.sets import open_set
    from seeing.library import open_library

    rng = np.random.default_rng(dimension)
    ids = np.sort(rng.choice(1 << 62, items, replace=False)).tolist()
    vectors = rng.normal(size=(items, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with open_library(folder, create=True) as library:
        catalogue = library.catalogue
        stored = add_encoder(
            catalogue, f"random-{dimension}@1", name="random", dimension=dimension, card={}
        )
        checks = VectorFile(catalogue, stored).append(vectors, at=0)
        with catalogue.transaction() as connection:
            connection.executemany(
                "INSERT INTO sources (id, path, path_text, size, mtime_ns, digest, kind, state, "
                "seen_at) VALUES (?, ?, ?, 1, 1, ?, 'JPEG', 'present', '2026-01-01T00:00:00Z')",
                [(n, f"{n:06}.jpg".encode(), f"{n:06}.jpg", f"{i:032x}")
                 for n, i in enumerate(ids, 1)],
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO items (id, content, source, width, height, depth) "
                "VALUES (?, ?, ?, 64, 64, 8)",
                [(i, i, n) for n, i in enumerate(ids, 1)],
            )
            record_vectors(
                connection, stored, zip(ids, range(items), checks, strict=True), length=items
            )
        places = rng.choice(items, labels, replace=False).tolist()
        for name, answers in (("rated", "12345"), ("shape", "abcd")):
            asked = open_set(catalogue, name, answers=[] if name == "rated" else list(answers))
            add_events(catalogue, asked, [
                new_event(ids[place], answers[place % len(answers)], "ann", {}) for place in places
            ])  # fmt: skip


def speed() -> None:
    """The whole command, by 500 exemplars on 100,000 items, from its start to its last word."""
    print("| vectors | set | seconds | private memory, MB |\n|---|---|---|---|")
    for dimension in (128, 512):
        with TemporaryDirectory() as name:
            folder = Path(name)
            bulk(folder, dimension, items=100_000, labels=500)
            calls: dict[str, Sequence[str]] = {
                "ratings": [Q, "rank", "--exemplars", "rated", "--top", "20"],
                "classes": [Q, "rank", "--exemplars", "shape", "--wanted", "a", "--top", "20"],
            }
            for what, seconds in in_turn(calls, runs=5, cwd=folder).items():
                memory = peak_private_mb(calls[what], folder)
                print(f"| {dimension} | {what} | {seconds:.2f} | {memory:.0f} |", flush=True)


PLAIN: dict[str, Callable[[], None]] = {
    "frames": frames, "taste": taste, "trust": trust, "speed": speed,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=sorted([*PLAIN, "galaxies", "opinions"]))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--plot", type=Path, help="of galaxies: the curves")
    given = parser.parse_args()
    if given.what == "galaxies":
        galaxies(given.data, given.weights, given.plot)
    elif given.what == "opinions":
        opinions(given.data, given.weights)
    else:
        PLAIN[given.what]()


if __name__ == "__main__":
    main()
