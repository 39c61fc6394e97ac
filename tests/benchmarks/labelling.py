"""How long from a key to the next picture, in a real `q label` behind a pseudo-terminal.

Run: python tests/benchmarks/labelling.py
"""

import runpy
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import Q, real_data
from PIL import Image

Person = runpy.run_path(str(Path(__file__).parents[1] / "helpers" / "at_terminal.py"))["Person"]
SCREENS: list[tuple[str, int, int, dict[str, Any]]] = [
    ("blocks", 80, 24, {}),
    ("blocks", 200, 60, {}),
    ("kitty", 200, 60, {"cell": (9, 18)}),
    ("iterm2", 200, 60, {"cell": (9, 18)}),
    ("sixel", 200, 60, {"cell": (9, 18)}),
]
LOOKS = 0.5
"""Seconds that the quickest person looks at a picture."""
ROUNDS = 2
"""The quieter one is told: other programs only make it slower."""


def keys_to_pictures(folder: Path, what: str, protocol: str, columns: int, rows: int,
                     looks: float, round_: int, more: dict[str, Any]) -> list[float]:  # fmt: skip
    """Return the milliseconds from each key to the end of the drawing that follows."""
    person = Person(
        "label", what, "--set", "good", "--seed", "1", "--protocol", protocol, cwd=folder,
        columns=columns, rows=rows, Q_WHO=f"{protocol}{columns}{looks}{round_}", **more,
    )  # fmt: skip
    person.drawn()
    time.sleep(2)  # the first is read only now
    found = []
    for _ in range(20):
        time.sleep(looks)
        started = time.perf_counter()
        person.press("3")
        person.drawn()
        found.append(1e3 * (time.perf_counter() - started))
    person.close()
    return found


def main() -> None:
    """Print the table."""
    photos = sorted((real_data() / "data" / "photos").glob("*.jpg"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "photos").mkdir()
        for path in photos:
            with Image.open(path) as image:
                image.save(folder / "photos" / f"{path.stem}.png")
        size = Image.open(folder / "photos" / f"{photos[0].stem}.png").size
        simulated = [Q, "simulate", "night.ser", "--frames", "60", "--size", "256", "--colour"]
        subprocess.run(simulated, cwd=folder, check=True, capture_output=True)
        print("ms from a key to the picture drawn    median   95 %   largest")
        for what, told in (
            ("photos", f"PNG, {size[0]} x {size[1]}"), ("night.ser", "SER, 256 x 256")
        ):  # fmt: skip
            for protocol, columns, rows, more in SCREENS:
                for looks in (LOOKS, 0.0) if protocol == "blocks" else (LOOKS,):
                    ms = min((
                        keys_to_pictures(folder, what, protocol, columns, rows, looks, n, more)
                        for n in range(ROUNDS)
                    ), key=statistics.median)  # fmt: skip
                    high = statistics.quantiles(ms, n=20)[-1]
                    rushed = "" if looks else " at once"
                    name = f"{told}, {protocol} {columns} x {rows}{rushed}"
                    middle = statistics.median(ms)
                    print(f"{name:43s} {middle:6.1f} {high:6.1f} {max(ms):6.1f}", flush=True)


if __name__ == "__main__":
    main()
