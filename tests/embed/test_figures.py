"""The figures themselves, on vectors small enough to count by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seeing.embed.encoder import EncoderOptions, Vectors, normalise
from seeing.embed.figures import milliseconds
from seeing.embed.quality import (
    copies_of,
    cropped_copy,
    encode_all,
    guesses,
    knn_accuracy,
    recall_of_copy,
    recall_of_object,
    turned_copy,
)
from seeing.embed.table import make_encoder
from seeing.media.picture import Picture
from seeing.samples.galaxies import sample
from seeing.samples.textures import KINDS, draw_texture


def at_degrees(*degrees: float) -> Vectors:
    turns = np.deg2rad(degrees)
    return normalise(np.stack([np.cos(turns), np.sin(turns)], axis=1))


def pictures(count: int, seed: int = 0) -> list[Picture]:
    squares = [draw_texture(np.random.default_rng([seed, number])) for number in range(count)]
    return [Picture((square * 255).astype(np.uint8), 255.0, 8) for square in squares]


def test_neighbours_vote_without_the_picture_itself() -> None:
    vectors = at_degrees(0, 1, 2, 90, 91, 1.5)
    # the last lies among the a's: it is wrong, and so are the two next to it
    accuracy, balanced = knn_accuracy(vectors, list("aaabbb"), neighbours=1)
    assert (accuracy, balanced) == (50.0, 50.0)
    accuracy, balanced = knn_accuracy(at_degrees(0, 1, 2, 90, 91, 92), list("aaabbb"), neighbours=2)
    assert (accuracy, balanced) == (100.0, 100.0)


def test_of_equal_votes_the_nearer_wins() -> None:
    vectors = at_degrees(0, 1, 2.5)
    accuracy, _ = knn_accuracy(vectors, list("aab"), neighbours=2)
    # 1st: a at 1 degree, b at 2.5: right. 2nd: a at 1, b at 1.5: right. 3rd: a, a: wrong
    assert accuracy == pytest.approx(100 * 2 / 3)


def test_balanced_accuracy_is_the_mean_over_classes() -> None:
    accuracy, balanced = knn_accuracy(at_degrees(0, 1, 2, 3, 1.6), list("aaaab"), neighbours=3)
    assert accuracy == pytest.approx(80.0)
    assert balanced == pytest.approx(50.0)
    assert guesses(list("aaaab")) == (80.0, 50.0)


def test_recall_counts_pictures_with_another_of_the_same_object() -> None:
    vectors = at_degrees(0, 10, 11, 40)
    objects = ["m1", "m2", "m1", "m2"]
    # nearest: m2, m1, m2, m1: none. Within two: 1st m2, m1: yes; 2nd m1, m1: no;
    # 3rd m2, m1: yes; 4th m1, m2: yes
    assert recall_of_object(vectors, objects, first=1) == 0.0
    assert recall_of_object(vectors, objects, first=2) == 75.0


def test_recall_of_copies() -> None:
    assert recall_of_copy(at_degrees(1, 44, 88), at_degrees(0, 45, 90)) == 100.0
    assert recall_of_copy(at_degrees(1, 80, 50), at_degrees(0, 45, 90)) == pytest.approx(100 / 3)


def test_copies_are_the_same_for_the_same_seed() -> None:
    two = pictures(2)
    for change in (turned_copy, cropped_copy):
        one, other = copies_of(two, change), copies_of(two, change)
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(one, other, strict=True))
        third = copies_of(two, change, seed=1)
        assert not np.array_equal(one[0].samples, third[0].samples)


def test_a_turned_copy_is_dimmer_and_of_the_same_size() -> None:
    square = (sample(1)[0].picture * 255).astype(np.uint8)
    copy = turned_copy(Picture(square, 255.0, 8), np.random.default_rng(0))
    assert copy.samples.shape == square.shape and copy.samples.dtype == np.uint8
    middle = np.s_[44:84, 44:84]
    ratio = copy.samples[middle].mean() / square[middle].mean()
    assert 0.55 < ratio < 1.0


def test_a_cropped_copy_is_smaller() -> None:
    copy = cropped_copy(pictures(1)[0], np.random.default_rng(0))
    assert copy.samples.shape == (102, 102, 3)


@pytest.mark.parametrize(("name", "least"), [("builtin", 75.0), ("thumbnail", 100 / 12)])
def test_any_encoder_of_the_table_can_be_judged(name: str, least: float) -> None:
    encoder = make_encoder(name, EncoderOptions())
    some = pictures(12)
    vectors = encode_all(encoder, some)
    assert vectors.shape == (12, encoder.dimension)
    copies = encode_all(encoder, copies_of(some, cropped_copy))
    assert recall_of_copy(copies, vectors) >= least


def test_time_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(pictures(1)[0].samples).save(path)
    assert 0.0 < milliseconds(make_encoder("thumbnail"), path, repeat=3) < 1000.0


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("side", [64, 128])
def test_textures_are_drawn_the_same_again(kind: str, side: int) -> None:
    one = KINDS[kind](np.random.default_rng(1), side)
    other = KINDS[kind](np.random.default_rng(1), side)
    assert one.shape == (side, side, 3)
    assert np.array_equal(one, other) and np.isfinite(one).all()
