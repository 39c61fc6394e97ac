"""Decisions made probabilities, by what models said of labels that they were not taught."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .probe import Probe, Values

LEAST, MOST = 1e-3, 1e3
"""Bounds of the scale. Above 0: where decisions tell nothing the probabilities are those of a
guess, but their order stays."""
FEWEST = 4
"""Of the rarer answer: below, nothing is calibrated."""


def calibrated(
    probe: Probe, decisions: Values, given: NDArray[np.int64], weights: Values | None = None
) -> Probe:
    """Return a probe of classes whose scale and shift fit decisions (n, k) to answers (n,).

    given: places in `probe.answers`. The decisions must be of items that the model did not learn
    from. Few answers leave the probe as it is.
    """
    counts = np.bincount(given, minlength=len(probe.answers))
    if min(counts[counts > 0], default=0) < FEWEST or (counts > 0).sum() < 2:
        return probe
    weighed = np.ones(len(given)) if weights is None else weights
    if len(probe.answers) == 2:
        scale, shift = platt(decisions[:, 0], given == 1, weighed)
        return replace(probe, scale=scale, shift=shift)
    return replace(probe, scale=1 / temperature(decisions, given, weighed), shift=0.0)


def platt(decisions: Values, is_second: NDArray[np.bool_], weights: Values) -> tuple[float, float]:
    """Return (scale, shift) so that 1 / (1 + exp(-(scale decision + shift))) fits two answers.

    Platt 1999, "Probabilistic outputs for support vector machines", section 2.2: least
    cross-entropy to targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2) in place of 1 and 0.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    many, few = float(weights[is_second].sum()), float(weights[~is_second].sum())
    target = np.where(is_second, (many + 1) / (many + 2), 1 / (few + 2))
    unit = float(np.abs(decisions).mean()) or 1.0  # so that steps fit, however decisions are scaled

    def loss(at: Values) -> tuple[float, Values]:
        odds = at[0] * decisions / unit + at[1]
        entropy = np.logaddexp(0, odds) - target * odds
        slope = weights * (expit(odds) - target)
        return float(weights @ entropy), np.array([slope @ decisions / unit, slope.sum()])

    start = np.array([1.0, float(np.log((many + 1) / (few + 1)))])
    bounds = [(LEAST * unit, MOST * unit), (-30.0, 30.0)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return float(found.x[0] / unit), float(found.x[1])


def temperature(decisions: Values, given: NDArray[np.int64], weights: Values) -> float:
    """Return T so that softmax(decisions / T) fits answers (Guo et al. 2017, section 4.2)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(given))

    def loss(log_scale: float) -> float:
        return float(-weights @ log_softmax(np.exp(log_scale) * decisions, axis=1)[rows, given])

    found = minimize_scalar(loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded")
    return float(np.exp(-found.x))
