"""A refresh of 20,000 unchanged files, and private memory while indexing 1,000 and 10,000.

Run: python tests/benchmarks/refresh.py
"""

import subprocess
import tempfile
from pathlib import Path

from measuring import Q, drawn, in_turn, peak_private_mb

FILES = 20_000


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        drawn(FILES, 32, here / "many")
        index = [Q, "index", "-q", "-e", "thumbnail", "many"]
        subprocess.run(index, cwd=here, check=True, stdout=subprocess.DEVNULL)
        seconds = in_turn({"": index}, cwd=here)[""]
        print(f"refresh of {FILES} unchanged files: {seconds:.2f} s (under 2)")
    peaks = {}
    for count in (1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            drawn(count, 64, here / "some")
            peaks[count] = peak_private_mb([Q, "index", "-q", "-e", "colour", "some"], here)
            print(f"private memory while indexing {count}: {peaks[count]:.0f} MB")
    print(f"growth from 1,000 to 10,000: {peaks[10_000] - peaks[1_000]:+.0f} MB (within 100)")


if __name__ == "__main__":
    main()
