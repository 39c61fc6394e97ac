"""How good an encoder is, in figures: leave-one-out neighbours, changed copies, same objects.

Pure numpy on unit vectors, for any encoder; higher is better in all. `docs/encoders.md` has the
figures and says what was in whose fit.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..media.picture import Picture
from ..media.read import read
from .encoder import Encoder, Vectors

Bytes = NDArray[np.uint8]


def similarities(queries: Vectors, references: Vectors | None = None) -> NDArray[np.float32]:
    """Return the cosines (queries, references); of a set with itself, each itself left out (-2)."""
    if references is not None:
        return queries @ references.T
    cosines = queries @ queries.T
    np.fill_diagonal(cosines, -2.0)
    return cosines


def knn_accuracy(
    vectors: Vectors, labels: Sequence[str], *, neighbours: int = 10
) -> tuple[float, float]:
    """Return accuracy and balanced accuracy, in per cent, of a vote among the nearest others.

    Each picture is told from its `neighbours` nearest by cosine, itself left out; the most frequent
    label wins, of equals the one whose nearest is nearer. Balanced: the mean over the classes of
    the share told right.
    """
    classes, truth = np.unique(np.asarray(labels), return_inverse=True)
    cosines = similarities(vectors)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :neighbours]
    votes = np.zeros((len(vectors), len(classes)))
    rows = np.arange(len(vectors))
    for rank in range(nearest.shape[1]):
        votes[rows, truth[nearest[:, rank]]] += 1.0 + 2.0 ** -(rank + 8)  # breaks ties only
    right = votes.argmax(axis=1) == truth
    by_class = [right[truth == number].mean() for number in range(len(classes))]
    return 100.0 * float(right.mean()), 100.0 * float(np.mean(by_class))


def recall_of_object(vectors: Vectors, objects: Sequence[str], *, first: int) -> float:
    """Return in how many of 100 another picture of the same object is among the `first` nearest."""
    names = np.asarray(objects)
    nearest = np.argsort(-similarities(vectors), axis=1, kind="stable")[:, :first]
    return 100.0 * float((names[nearest] == names[:, None]).any(axis=1).mean())


def recall_of_copy(copies: Vectors, originals: Vectors) -> float:
    """Return in how many of 100 the nearest of all originals is the copy's own (the same row)."""
    nearest = similarities(copies, originals).argmax(axis=1)
    return 100.0 * float((nearest == np.arange(len(copies))).mean())


def guesses(labels: Sequence[str]) -> tuple[float, float]:
    """Return accuracy and balanced accuracy of always saying the most frequent label."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return 100.0 * float(counts.max() / counts.sum()), 100.0 / len(counts)


def turned_copy(picture: Picture, generator: np.random.Generator) -> Picture:
    """Return a copy as another telescope would show it: mirrored, turned, shifted, dim, noisy.

    8 bits. Mirrored with probability 1/2, turned about the middle by 0..360 degrees, shifted by up
    to 2 pixels per 128 (bilinear; filled with the median of a border of 4 pixels), multiplied by
    0.6..0.95, normal noise of 4 grey levels added.
    """
    values = picture.samples.astype(np.float64)
    height, width, bands = values.shape
    inner = values[4:-4, 4:-4]
    frame = np.ones((height, width), dtype=bool)
    frame[4 : 4 + inner.shape[0], 4 : 4 + inner.shape[1]] = False
    fill = np.median(values[frame], axis=0)
    if generator.random() < 0.5:
        values = values[:, ::-1]
    turn = generator.uniform(0.0, 2.0 * np.pi)
    down, right = generator.uniform(-2.0, 2.0, 2) * min(height, width) / 128
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    rows -= (height - 1) / 2 + down
    columns -= (width - 1) / 2 + right
    from_rows = rows * np.cos(turn) - columns * np.sin(turn) + (height - 1) / 2
    from_columns = rows * np.sin(turn) + columns * np.cos(turn) + (width - 1) / 2
    outside = (from_rows < 0) | (from_rows > height - 1)
    outside |= (from_columns < 0) | (from_columns > width - 1)
    top = np.clip(from_rows.astype(int), 0, height - 2)
    left = np.clip(from_columns.astype(int), 0, width - 2)
    low = np.clip(from_rows - top, 0, 1)[:, :, None]
    far = np.clip(from_columns - left, 0, 1)[:, :, None]
    turned = (values[top, left] * (1 - far) + values[top, left + 1] * far) * (1 - low) + (
        values[top + 1, left] * (1 - far) + values[top + 1, left + 1] * far
    ) * low
    turned[outside] = fill
    turned = turned * generator.uniform(0.6, 0.95)
    turned += generator.normal(0.0, 4.0, (height, width, bands))
    samples = np.clip(np.rint(turned), 0, 255).astype(np.uint8)
    return Picture(samples, 255.0, 8)


def cropped_copy(picture: Picture, generator: np.random.Generator) -> Picture:
    """Return a copy as it goes round: 80 % of each side at a random place, mirrored, JPEG of 40."""
    height, width = round(picture.height * 0.8), round(picture.width * 0.8)
    top = int(generator.integers(picture.height - height + 1))
    left = int(generator.integers(picture.width - width + 1))
    cut = picture.samples[top : top + height, left : left + width][:, ::-1]
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(cut)).save(content, "JPEG", quality=40)
    return read("copy.jpg", content=content.getvalue())


def encode_all(encoder: Encoder, pictures: Sequence[Picture]) -> Vectors:
    """Return the vectors of pictures, in batches as the encoder likes them."""
    rows = []
    for start in range(0, len(pictures), encoder.batch):
        prepared = [encoder.prepare(one) for one in pictures[start : start + encoder.batch]]
        rows.append(encoder.encode(prepared))
    return np.concatenate(rows)


def copies_of(
    pictures: Sequence[Picture],
    change: Callable[[Picture, np.random.Generator], Picture],
    *,
    seed: int = 0,
) -> list[Picture]:
    """Return a changed copy of each picture, the same ones for the same seed."""
    return [
        change(picture, np.random.default_rng([seed, number]))
        for number, picture in enumerate(pictures)
    ]
