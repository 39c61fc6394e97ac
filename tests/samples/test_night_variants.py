"""Variants of a simulated night: cameras, spoilt frames, turning planets, layered air."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import shift as moved

from seeing.samples.night import PATTERNS, Frames, Night, simulated
from seeing.samples.sensor import OFFSET

Electrons = Callable[[Night, Frames], NDArray[np.float64]]
Pristine = Callable[..., NDArray[np.float64]]


# --- the camera -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "kind"), [(8, np.uint8), (12, np.uint16), (16, np.uint16)])
def test_depth_is_that_of_the_samples(depth: int, kind: type) -> None:
    frames, _ = simulated(Night(frames=8, depth=depth, seeing=1.0))  # type: ignore[arg-type]
    full = 2**depth - 1
    assert frames.dtype == kind
    assert 0.6 * full < frames.max() <= 0.9 * full
    assert np.median(frames[:, :8, :8]) == pytest.approx(OFFSET * full, abs=max(1, 0.003 * full))


def test_gamma_bends_the_values(clean: Night) -> None:
    straight, bent = (simulated(replace(clean, frames=4, gamma=g))[0] / 65535 for g in (1.0, 2.2))
    assert bent == pytest.approx(straight ** (1 / 2.2), abs=1e-3)


def test_colours_and_mosaics_hold_the_same_light(clean: Night) -> None:
    whole = simulated(replace(clean, frames=4, colour=True))[0]
    assert whole.shape == (4, 128, 128, 3)
    assert whole[..., 0].mean() > whole[..., 2].mean()  # cream and brown, not blue
    for pattern in PATTERNS:
        seen = simulated(replace(clean, frames=4, bayer=pattern))[0]
        for place, colour in enumerate(pattern):
            here = np.s_[:, place // 2 :: 2, place % 2 :: 2]
            assert np.array_equal(seen[here], whole[..., "RGB".index(colour)][here])


def test_colour_does_not_change_the_truth(clean: Night) -> None:
    grey, coloured = (simulated(replace(clean, frames=4, colour=c))[1] for c in (False, True))
    assert grey.fidelity == pytest.approx(coloured.fidelity, abs=1e-5)


def test_hot_pixels_shine_in_every_frame(clean: Night) -> None:
    plain, hot = (simulated(replace(clean, frames=20, hot_pixels=n))[0] for n in (0, 40))
    assert ((hot > plain).all(axis=0)).sum() == 40
    assert ((hot > plain).any(axis=0)).sum() == 40


# --- spoilt frames --------------------------------------------------------------------------------


def test_what_is_spoilt_is_told_and_nothing_else_is_touched(clean: Night) -> None:
    plain = replace(clean, frames=120)
    spoilt = replace(plain, sliced=5, duplicates=4)
    before, _ = simulated(plain)
    after, truth = simulated(spoilt)
    assert {d: int((truth.done == d).sum()) for d in ("sliced", "cut", "duplicate")} == {
        "sliced": 5, "cut": 0, "duplicate": 4
    }  # fmt: skip
    changed = (before != after).reshape(120, -1).any(axis=1)
    assert np.array_equal(changed, truth.done != "")
    for place in np.flatnonzero(truth.done == "duplicate"):
        assert np.array_equal(after[place], after[place - 1])
        assert truth.fidelity[place] == truth.fidelity[place - 1]
    for place in np.flatnonzero(truth.done == "sliced"):
        rows = (before[place] != after[place]).any(axis=1)
        assert 8 <= rows.sum() <= 32
        assert np.array_equal(np.sort(before[place], axis=1), np.sort(after[place], axis=1))


def test_cut_planets_stand_half_outside_and_cut_surfaces_lack_rows(
    clean: Night, electrons: Electrons
) -> None:
    night = replace(clean, frames=60, cut=5, seeing=2.0)
    frames, truth = simulated(night)
    flux = electrons(night, frames).sum(axis=(1, 2))
    cut = truth.done == "cut"
    assert cut.sum() == 5
    assert (flux[cut] < 0.9 * np.median(flux)).all()
    assert (flux[~cut] > 0.98 * np.median(flux)).all()
    assert np.hypot(truth.shift_x, truth.shift_y)[cut].min() > 40
    moon, known = simulated(replace(night, object="moon"))
    lacking = (moon == 0).all(axis=2).sum(axis=1)
    assert np.array_equal(lacking > 0, known.done == "cut")


def test_key_frames_keep_more_detail() -> None:
    frames, _ = simulated(Night(frames=60, key_interval=15, seed=1, light=2000))
    noise = np.abs(np.diff(frames[:, 30:98, 30:98].astype(float), axis=2)).mean(axis=(1, 2))
    keys = np.arange(60) % 15 == 0
    assert noise[keys].min() > noise[~keys].max()


# --- the object and the air -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_turning_planet_turns_and_the_moon_does_not(clean: Night) -> None:
    """Longitude at the start, and rotation in time, are the same turn: 30 degrees."""
    still = replace(clean, frames=32, seeing=0.05, drift=0.0, rate=1.0)
    turning = replace(still, rotation=3600.0)  # a degree a frame
    last = simulated(turning)[0][30].astype(float)
    there = simulated(replace(still, longitude=30.0))[0][30].astype(float)
    begin = simulated(still)[0][30].astype(float)
    assert np.abs(last - there).max() < 0.02 * 65535
    assert np.abs(last - begin).max() > 0.1 * 65535
    # it is judged by what it looks like at its time
    assert simulated(turning)[1].fidelity.min() > 0.99
    moon = replace(still, object="moon")
    assert np.array_equal(simulated(moon)[0], simulated(replace(moon, longitude=30.0))[0])


def test_backwards_is_the_other_way(clean: Night) -> None:
    forth = replace(clean, frames=8, seeing=0.05, drift=0.0, rate=1.0, rotation=3600.0)
    back = simulated(replace(forth, rotation=-3600.0))[0][7].astype(float)
    there = simulated(replace(forth, rotation=0.0, longitude=-7.0))[0][7].astype(float)
    assert np.abs(back - there).max() < 0.02 * 65535


@pytest.mark.slow
def test_with_layers_at_height_parts_of_the_frame_move_on_their_own(
    clean: Night, electrons: Electrons, pristine: Pristine
) -> None:
    """Between one point spread and many: shifts of the left and the right part differ."""
    apart = []
    for height in (0.0, 3.0):
        night = replace(clean, object="moon", frames=24, seeing=4.0, height=height, drift=0.0)
        frames, truth = simulated(night)
        drawn = pristine("moon")
        shifts = []
        for columns in (slice(16, 56), slice(72, 112)):
            row = []
            for place, frame in enumerate(electrons(night, frames)):
                start = (truth.shift_y[place], truth.shift_x[place])
                there = moved(drawn, start, order=3, mode="nearest")[16:112, columns]
                seen = np.fft.rfft2(frame[16:112, columns] * np.hanning(40))
                cross = np.fft.irfft2(seen * np.conj(np.fft.rfft2(there * np.hanning(40))))
                at = np.unravel_index(cross.argmax(), cross.shape)[1]
                row.append((at + 20) % 40 - 20)
            shifts.append(row)
        apart.append(np.std(np.subtract(np.array(shifts[0]), shifts[1])))
    assert apart[1] > apart[0] + 0.25, apart


def test_without_height_differences_the_field_is_one(clean: Night) -> None:
    """A height near zero has nodes everywhere and the same point spread at each of them."""
    plain = replace(clean, frames=4)
    same = simulated(replace(plain, height=1e-6))[0].astype(float)
    assert np.abs(same - simulated(plain)[0]).max() < 3


def test_a_picture_may_be_the_object() -> None:
    steps = np.arange(90) - 45
    picture = ((np.hypot(steps[:, None], steps) < 30) * 255).astype(np.uint8)
    frames, truth = simulated(Night(picture, 8, seeing=1.0))
    assert frames.shape == (8, 128, 128)
    assert truth.fidelity.min() > 0.97


@pytest.mark.parametrize("size", [64, 192])
def test_other_sizes(size: int) -> None:
    frames, truth = simulated(Night(frames=8, size=size, seeing=1.0))
    assert frames.shape == (8, size, size)
    assert truth.fidelity.min() > 0.97
