"""Classical measures against slow formulas, known orders, and the traps that they fall into."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from seeing.errors import ShapeError, UsageError
from seeing.rank.classical import MEASURES, Measure, Window, laplacian, pipp, tenengrad
from seeing.samples.night import Night, simulated
from seeing.train.figures import spearman
from seeing.video.base import Overrides
from seeing.video.ser import open_ser

Array = NDArray[np.float64]
NAMES = sorted(MEASURES)


def noise(count: int = 5, height: int = 40, width: int = 33, kind: str = "uint8") -> Any:
    """Blurred noise, with detail at all scales, of one type."""
    rng = np.random.default_rng(4)
    field = ndimage.gaussian_filter(rng.normal(0, 1, (count, height, width)), (0, 1.5, 1.5))
    field = 90 + 150 * field + rng.normal(0, 4, field.shape)
    if kind == "uint8":
        return np.clip(np.rint(field), 0, 255).astype(np.uint8)
    if kind == "uint16":
        return np.clip(np.rint(250 * field), 0, 65535).astype(np.uint16)
    return (field / 255).astype(np.float32)


def plain(measure: Measure, frames: Any, flux: float = 1.0, **more: Window) -> Array:
    """Return scores with one flux for all, and no background."""
    count = len(frames)
    return measure(frames, background=np.zeros(count), flux=np.full(count, flux), **more)


# --- slow formulas ----------------------------------------------------------------------------


def slow_pipp(frame: Array) -> float:
    total = 0.0
    for side in range(1, 6):
        rows, columns = frame.shape[0] // side, frame.shape[1] // side
        means = np.empty((rows, columns))
        for row in range(rows):
            for column in range(columns):
                block = frame[row * side : (row + 1) * side, column * side : (column + 1) * side]
                means[row, column] = block.mean()
        for row in range(rows):
            for column in range(columns):
                if column + 1 < columns:
                    total += (means[row, column + 1] - means[row, column]) ** 2
                if row + 1 < rows:
                    total += (means[row + 1, column] - means[row, column]) ** 2
    return total


def slow_laplacian(frame: Array, sigma: float = 2.0) -> float:
    blurred = ndimage.gaussian_filter(frame, sigma) if sigma else frame
    return float(ndimage.laplace(blurred).var())


def slow_tenengrad(frame: Array, sigma: float = 2.0) -> float:
    blurred = ndimage.gaussian_filter(frame, sigma) if sigma else frame
    return float((ndimage.sobel(blurred, 0) ** 2 + ndimage.sobel(blurred, 1) ** 2).mean())


SLOW: list[tuple[Measure, Callable[[Array], float]]] = [
    (pipp, slow_pipp),
    (laplacian, slow_laplacian),
    (partial(laplacian, sigma=0.0), partial(slow_laplacian, sigma=0.0)),
    (partial(laplacian, sigma=1.0), partial(slow_laplacian, sigma=1.0)),
    (partial(laplacian, sigma=3.3), partial(slow_laplacian, sigma=3.3)),
    (tenengrad, slow_tenengrad),
    (partial(tenengrad, sigma=0.0), partial(slow_tenengrad, sigma=0.0)),
]


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(40, 33), (33, 40), (64, 64), (128, 96), (7, 9)])
@pytest.mark.parametrize("place", range(len(SLOW)))
def test_a_measure_is_its_formula(place: int, size: tuple[int, int], kind: str) -> None:
    """float64 loops and scipy.ndimage; 1e-5: float32, and a millionth of the noise's power."""
    measure, slow = SLOW[place]
    frames = noise(3, *size, kind)
    expected = [slow(frame.astype(np.float64)) for frame in frames]
    np.testing.assert_allclose(plain(measure, frames), expected, rtol=1e-5)


def test_white_noise_and_a_pedestal_do_not_spoil_precision() -> None:
    """What the kept frequencies miss shows most in white noise; what float32 misses, on a pedestal.

    2e-5: a millionth is left out on each axis; 60000 + 5 has 11 bits left for the 5.
    """
    rng = np.random.default_rng(1)
    frames = (60000 + rng.normal(0, 50, (2, 64, 64))).astype(np.float32)
    for measure, slow in SLOW:
        expected = [slow(frame.astype(np.float64)) for frame in frames]
        np.testing.assert_allclose(plain(measure, frames), expected, rtol=2e-5)


def test_pipp_by_hand() -> None:
    """A 2 x 2 frame: four differences of pixels, one block without neighbours."""
    frame = np.array([[[1, 2], [4, 8]]], np.uint8)
    assert plain(pipp, frame) == [1 + 9 + 16 + 36]


