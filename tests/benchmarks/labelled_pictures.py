"""What exemplars teach about pictures: figures of docs/labelling.md.

    python tests/benchmarks/labelled_pictures.py galaxies|opinions|speed [--data DATA] [--weights W]

galaxies and opinions (BIQ2021) need DATA, the folder with galaxies/ and photo-defects/; W: weights
of timm:mobilenetv2_100. speed: 500 exemplars on 100,000 items, the whole command.
"""

import argparse
import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import Q, in_turn, peak_private_mb
from numpy.typing import NDArray

from seeing.embed.encoder import EncoderOptions
from seeing.embed.table import make_encoder
from seeing.label.suggest import Candidates, suggest
from seeing.media.read import read
from seeing.rank.agreement import interval
from seeing.rank.lesson import learn
from seeing.rank.neighbours import Taught, ambivalence, predicted_class, squared_distances
from seeing.train.figures import spearman
from seeing.train.fit import teach

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DRAWS = 5
RATER = 0.7
"""Standard deviation of a rating's error; ratings then correlate with the truth by 0.85."""


def told(values: list[float]) -> str:
    found = interval(values)
    return f"{found.value:.4f} [{found.low:.4f} {found.high:.4f}]"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["galaxies", "opinions", "speed"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--plot", type=Path, help="of galaxies: the curves")
    given = parser.parse_args()
    if given.what == "galaxies":
        galaxies(given.data, given.weights, given.plot)
    elif given.what == "opinions":
        opinions(given.data, given.weights)
    else:
        speed()


if __name__ == "__main__":
    main()
