"""Split-half resolution where the answer is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import ShapeError, UsageError
from seeing.samples.night import Night, simulated
from seeing.stack.resolution import ring_correlation, split_half
from seeing.stack.stack import Chosen
from seeing.video.open import open_video
from seeing.video.ser_write import SerWriter, make_header

SIDE = 256


def halves(width: float, noise: float, seed: int) -> list[NDArray[np.float64]]:
    """Noise blurred to a power of exp(-(f / width)^2), in two halves with noise of their own."""
    random = np.random.default_rng(seed)
    square = np.fft.fftfreq(SIDE)[:, None] ** 2 + np.fft.rfftfreq(SIDE) ** 2
    blur = np.exp(-square / (2 * width**2))
    scene = np.fft.irfft2(np.fft.rfft2(random.standard_normal((SIDE, SIDE))) * blur, (SIDE, SIDE))
    return [scene + noise * random.standard_normal((SIDE, SIDE)) for _ in range(2)]


@pytest.mark.parametrize(("width", "noise"), [(0.1, 0.3), (0.15, 0.1), (0.08, 0.5)])
def test_the_frequency_is_the_one_that_was_put_in(width: float, noise: float) -> None:
    """Expected correlation: S / (S + N), S = exp(-(f / width)^2), N = noise^2."""
    for seed in range(3):
        found = ring_correlation(*halves(width, noise, seed))
        expected = np.exp(-((found.frequency / width) ** 2))
        expected /= expected + noise**2
        assert float(np.abs(found.correlation - expected).max()) < 0.25
        assert float(np.abs(found.correlation - expected).mean()) < 0.06, (
            "chance alone gives 0.05 at most"
        )
        seventh = width * np.sqrt(np.log(6 / noise**2))
        half = width * np.sqrt(np.log(1 / noise**2))
        assert found.seventh == pytest.approx(seventh, abs=0.02)
        assert found.half == pytest.approx(half, abs=0.015)
        assert "cycles a pixel" in found.told


def test_extremes() -> None:
    one, two = halves(0.1, 0.3, 0)
    assert ring_correlation(one, one).seventh == 0.5
    np.testing.assert_allclose(ring_correlation(one, one).correlation, 1)
    random = np.random.default_rng(1)
    assert ring_correlation(*random.standard_normal((2, 128, 96))).half < 0.05
    flat = ring_correlation(np.ones((16, 16)), np.ones((16, 16)))
    assert flat.seventh == 0
    assert np.isfinite(flat.correlation).all()
    colour = ring_correlation(np.repeat(one[..., None], 3, 2), np.repeat(two[..., None], 3, 2))
    np.testing.assert_allclose(colour.correlation, ring_correlation(one, two).correlation)
    with pytest.raises(ShapeError):
        ring_correlation(one, two[:-1])


def test_better_frames_resolve_more(tmp_path: Path) -> None:
    """The best frames by truth against the worst, and few against many."""
    frames, truth = simulated(Night("rocky", 300, 128, seeing=5.0, light=1500, seed=8))
    path = tmp_path / "a.ser"
    with SerWriter(path, make_header(128, 128)) as writer:
        writer.write(frames)
    order = np.argsort(-truth.fidelity, kind="stable")
    with open_video(path) as video:

        def resolved(which: NDArray[np.int64]) -> float:
            chosen = Chosen(which, truth.shift_y[which], truth.shift_x[which])
            found, even, odd = split_half(video, chosen)
            assert even.frames + odd.frames == len(which)
            return found.seventh

        best, worst, few = resolved(order[:60]), resolved(order[-60:]), resolved(order[:8])
        # the telescope's cutoff is 0.375; what lies beyond can't agree
        assert worst + 0.02 < best < 0.39, (best, worst)
        assert few + 0.02 < best, (best, few)
        with pytest.raises(UsageError):
            split_half(video, Chosen(order[:1], truth.shift_y[:1], truth.shift_x[:1]))