def slow_siril(frame: Array) -> float:
    """As the notes section 3 tells it, with loops."""
    total = 0.0
    for side in (3, 4, 5):
        rows, columns = frame.shape[0] // side, frame.shape[1] // side
        cut = frame[: rows * side, : columns * side]
        means = cut.reshape(rows, side, columns, side).mean((1, 3))
        means = means * 60000 / np.sort(means, axis=None)[-3:].mean()
        smooth = ndimage.uniform_filter(means, 3, mode="mirror")
        squares = []
        down, across = max(1, rows // 10), max(1, columns // 10)
        for row in range(down, rows - down):
            for column in range(across, columns - across):
                near = smooth[row - 1 : row + 2, column - 1 : column + 2]
                if near.max() >= 10240:
                    right = smooth[row, column + 1] - smooth[row, column]
                    below = smooth[row + 1, column] - smooth[row, column]
                    squares.append(right**2 + below**2)
        total += 9 / side**2 * float(np.mean(squares))
    return float(np.sqrt(total))


def test_siril_is_its_description() -> None:
    frames, _ = simulated(Night("giant", frames=3, seed=2, light=1800))
    expected = [slow_siril(frame.astype(np.float64)) for frame in frames]
    np.testing.assert_allclose(plain(MEASURES["siril"], frames), expected, rtol=1e-4)


def test_pss_is_its_description() -> None:
    """Slow: scipy's Gaussian of sigma 1.4 cut at 3 pixels; bytes of the Laplacian, their spread.

    2 %: OpenCV blurs 16 bits in whole numbers, scipy does not.
    """
    frames, _ = simulated(Night("giant", frames=3, seed=2, light=10000))
    expected = []
    for frame in frames:
        words = 256.0 * frame
        blurred = ndimage.gaussian_filter(words, 1.4, radius=3, mode="mirror")[::2, ::2]
        edges = np.clip(np.rint(abs(ndimage.laplace(blurred, mode="mirror")) / 256), 0, 255)
        expected.append(edges.std() / np.where(frame > 15, frame, 0).mean())
    np.testing.assert_allclose(plain(MEASURES["pss"], frames), expected, rtol=0.02)


# --- orders -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_blurred_more_scores_less(name: str) -> None:
    """The same noise of 3 levels on the same picture, blurred by 1 to 4 pixels.

    Siril's only in the end: blur dims the brightest pixels, by which it stretches the others.
    """
    rng = np.random.default_rng(0)
    disc = ndimage.gaussian_filter(rng.normal(0, 1, (96, 96)), 1.5)
    rows, columns = np.mgrid[-48:48, -48:48]
    disc = np.where(rows**2 + columns**2 < 36**2, 120 + 120 * disc, 5)
    grain = rng.normal(0, 3, disc.shape)
    seen = [ndimage.gaussian_filter(disc, blur) + grain for blur in (1, 1.5, 2, 3, 4)]
    frames = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    scores = plain(MEASURES[name], frames, float(frames[0].sum()))
    assert scores[-1] == scores.min(), scores
    assert name == "siril" or (np.diff(scores) < 0).all(), scores


def test_simulated_frames_are_ordered_as_the_notes_measured() -> None:
    """the notes 4.3: Laplacian 2 px 0.974, PIPP normalised 0.929, plain 0.776 at 400 e-."""
    frames, truth = simulated(Night("rocky", frames=200, seed=11, light=400, seeing=4.5))
    background = np.median(frames[:, 0], axis=1)
    flux = frames.sum((1, 2)) - background * frames[0].size
    given = {
        name: measure(frames, background=background, flux=flux)
        for name, measure in MEASURES.items()
    }
    found = {name: spearman(scores, truth.fidelity) for name, scores in given.items()}
    assert found["laplacian"] > 0.96, found
    assert found["tenengrad"] > 0.92, found
    assert found["pipp-normalised"] > 0.85, found
    unblurred = laplacian(frames, background=background, flux=flux, sigma=0.0)
    assert spearman(unblurred, truth.fidelity) < 0.4


@pytest.mark.parametrize("name", ["pipp-normalised", "laplacian", "tenengrad", "siril"])
def test_brightness_does_not_matter_where_it_is_divided_by(name: str) -> None:
    frames = noise(4, kind="float32")
    light = frames.sum((1, 2))
    measure, none = MEASURES[name], np.zeros(4)
    full = measure(frames, background=none, flux=light)
    dimmed = measure(frames * np.float32(0.4), background=none, flux=0.4 * light)
    np.testing.assert_allclose(dimmed, full, rtol=1e-5)
    assert plain(pipp, frames * np.float32(0.5))[0] < plain(pipp, frames)[0]


KEYS = {15, 30, 45, 60, 75, 90}


def test_key_frames_of_a_film_do_not_come_out_on_top(seeing_data: Path) -> None:
    """the notes 2.3: blurred as bytes, most of 15, 30, ... 90 lead; in float32 none does."""
    path = seeing_data / "data" / "planets" / "jupiter_dslr_green_100.ser"
    if not path.is_file():
        pytest.skip(f"needs a real video: no {path}")
    with open_ser(path, Overrides()) as video:
        frames = np.concatenate([samples for _, samples in video.batches()])
    frames = frames.reshape(100, *frames.shape[1:3])
    best = np.argsort(-plain(laplacian, frames), kind="stable")[:8]
    assert not set(best.tolist()) & KEYS, best
    blurred = [cv2.GaussianBlur(frame, (0, 0), 1) for frame in frames]
    spoilt = [cv2.Laplacian(frame, cv2.CV_32F).var() for frame in blurred]
    assert len(KEYS & set(np.argsort(spoilt)[-6:].tolist())) >= 4, "the trap is in this film"


# --- any batch, any frame ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(128, 128), (61, 50), (12, 300)])
def test_the_last_bit_does_not_depend_on_the_batch(name: str, size: tuple[int, int]) -> None:
    frames, measure = noise(37, *size), MEASURES[name]
    background, flux = np.arange(37.0), np.linspace(1e4, 9e4, 37)
    places = np.arange(37)
    whole = measure(frames, background=background, flux=flux)
    for batch in (1, 2, 7, 16, 36):
        parts = [
            measure(frames[some], background=background[some], flux=flux[some])
            for some in np.split(places, range(batch, 37, batch))
        ]
        assert (np.concatenate(parts) == whole).all(), batch
    window = Window(places % 9, places % 5, 20)
    whole = measure(frames, background=background, flux=flux, window=window)
    for one in places:
        alone = Window(window.top[[one]], window.left[[one]], 20)
        score = measure(frames[[one]], background=background, flux=flux[[one]], window=alone)
        assert score == whole[one]


THREADED = """
import numpy as np
from seeing.rank.classical import MEASURES
frames = np.random.default_rng(0).integers(0, 256, (20, 160, 144), np.uint8)
for name, measure in MEASURES.items():
    print(name, measure(frames, background=np.zeros(20), flux=np.ones(20)).tobytes().hex())
"""


def test_the_last_bit_does_not_depend_on_the_threads() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", THREADED], check=True, capture_output=True, text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_window_is_the_frame_cut_out_and_stays_inside(name: str) -> None:
    frames, measure = noise(4, 64, 60), MEASURES[name]
    window = Window(np.array([3, -9, 50, 20]), np.array([5, 100, -2, 20]), 32)
    cut = np.stack(
        [
            frame[top : top + 32, left : left + 32]
            for frame, (top, left) in zip(
                frames, [(3, 5), (0, 28), (32, 0), (20, 20)], strict=True
            )
        ]
    )  # fmt: skip
    assert (plain(measure, frames, window=window) == plain(measure, cut)).all()
    larger = Window(np.zeros(4, np.int64), np.zeros(4, np.int64), 500)
    assert (plain(measure, frames, window=larger) == plain(measure, frames)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 1, 200])
