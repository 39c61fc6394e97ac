"""Whether the files of one capture show the same object, told by the means of their frames."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import inband
from .reference import SEARCH_BAND
from .survey import Survey

_FEWEST = 8
"""Frames of a file below which nothing is said about it."""
_SURE = 0.5
"""Reliability of a file's mean, below which it is mostly noise and nothing is said about it."""
_ANOTHER = 0.5
"""Likeness of two files, noise allowed for, below which they show different things. Measured on
simulated nights (60 to 300 frames, 100 to 1800 electrons, D/r0 4 to 7): one object on two nights
0.85 to 1.00 (0.66 where a third file showed another), two objects -0.10 to 0.34."""
_SIZE = 1.1
"""Ratio of two discs' diameters; measured: of one object on two nights 1.01 to 1.03."""


def differences(survey: Survey, piece: NDArray[np.int64], names: Sequence[str]) -> list[str]:
    """Return what sets neighbouring files of a capture apart, one line for each pair that differs.

    piece: (n,) of which file each frame is; names: of the files. Compared are the discs' diameters
    and the means of the frames in the band, corrected for what noise takes from their likeness
    (Spearman 1904, "The proof and measurement of association", attenuation): two noisy pictures of
    one object look less alike than they are, by the root of their reliabilities.
    """
    means, reliable, discs = [], [], []
    for number in range(len(names)):
        mine = np.flatnonzero(piece == number)
        even, odd = inband.mean_of(survey, mine[::2]), inband.mean_of(survey, mine[1::2])
        halves = max(0.0, _cosine(survey, even, odd))
        means.append(even + odd)
        # of both halves together (Spearman-Brown)
        reliable.append(2 * halves / (1 + halves) if len(mine) >= _FEWEST else 0.0)
        areas = survey.rows["area"][mine]
        shown = areas[areas > 0]
        discs.append(2 * float(np.sqrt(np.median(shown) / np.pi)) if len(shown) else 0.0)
    told = []
    for a, b in pairwise(range(len(names))):
        if min(reliable[a], reliable[b]) < _SURE:
            continue
        alike = _cosine(survey, means[a], means[b]) / np.sqrt(reliable[a] * reliable[b])
        sizes = sorted((discs[a], discs[b]))
        other_size = survey.scene.kind == "planet" and sizes[1] > _SIZE * sizes[0]
        if alike < _ANOTHER or other_size:
            size = f", discs of {discs[a]:.0f} and {discs[b]:.0f} pixels" if other_size else ""
            told.append(
                f"{names[a]} and {names[b]} show different things (likeness {alike:.2f}{size})"
            )
    return told


def _cosine(survey: Survey, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    weight = np.repeat(survey.scene.band.filter(*SEARCH_BAND), 2)
    a, b = one * weight, other * weight
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0
