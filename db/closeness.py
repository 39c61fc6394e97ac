"""From which similarity on a match is called close, by what the catalogue keeps of a library."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_PAIRS = 50.0
"""Per cent of random pairs that must be less alike than a close match. In a mixed library some
items have no other of their kind, and the 1 % quantile of nearest others alone would let pass what
is less alike than most pairs. Measured (docs/finding.md): with 50, 95 to 99 % of left-out pictures
are close, with 75 in libraries of galaxies 91 to 93 %, with 90 in a mixed library 43 %."""


def close_from(
    close: float | None, quantiles: Sequence[float] | NDArray[np.float64]
) -> float | None:
    """Return the threshold of closeness, None where there is none.

    close: 1 % quantile of the similarity of items to their nearest other. quantiles: of the
    similarity of random pairs, at even steps from 0 to 100 %.
    """
    if close is None:
        return None
    return max(close, float(quantiles[round(MOST_PAIRS / 100 * (len(quantiles) - 1))]))