def test_a_flat_frame_scores_0(name: str, level: int) -> None:
    for kind in (np.uint8, np.uint16, np.float32):
        flat = np.full((2, 40, 37), level, kind)
        assert (plain(MEASURES[name], flat, float(level)) == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 1), (4, 4), (0, 0)])
def test_tiny_frames_have_a_score(name: str, size: tuple[int, int]) -> None:
    scores = plain(MEASURES[name], noise(2, 16, 16)[:, : size[0], : size[1]])
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_never_nan(name: str) -> None:
    frames = noise(5, kind="float32")
    whole = MEASURES[name](frames, background=np.zeros(5), flux=np.ones(5))
    frames[1, 3, 3], frames[2, 0, 0], frames[3] = np.nan, np.inf, 3e38
    flux = np.array([1, 1, 1, 1, np.nan])
    scores = MEASURES[name](frames, background=np.zeros(5), flux=flux)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert (scores[1:3] == 0).all()
    assert scores[0] == whole[0], "its neighbours are no matter"
    dark = MEASURES[name](frames[:1], background=np.zeros(1), flux=np.zeros(1))
    assert dark == (whole[0] if name in ("pipp", "siril", "pss") else 0)
    none = MEASURES[name](frames[:0], background=np.zeros(0), flux=np.zeros(0))
    assert none.shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_left_as_they_are(name: str) -> None:
    frames = noise(3, kind="float32")
    before = frames.copy()
    plain(MEASURES[name], frames)
    assert (frames == before).all()


def test_what_does_not_fit_is_refused() -> None:
    frames = noise(3)
    with pytest.raises(ShapeError):
        plain(pipp, frames[0])
    with pytest.raises(ShapeError):
        laplacian(frames, background=np.zeros(3), flux=np.ones(2))
    with pytest.raises(ShapeError):
        plain(pipp, frames, window=Window(np.zeros(2, int), np.zeros(3, int), 8))
    with pytest.raises(UsageError):
        laplacian(frames, background=np.zeros(3), flux=np.ones(3), sigma=-1)
