"""What the benchmarks share: pictures to index, whole commands timed in turn, private memory."""

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Q = str(Path(sys.executable).parent / "q")
ROOT = Path(__file__).resolve().parents[2]


def real_data() -> Path:
    """Return the folder with data/ and weights/, or end with a reason."""
    folder = Path(os.environ.get("SEEING_DATA") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        sys.exit(f"needs real pictures: no data/ in {folder}; set SEEING_DATA")
    return folder


def copies(originals: Sequence[Path], count: int, folder: Path) -> Path:
    """Fill a folder with `count` JPEGs made of some originals, each of different content."""
    folder.mkdir(parents=True)
    contents = [path.read_bytes() for path in originals]
    for number in range(count):
        # a JPEG may be followed by anything: the picture stays, the content is another
        content = contents[number % len(contents)] + number.to_bytes(8)
        (folder / f"{number:06}.jpg").write_bytes(content)
    return folder


def drawn(count: int, side: int, folder: Path) -> Path:
    """Fill a folder with `count` small drawn JPEGs of different content."""
    random = np.random.default_rng(0)
    originals = folder.with_name("originals")
    originals.mkdir(parents=True)
    for number in range(20):
        noise = random.integers(0, 255, (side // 8, side // 8, 3), np.uint8)
        Image.fromarray(noise).resize((side, side)).save(originals / f"{number}.jpg")
    copies(sorted(originals.iterdir()), count, folder)
    shutil.rmtree(originals)
    return folder


def in_turn(
    commands: dict[str, Sequence[str]], runs: int = 7, cwd: Path | None = None
) -> dict[str, float]:
    """Return the median seconds of whole commands, run A B A B after one round of warming up."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(  # what it ends with is not what is timed
                command, check=False, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def paired(
    one: Callable[[], object], other: Callable[[], object], runs: int = 15
) -> tuple[float, float, float]:
    """Return the median seconds of two calls run in turn, and the median of their ratio."""
    first: list[float] = []
    second: list[float] = []
    for turn in range(runs + 1):
        for call, seconds in ((one, first), (other, second)):
            start = time.perf_counter()
            call()
            if turn:
                seconds.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return statistics.median(first), statistics.median(second), statistics.median(ratios)


def peak_private_mb(command: Sequence[str], cwd: Path) -> float:
    """Run a command and return the peak of its private memory (RssAnon), in MB."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            lines = [line for line in status.splitlines() if line.startswith("RssAnon")]
            peak = max([peak, *(int(line.split()[1]) for line in lines)])
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    watcher.join()
    return peak / 1024
