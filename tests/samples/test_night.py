"""A simulated night comes from its seed, and its light obeys optics and statistics."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import UsageError
from seeing.samples.night import Frames, Night, Truth, simulate, simulated
from seeing.samples.processed import processed_reference
from seeing.samples.record import record, summary, truth_rows
from seeing.samples.sensor import READ_NOISE, photons

Electrons = Callable[[Night, Frames], NDArray[np.float64]]
Pristine = Callable[..., NDArray[np.float64]]


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "night",
    [
        Night(frames=150, seed=5, duplicates=4, sliced=3, cut=2),
        Night("moon", 70, size=64, seed=6, bayer="GRBG", key_interval=15, hot_pixels=5, cut=2),
        Night("rocky", 70, size=64, colour=True, rotation=3e3, depth=12, gamma=2.2),
    ],
    ids=["spoilt giant", "mosaic moon", "turning colours"],
)
def test_the_same_seed_is_the_same_bytes_in_every_chunk(night: Night) -> None:
    frames, truth = simulated(night)
    for chunk in (1, 7, 150):
        parts = list(simulate(night, chunk=chunk))
        assert {len(t) for _, t in parts[:-1]} <= {chunk}
        assert np.array_equal(np.concatenate([f for f, _ in parts]), frames)
        again = Truth.joined([t for _, t in parts])
        for name in ("number", "fidelity", "interior", "strehl", "seeing", "shift_x", "shift_y",
                     "transparency", "done"):  # fmt: skip
            assert np.array_equal(getattr(again, name), getattr(truth, name)), name


def test_a_longer_night_begins_the_same() -> None:
    short, long = (simulated(Night(frames=n, size=64, seed=8))[0] for n in (20, 75))
    assert np.array_equal(short, long[:20])


def test_other_seeds_are_other_nights() -> None:
    first, second = (simulated(Night(frames=600, size=64, seed=s))[1] for s in (1, 2))
    series = np.log(first.seeing), np.log(second.seeing)
    # memory of 40 frames leaves 600 / 80 independent values: a correlation of 0.36 is chance
    assert abs(np.corrcoef(*series)[0, 1]) < 0.6
    assert abs(np.corrcoef(first.strehl, second.strehl)[0, 1]) < 0.4
    assert np.std(first.strehl - second.strehl) > 0.02


@pytest.mark.slow
def test_seeing_has_its_median_scatter_and_memory() -> None:
    """First-order process: sd 0.28 of log D / r0, 1/e after 40 frames; over many nights."""
    series = np.array(
        [np.log(simulated(Night(frames=160, size=64, seed=s))[1].seeing) for s in range(12)]
    ) - np.log(5.5)
    assert series.mean() == pytest.approx(0, abs=0.12)
    assert series.std() == pytest.approx(0.28, abs=0.07)
    alike = (series[:, 20:] * series[:, :-20]).mean() / (series**2).mean()
    assert alike == pytest.approx(np.exp(-0.5), abs=0.15)


# --- light ----------------------------------------------------------------------------------------


def test_flux_is_constant_while_the_object_is_in_the_field(
    clean: Night, electrons: Electrons, pristine: Pristine
) -> None:
    """What is lost are the wings of the point spread beyond the frame: 2 in 1000 at most."""
    night = replace(clean, seeing=3.0)
    flux = electrons(night, simulated(night)[0]).sum(axis=(1, 2))
    assert flux.std() / flux.mean() < 2e-3
    assert flux.mean() / pristine("giant").sum() == pytest.approx(
        electrons(night, simulated(replace(night, seeing=0.05))[0]).sum(axis=(1, 2)).mean()
        / pristine("giant").sum(),
        rel=5e-3,
    )


def test_the_brightest_pixel_of_a_sharp_picture_has_the_light_asked_for(
    clean: Night, electrons: Electrons
) -> None:
    night = replace(clean, seeing=0.05, light=1800.0)
    peak = electrons(night, simulated(night)[0]).max(axis=(1, 2))
    assert peak.max() == pytest.approx(1800, rel=0.01)


@pytest.mark.parametrize("signal", [0.0, 5.0, 400.0, 900.0, 5000.0])
def test_a_flat_patch_has_the_variance_of_its_signal_and_of_reading(signal: float) -> None:
    """Variance = signal + read^2, of 400,000 pixels: 0.25 % standard deviation."""
    rng = np.random.default_rng(1)
    read = photons(np.full(400_000, signal, np.float32), rng)
    assert read.mean() == pytest.approx(signal, abs=5 * np.sqrt((signal + 9) / 400_000))
    assert read.var() == pytest.approx(signal + READ_NOISE**2, rel=0.012)


def test_transparency_is_slow_and_a_little_scintillation(electrons: Electrons) -> None:
    truth = simulated(Night(frames=1200, size=64, seed=4))[1]
    quick = np.diff(truth.transparency) / np.sqrt(2)
    assert quick.std() == pytest.approx(0.015, abs=0.004)
    assert 0.012 < truth.transparency.std() < 0.06
    night = Night(frames=40, size=64, seed=4, noise=False, depth=16, seeing=1.0)
    frames, truth = simulated(night)
    flux = electrons(night, frames).sum(axis=(1, 2))
    assert np.corrcoef(flux, truth.transparency)[0, 1] > 0.99


# --- around it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"object": "saturn"}, {"frames": -1}, {"size": 100}, {"size": 32}, {"seeing": 0.0},
        {"seeing": float("nan")}, {"light": 0.0}, {"depth": 10}, {"bayer": "RGBG"},
        {"bayer": "RGGB", "colour": True}, {"sliced": 10, "frames": 10}, {"start": "tomorrow"},
        {"gamma": 0.0}, {"rate": 0.0},
    ],
    ids=str,
)  # fmt: skip
def test_nights_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Night(**wrong)  # type: ignore[arg-type]


def test_a_night_is_recorded_with_times_and_truth() -> None:
    night = Night(frames=70, size=64, rate=50.0, sliced=1)
    taken: list[int] = []
    stamps: list[NDArray[np.datetime64]] = []
    told: list[tuple[int, int]] = []

    def take(frames: NDArray[np.uint8], times: NDArray[np.datetime64]) -> None:
        taken.append(len(frames))
        stamps.append(times)

    truth = record(night, take, tell=lambda done, total: told.append((done, total)))  # type: ignore[arg-type]
    assert taken == [64, 6]
    assert told == [(64, 70), (70, 70)]
    times = np.concatenate(stamps)
    assert times[0] == np.datetime64("2026-03-20T21:00:00")
    assert (np.diff(times) == np.timedelta64(20, "ms")).all()
    rows = truth_rows(night, truth)
    assert [row["frame"] for row in rows] == list(range(70))
    assert sorted({row["done"] for row in rows}) == ["", "sliced"]
    assert summary(truth)["best_fidelity"] >= summary(truth)["fidelity"]


def test_a_reference_is_turned_enlarged_and_mirrored(pristine: Pristine) -> None:
    """Against the object itself, turned and enlarged by other hands."""
    plain = processed_reference("rocky", 1, turn=0, scale=1, frames=80)
    assert plain.shape == (128, 128)
    assert plain.dtype == np.uint8
    drawn = pristine("rocky")
    assert np.corrcoef(plain.ravel(), drawn.ravel())[0, 1] > 0.93
    mirrored = processed_reference("rocky", 1, turn=0, scale=1, frames=80, mirror=True)
    assert np.array_equal(mirrored, plain[:, ::-1])
    turned = processed_reference("rocky", 1, turn=90, scale=1, frames=80)
    assert np.abs(turned.astype(int) - np.rot90(plain)).max() <= 2
    large = processed_reference("giant", 1, turn=0, scale=1.2, frames=80) > 60
    small = processed_reference("giant", 1, turn=0, scale=1.0, frames=80) > 60
    assert np.sqrt(large.sum() / small.sum()) == pytest.approx(1.2, abs=0.02)


def test_it_is_quick_enough() -> None:
    """50 frames a second of one core; measured 300 to 500."""
    simulated(Night(frames=32))
    begun = time.process_time()
    simulated(Night(frames=128))
    assert 128 / (time.process_time() - begun) > 50
