"""The evaluation protocol: which pictures, which question, which figure (see `quality`)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..media.picture import Picture
from ..media.read import read
from .encoder import Encoder, Vectors
from .quality import (
    copies_of,
    cropped_copy,
    encode_all,
    guesses,
    knn_accuracy,
    recall_of_copy,
    recall_of_object,
    turned_copy,
)

EncoderFor = Callable[[str], Encoder]
"""From the name of the set under test to the encoder; tables fitted without that set, if any."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one set with their labels, in the order of their paths."""

    paths: list[Path]
    pictures: list[Picture]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure in per cent, with what a guess would reach and how many pictures it rests on."""

    name: str
    value: float
    guess: float
    count: int


def load(folder: Path, *patterns: str, but: frozenset[str] = frozenset()) -> Pictures:
    """Read the pictures of a folder, named by their own folders; raises UsageError if none."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
    paths = [path for path in paths if path.stem not in but]
    if not paths:
        raise UsageError(f"no pictures {' '.join(patterns)} in {folder}")
    return Pictures(paths, [read(path) for path in paths], [path.parent.name for path in paths])


def galaxies(encoder_for: EncoderFor, data: Path) -> list[Figure]:
    """Kinds of 353 galaxies by their neighbours; each one's turned, dim, noisy copy."""
    known = load(data / "galaxies" / "labelled", "*/*.jpg")
    encoder = encoder_for("galaxies")
    vectors = encode_all(encoder, known.pictures)
    copies = encode_all(encoder, copies_of(known.pictures, turned_copy))
    accuracy, balanced = knn_accuracy(vectors, known.labels)
    guess, balanced_guess = guesses(known.labels)
    count = len(vectors)
    return [
        Figure("galaxies: kind", accuracy, guess, count),
        Figure("galaxies: kind, balanced", balanced, balanced_guess, count),
        Figure("galaxies: changed copy first", recall_of_copy(copies, vectors), 100 / count, count),
    ]


def tiles(encoder_for: EncoderFor, data: Path) -> list[Figure]:
    """Kinds (21) of 839 aerial tiles by their neighbours; one of two equal files left out."""
    known = load(data / "ucmerced", "*/*.jpg", but=frozenset({"airplane02"}))
    vectors = encode_all(encoder_for("ucmerced"), known.pictures)
    accuracy, _ = knn_accuracy(vectors, known.labels)
    return [Figure("UC Merced: kind", accuracy, guesses(known.labels)[0], len(vectors))]


def objects(encoder_for: EncoderFor, data: Path) -> list[Figure]:
    """The same Messier object by other people and telescopes: 99 pictures of 28 objects."""
    known = load(data / "messier", "*/*.jpg")
    vectors = encode_all(encoder_for("messier"), known.pictures)
    count = len(vectors)
    return [
        Figure(
            f"Messier: same object in first {first}",
            recall_of_object(vectors, known.labels, first=first),
            _object_guess(known.labels, first),
            count,
        )
        for first in (1, 5)
    ]


def photos(encoder_for: EncoderFor, data: Path) -> list[Figure]:
    """Photos cropped, mirrored and compressed, found among 140; several show the same scene."""
    known = load(data, "photos/*.jpg", "photo-defects/biq2021/*.jpg")
    encoder = encoder_for("photos")
    vectors = encode_all(encoder, known.pictures)
    copies = encode_all(encoder, copies_of(known.pictures, cropped_copy))
    count = len(vectors)
    found = recall_of_copy(copies, vectors)
    return [Figure("photos: changed copy first", found, 100 / count, count)]


PROTOCOL: dict[str, Callable[[EncoderFor, Path], list[Figure]]] = {
    "galaxies": galaxies,
    "ucmerced": tiles,
    "messier": objects,
    "photos": photos,
}


def milliseconds(encoder: Encoder, path: Path, *, repeat: int = 20) -> float:
    """Return the median processor time for one picture, decoding included, one after the other.

    Time of all threads together: other work on the machine hardly changes it.
    """
    times = []
    for _ in range(repeat + 2):
        start = time.process_time()
        encoder.encode([encoder.prepare(read(path, at_least=encoder.reads_at))])
        times.append(time.process_time() - start)
    return 1000.0 * float(np.median(times[2:]))


def vectors_of(encoder: Encoder, paths: list[Path]) -> Vectors:
    """Return vectors of files, decoded as the encoder wants them (reduced where it may be)."""
    return encode_all(encoder, [read(path, at_least=encoder.reads_at) for path in paths])


def _object_guess(labels: list[str], first: int) -> float:
    """Return the mean chance that `first` random others hold another of the same object."""
    count = len(labels)
    chances = []
    for label in labels:
        same = labels.count(label) - 1
        missed = np.prod([1 - same / (count - 1 - drawn) for drawn in range(first)])
        chances.append(1.0 - float(missed))
    return 100.0 * float(np.mean(chances))
