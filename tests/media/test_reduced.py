"""JPEGs are decoded no larger than needed, and show the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from seeing.media.read import read

Files = Any  # see conftest.py


@pytest.mark.parametrize(
    ("at_least", "expected"),
    [(None, (512, 768)), (512, (512, 768)), (300, (512, 768)), (256, (256, 384)), (255, (256, 384)),
     (128, (128, 192)), (64, (64, 96)), (1, (64, 96)), (5000, (512, 768))],
)  # fmt: skip
def test_a_jpeg_is_decoded_no_larger_than_needed(
    at_least: int | None, expected: tuple[int, int], files: Files
) -> None:
    content = files.saved(Image.fromarray(files.drawn(512, 768, 3)), "JPEG")
    picture = read("a", content=content, at_least=at_least)
    assert (picture.height, picture.width) == expected
    assert (picture.metadata.width, picture.metadata.height) == (768, 512)


def test_a_reduced_jpeg_shows_the_same(seeing_data: Path) -> None:
    path = seeing_data / "data" / "photos" / "kodim07.jpg"
    whole, half = read(path), read(path, at_least=256)
    averaged = whole.pixels().reshape(256, 2, 384, 2, 3).mean(axis=(1, 3))
    assert float(np.abs(averaged - half.pixels()).mean()) < 0.01


def test_orientation_is_applied_to_a_reduced_jpeg(files: Files) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = files.saved(Image.fromarray(files.drawn(400, 800, 3)), "JPEG", exif=exif)
    picture = read("a", content=content, at_least=100)
    assert (picture.height, picture.width) == (200, 100)
    assert (picture.metadata.height, picture.metadata.width) == (800, 400)


@pytest.mark.slow
def test_a_jpeg_of_400_million_pixels_is_read_reduced(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("L", (20_000, 20_000), 90).save(path, quality=50)
    picture = read(path, at_least=256)
    assert (picture.height, picture.width) == (2500, 2500)
    assert (picture.metadata.height, picture.metadata.width) == (20_000, 20_000)
    whole = read(path)
    assert whole.samples.shape == (20_000, 20_000, 1)
    assert (int(whole.samples.min()), int(whole.samples.max())) == (90, 90)
