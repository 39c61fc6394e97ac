"""Speed of ranking frames, from a SER in the page cache, catalogue written; and of a stack.

    python tests/benchmarks/frames.py [FRAMES]

128 x 128 mono: frames per CPU-second of `rank_frames` by reference, by itself and by the classical
measures (start-up of the interpreter apart); the whole command on RGB frames with its private
memory; ranking again with another reference, start-up included; a stack of 2,000 frames.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import Q, peak_private_mb

from seeing.library import open_library
from seeing.rank.frame_stacks import chosen_of
from seeing.rank.frames import rank_frames
from seeing.samples.night import Night, simulated
from seeing.stack.stack import stack
from seeing.video.open import open_video
from seeing.video.ser_write import SerWriter, make_header

SIMULATED = 2000
RGB_FRAMES = 51206
"""As many as the Mars video of the experiment that this grew from."""


def repeated(frames: np.ndarray, count: int, planes: int, path: Path) -> Path:
    """Write `count` frames: the simulated ones again and again, with fresh noise."""
    random = np.random.default_rng(0)
    with SerWriter(path, make_header(128, 128, planes=planes, depth=8)) as writer:  # type: ignore[arg-type]
        for first in range(0, count, 500):
            which = (np.arange(first, min(first + 500, count)) * 7) % len(frames)
            noise = random.integers(-2, 3, (len(which), 128, 128), np.int16)
            made = np.clip(frames[which] + noise, 0, 255).astype(np.uint8)
            writer.write(np.repeat(made[..., None], 3, axis=3) if planes == 3 else made)
    return path


def cpu_rate(video: Path, library: Path, *, by: str | None, reference: Path | None) -> float:
    """Return frames a CPU-second of one ranking into a library."""
    held = open_library(library / ".q", create=True)
    with held, open_video(video) as opened:
        begun = time.process_time()
        rank_frames(held.catalogue, opened, by=by, reference=reference)
        return len(opened) / (time.process_time() - begun)


def main(count: int = 50000) -> None:
    frames, _ = simulated(Night("rocky", frames=SIMULATED, seed=3, light=1800))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        subprocess.run(
            [Q, "simulate", "small.ser", "--object", "rocky", "--frames", "16", "--reference",
             "reference.png", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run(
            [Q, "simulate", "other.ser", "--object", "rocky", "--frames", "16", "--turn", "20",
             "--reference", "other.png", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        mono = repeated(frames, count, 1, folder / "mono.ser")
        for name, by, shown in (
            ("reference", None, folder / "reference.png"), ("self", "self", None),
        ):  # fmt: skip
            shutil.rmtree(folder / "library", ignore_errors=True)
            (folder / "library").mkdir()
            rate = cpu_rate(mono, folder / "library", by=by, reference=shown)
            print(f"{name:16} {rate:8.0f} frames per CPU-second (at least 20,000)", flush=True)
        for name in ("pipp", "laplacian", "tenengrad"):  # the survey is there: the measure alone
            rate = cpu_rate(mono, folder / "library", by=name, reference=None)
            print(f"{name:16} {rate:8.0f} frames per CPU-second (at least 25,000)", flush=True)
        command = [Q, "rank", "mono.ser", "--library", "library", "--top", "1", "-q"]
        again = []
        for processed in ("reference.png", "other.png"):
            begun = time.perf_counter()
            subprocess.run(
                [*command, "--reference", processed], cwd=folder, check=True,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            again.append(time.perf_counter() - begun)
        print(f"again, another reference: {again[1]:.2f} s of {count} frames (under 1.5)")
        with open_video(mono) as opened, open_library(folder / "library" / ".q") as held:
            best = rank_frames(held.catalogue, opened).top(2000)
            begun = time.process_time()
            stack(opened, chosen_of(best))
            rate = 2000 / (time.process_time() - begun)
            print(f"stack of 2,000   {rate:8.0f} frames per CPU-second (at least 9,000)")
        mono.unlink()
        repeated(frames, RGB_FRAMES, 3, folder / "rgb.ser")
        command = [Q, "rank", "rgb.ser", "--reference", "reference.png", "--top", "1", "-q"]
        begun = time.perf_counter()
        peak = peak_private_mb([*command, "--library", "rgb"], folder)
        print(
            f"{RGB_FRAMES} RGB frames: {time.perf_counter() - begun:.1f} s, whole command (under "
            f"10), {peak:.0f} MB private (under 1024)"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
