"""Stacks against independent computation; the same bits however the video is read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from seeing.errors import PictureError, ShapeError, UsageError
from seeing.media.picture import Samples
from seeing.media.read import read
from seeing.samples import processed
from seeing.samples.night import Night, simulated
from seeing.stack import stack as stacking
from seeing.stack.save import save_picture
from seeing.stack.sharpen import sharpened
from seeing.stack.stack import Chosen, stack
from seeing.video.base import About, Origin, Video
from seeing.video.open import open_video
from seeing.video.ser_write import SerWriter, make_header

SIDE = 96


class Held(Video):
    """Frames in memory; it hands them out as it is told to."""

    def __init__(self, frames: NDArray[Any], *, batch: int = 64, **about: Any) -> None:
        self.frames = frames if frames.ndim == 4 else frames[..., None]
        self.path = Path("held.ser")
        self.batch = batch
        count, height, width, planes = self.frames.shape
        depth = {1: 8, 2: 16, 4: 32}[frames.dtype.itemsize]
        white = 1.0 if depth == 32 else 2.0**depth - 1
        self.about = About("SER", count, height, width, planes, depth, white, **about)

    def batches(self, numbers: Any = None, *, size: int = 64) -> Iterator[tuple[Any, Samples]]:
        for some in self._cut(numbers, self.batch, 1):
            yield some, self.frames[some]

    def origin(self, number: int) -> Origin:
        return Origin(self.path, number)


def waves(count: int = 40, seed: int = 0) -> Callable[[float, float], NDArray[np.float64]]:
    """A smooth blotch with waves up to 0.36 cycles a pixel, known at any shift exactly."""
    random = np.random.default_rng(seed)
    fy, fx = random.uniform(-0.25, 0.25, (2, count))
    phase = random.uniform(0, 2 * np.pi, count)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)

    def look(dy: float, dx: float) -> NDArray[np.float64]:
        y, x = rows - dy, columns - dx
        envelope = np.exp(-((y - 48) ** 2 + (x - 48) ** 2) / (2 * 15**2))
        detail = sum(
            np.cos(2 * np.pi * (a * y + b * x) + p) for a, b, p in zip(fy, fx, phase, strict=True)
        )
        return np.asarray(100 * envelope * (1 + 0.25 * detail / np.sqrt(count / 2)))

    return look


def drifting(count: int, seed: int = 1, reach: float = 8) -> tuple[NDArray[Any], NDArray[Any]]:
    shifts = np.random.default_rng(seed).uniform(-reach, reach, (2, count))
    return shifts[0], shifts[1]


@pytest.fixture(scope="module")
def exact() -> tuple[Held, Chosen, NDArray[np.float64]]:
    look = waves()
    dy, dx = drifting(400)
    frames = np.array([look(y, x) for y, x in zip(dy, dx, strict=True)], np.float32)
    return Held(frames), Chosen(np.arange(400), dy, dx), look(0, 0)


def contrast(made: NDArray[Any], truth: NDArray[Any], low: float, high: float) -> float:
    one, two = np.fft.rfft2(made), np.fft.rfft2(truth)
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    ring = (radius >= low) & (radius < high)
    return float((one * two.conj()).real[ring].sum() / (np.abs(two) ** 2)[ring].sum())


def test_detail_is_kept_to_the_cutoff(exact: tuple[Held, Chosen, NDArray[np.float64]]) -> None:
    """Cubic interpolation of each frame would keep 0.967 at 0.3 cycles a pixel, linear 0.71."""
    video, chosen, truth = exact
    made = stack(video, chosen)
    assert made.picture.dtype == np.float32
    assert made.picture.shape == (SIDE, SIDE, 1)
    error = (made.picture[..., 0] - truth)[12:-12, 12:-12]
    assert float(np.sqrt((error**2).mean())) < 0.05, "of 100 levels"
    for low in (0.1, 0.2, 0.3):
        assert abs(contrast(made.picture[..., 0], truth, low, low + 0.04) - 1) < 0.004, low


def test_against_shifts_of_scipy(exact: tuple[Held, Chosen, NDArray[np.float64]]) -> None:
    video, chosen, _ = exact
    some = chosen[7:40:3]
    moved = [
        ndimage.fourier_shift(np.fft.fft2(video.frames[n, ..., 0].astype(float)), (-y, -x))
        for n, y, x in zip(some.numbers, some.dy, some.dx, strict=True)
    ]
    expected = np.fft.ifft2(np.mean(moved, axis=0)).real
    made = stack(video, some).picture[..., 0]
    # each shift is rounded to 1/8 pixel: 0.036 pixels on each axis
    assert float(np.abs(made - expected)[12:-12, 12:-12].max()) < 1.0
    assert float(np.sqrt(((made - expected)[12:-12, 12:-12] ** 2).mean())) < 0.25


def test_whole_pixels_are_exact() -> None:
    random = np.random.default_rng(3)
    scene = random.integers(0, 200, (SIDE + 20, SIDE + 20), dtype=np.uint8)
    dy, dx = random.integers(-10, 11, (2, 30))
    frames = np.stack(
        [scene[10 - y : 10 - y + SIDE, 10 - x : 10 - x + SIDE] for y, x in zip(dy, dx, strict=True)]
    )
    made = stack(Held(frames), Chosen(np.arange(30), dy, dx))
    known = made.weight[..., 0] > 0
    np.testing.assert_array_equal(
        made.picture[..., 0][known], scene[10:-10, 10:-10].astype(np.float32)[known]
    )
    expected = np.zeros((SIDE, SIDE))
    for y, x in zip(dy.tolist(), dx.tolist(), strict=True):
        expected[max(0, -y) : SIDE - max(0, y), max(0, -x) : SIDE - max(0, x)] += 1
    np.testing.assert_array_equal(made.weight[..., 0], expected)


@pytest.mark.parametrize("method", ["mean", "sigma"])
@pytest.mark.parametrize("kind", ["grey", "colour", "mosaic"])
def test_the_same_bits_however_it_is_read(method: Any, kind: str) -> None:
    random = np.random.default_rng(4)
    shape = (60, 48, 64, 3) if kind == "colour" else (60, 48, 64)
    frames = random.integers(0, 4000, shape, dtype=np.uint16)
    about: dict[str, Any] = {"pattern": "GRBG"} if kind == "mosaic" else {}
    dy, dx = drifting(60)
    weights, flux = random.uniform(0.2, 1, (2, 60))
    chosen = Chosen(np.arange(60), dy, dx, weights, 300 * weights, flux)
    first = stack(Held(frames, **about), chosen, method=method)
    for batch in (1, 7, 60):
        order = random.permutation(60)
        again = stack(Held(frames, batch=batch, **about), chosen[order], method=method)
        assert again.picture.tobytes() == first.picture.tobytes(), batch
        assert again.weight.tobytes() == first.weight.tobytes()
        assert again.history == first.history


def test_noise_falls_with_the_root_of_the_number() -> None:
    random = np.random.default_rng(5)
    frames = (0.5 + 0.1 * random.standard_normal((400, 64, 64))).astype(np.float32)
    dy, dx = drifting(400, reach=3)
    for count in (25, 100, 400):
        made = stack(Held(frames), Chosen(np.arange(count), dy[:count], dx[:count]))
        # the kernel that moves by a fraction passes 0.86 to 1 of white noise's amplitude
        ratio = float(made.picture[8:-8, 8:-8].std()) * np.sqrt(count) / 0.1
        assert 0.85 < ratio < 1.03, (count, ratio)


def test_weights_and_effective_frames() -> None:
    frames = np.stack([np.full((8, 8), level, np.uint8) for level in (10, 20, 60, 200)])
    nothing = np.zeros(4)
    made = stack(Held(frames), Chosen(np.arange(4), nothing, nothing, np.array([3.0, 1, 1, 0])))
    np.testing.assert_allclose(made.picture, (30 + 20 + 60) / 5, rtol=1e-6)
    assert made.frames == 3
    assert made.effective == pytest.approx(25 / 11)
    assert "1 chosen frames could not be used" in made.history


def test_transparency_is_made_equal() -> None:
    """Sky 10 and a patch of 100: dimmed, they still give one clean mean."""
    clean = np.full((16, 16), 10.0)
    clean[4:12, 4:12] = 110
    clear = np.array([1.0, 0.5, 0.8, 0.9])
    sky = np.array([10.0, 12, 14, 10])
    frames = ((clean - 10) * clear[:, None, None] + sky[:, None, None]).astype(np.float32)
    nothing = np.zeros(4)
    chosen = Chosen(np.arange(4), nothing, nothing, None, sky, 6400 * clear)
    made = stack(Held(frames), chosen, method="sigma").picture[..., 0]
    np.testing.assert_allclose(made, (clean - 10) * np.median(clear) + np.median(sky), rtol=1e-5)
    dark = Chosen(np.arange(4), nothing, nothing, None, sky, np.array([0, np.nan, 1, 1]))
    assert stack(Held(frames), dark).frames == 2


def test_outliers_are_clipped() -> None:
    """A satellite in each of 5 of 40 frames, and a bad column: gone, and nothing else is."""
    look = waves()
    dy, dx = drifting(40)
    random = np.random.default_rng(6)
    frames = np.array([look(y, x) + 20 for y, x in zip(dy, dx, strict=True)])
    frames += random.normal(0, 1, frames.shape)
    clean = Held(np.clip(frames.round(), 0, 255).astype(np.uint8))
    for at in range(5):
        frames[8 * at, 10 + 14 * at : 13 + 14 * at] = 250
    dirty = Held(np.clip(frames.round(), 0, 255).astype(np.uint8))
    chosen = Chosen(np.arange(40), dy, dx)
    plain = stack(clean, chosen).picture
    spoilt = np.abs(stack(dirty, chosen).picture - plain)[12:-12, 12:-12]
    clipped = stack(dirty, chosen, method="sigma")
    left = np.abs(clipped.picture - plain)[12:-12, 12:-12]
    assert float(spoilt.max()) > 4
    assert float(left.max()) < 0.15 * float(spoilt.max())
    assert any("sigma-clipped" in line for line in clipped.history)
    quiet = Held(np.full((20, 16, 16), 7, np.uint8))
    still = np.zeros(20)
    assert (stack(quiet, Chosen(np.arange(20), still, still), method="sigma").picture == 7).all()


def test_a_mosaic_gets_its_colours_from_the_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    """What frames debayered one by one lose of red and blue is there."""
    settings: dict[str, Any] = {"size": 96, "frames": 250, "seeing": 3.0, "seed": 3}
    pure, truth = simulated(Night("rocky", colour=True, noise=False, depth=16, **settings))
    raw, _ = simulated(Night("rocky", bayer="GBRG", **settings))
    chosen = Chosen(truth.number, truth.shift_y, truth.shift_x)
    expected = stack(Held(pure), chosen).picture / 257
    made = stack(Held(raw, pattern="GBRG"), chosen).picture
    assert made.shape == (96, 96, 3)
    error = (made - expected)[12:-12, 12:-12]
    assert (np.sqrt((error**2).mean((0, 1))) < 0.45).all()
    monkeypatch.setattr(stacking, "INTERPOLATED", 1.0)
    before = stack(Held(raw, pattern="GBRG"), chosen).picture
    for plane in (0, 2):
        kept, lost = (contrast(one[..., plane], expected[..., plane], 0.15, 0.25)
                      for one in (made, before))  # fmt: skip
        assert kept > 0.9, plane
        assert lost < 0.8, plane


def test_odd_frames() -> None:
    """NaN counts as not seen; a shift beyond the field, or none, leaves a frame out."""
    frames = np.full((6, 12, 10), 0.25, np.float32)
    frames[0, 5] = np.nan
    frames[1] = np.nan
    dy = np.array([0.3, 0, 0, np.nan, 40, 1])
    made = stack(Held(frames), Chosen(np.arange(6), dy, np.zeros(6)))
    assert made.frames == 4
    np.testing.assert_allclose(made.picture, 0.25, rtol=1e-6)
    assert made.weight[5].max() <= made.weight[7].max() == 3
    with pytest.raises(PictureError, match="none of 1 frames"):
        stack(Held(frames), Chosen(np.array([3]), dy[3:4], np.zeros(1)))
    with pytest.raises(UsageError, match="no frames"):
        stack(Held(frames), Chosen(np.zeros(0, np.int64), np.zeros(0), np.zeros(0)))
    cmy = stack(Held(frames[2:], pattern="CMY"), Chosen(np.arange(4), np.zeros(4), np.zeros(4)))
    assert cmy.picture.shape == (6, 5, 1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"weights": [1, -1]}, UsageError), ({"weights": [1, np.inf]}, UsageError),
     ({"numbers": [1, 1]}, ShapeError), ({"flux": [1, 1, 1]}, ShapeError)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], error: type[Exception]) -> None:
    given: dict[str, Any] = {"numbers": [0, 1], "dy": [0, 0], "dx": [0, 0]} | fields
    with pytest.raises(error):
        Chosen(**{name: np.array(values) for name, values in given.items()})


def test_memory_is_bounded_by_coarser_fractions() -> None:
    assert stacking._steps((128, 128, 1), 50_000, "mean") == 8
    assert stacking._steps((1080, 1920, 1), 50_000, "mean") == 3
    for shape in ((480, 640, 1), (480, 640, 3), (1080, 1920, 1)):
        steps = stacking._steps(shape, 50_000, "mean")
        assert 12 * np.prod(shape) * steps**2 <= stacking.MOST_BYTES


def test_a_real_file_with_times(tmp_path: Path) -> None:
    frames, truth = simulated(Night("giant", 80, 96, seed=2))
    ticks = 637_000_000_000_000_000 + 100_000 * np.arange(80)
    with SerWriter(tmp_path / "a.ser", make_header(96, 96)) as writer:
        writer.write(frames, ticks)
    told: list[tuple[int, int]] = []
    best = np.argsort(-truth.fidelity)[:20]
    chosen = Chosen(best, truth.shift_y[best], truth.shift_x[best])
    with open_video(tmp_path / "a.ser") as video:
        made = stack(video, chosen, tell=lambda *done: told.append(done))
        assert video.about.times is not None
        assert (made.begin, made.end) == tuple(video.about.times[[best.min(), best.max()]])
    assert told[-1] == (20, 20)
    path = tmp_path / "a.fits"
    save_picture(made.picture, path, white=255, history=made.history, begin=made.begin)
    again = read(path)
    np.testing.assert_allclose(again.samples[..., 0], made.picture[..., 0], rtol=1e-6)
    assert again.metadata.header["BUNIT"] == "adu"


def test_sharpening_is_that_of_the_samples() -> None:
    picture = waves()(0.2, 0.1).astype(np.float32)
    expected = processed.sharpened(picture)
    np.testing.assert_allclose(sharpened(picture, limit=0.3), expected, atol=1e-3)
    colours = np.repeat(picture[..., None], 3, axis=2)
    np.testing.assert_allclose(sharpened(colours)[..., 1], sharpened(picture), atol=1e-3)
    np.testing.assert_allclose(sharpened(picture, strength=0), picture, atol=1e-3)
    half = sharpened(picture, strength=0.5)
    np.testing.assert_allclose(half, (picture + sharpened(picture)) / 2, atol=1e-2)
    for wrong in ({"strength": -1}, {"limit": 0}, {"strength": np.nan}):
        with pytest.raises(UsageError):
            sharpened(picture, **wrong)
