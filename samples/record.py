"""Take down a simulated night: its frames into whatever writes videos, its truth as a table."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .night import Frames, Night, Truth, simulate

Take = Callable[[Frames, NDArray[np.datetime64]], None]
Tell = Callable[[int, int], None]


def record(night: Night, take: Take, *, tell: Tell | None = None) -> Truth:
    """Simulate a night, hand its frames with their times to `take`, and return the truth.

    take: called with (n, ...) frames in order and (n,) datetime64[us]. tell: called with how many
    frames are done, and how many there will be.
    """
    known = []
    done = 0
    for frames, truth in simulate(night):
        take(frames, night.times(truth.number))
        known.append(truth)
        done += len(truth)
        if tell is not None:
            tell(done, night.frames)
    return Truth.joined(known)


def truth_rows(night: Night, truth: Truth) -> list[dict[str, Any]]:
    """Return the truth as rows of a table, one a frame: plain values, 5 decimals."""
    columns: dict[str, list[Any]] = {
        "frame": truth.number.tolist(),
        "time": np.datetime_as_string(night.times(truth.number), unit="us").tolist(),
    }
    for name in ("fidelity", "interior", "strehl", "seeing", "shift_x", "shift_y", "transparency"):
        columns[name] = [round(float(value), 5) for value in getattr(truth, name)]
    columns["done"] = truth.done.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def summary(truth: Truth) -> dict[str, float]:
    """Return what the frames are like that nothing was done to: medians and extremes."""
    whole = truth[truth.done == ""] if (truth.done == "").any() else truth
    figures = {
        "seeing": np.median(whole.seeing),
        "strehl": np.median(whole.strehl),
        "best_strehl": whole.strehl.max(),
        "fidelity": np.median(whole.fidelity),
        "best_fidelity": whole.fidelity.max(),
        "worst_fidelity": whole.fidelity.min(),
    }
    return {name: round(float(figure), 4) for name, figure in figures.items()}
