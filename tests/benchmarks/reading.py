"""How long one thread takes to read a picture, and to walk 20,000 files.

Run: python tests/benchmarks/reading.py
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import real_data

from seeing.media.read import read
from seeing.media.walk import walk


def quickest(function: Callable[[], object], times: int = 50) -> float:
    """Return the milliseconds of the quickest call: what the code costs on an idle machine."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return 1e3 * best


def main() -> None:
    """Print the table."""
    data = real_data() / "data"
    small = next((data / "galaxies" / "labelled" / "spiral").glob("*.jpg"))
    middle = next((data / "photo-defects" / "biq2021").glob("*.jpg"))
    fits = data / "fits" / "M67_cut512.fits"
    print(f"JPEG, 128 px               {quickest(lambda: read(small)):6.2f} ms")
    print(f"JPEG, 512 px, in full      {quickest(lambda: read(middle)):6.2f} ms")
    print(f"JPEG, 512 px, at a half    {quickest(lambda: read(middle, at_least=256)):6.2f} ms")
    print(f"FITS, 512 px, with WCS     {quickest(lambda: read(fits)):6.2f} ms")
    with tempfile.TemporaryDirectory() as made:
        for folder in range(20):
            (Path(made) / f"{folder}").mkdir()
            for number in range(1000):
                (Path(made) / f"{folder}" / f"IMG_{number}.jpg").touch()
        print(f"walk of 20,000 files       {quickest(lambda: list(walk([made])), 5):6.0f} ms")


if __name__ == "__main__":
    main()
