"""Fitting the tables of the built-in encoder, from drawn and freely licensed pictures only."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..media.read import read
from ..samples.textures import KINDS, finish
from .builtin import READS_AT, SIDE, BuiltinEncoder
from .colour import colour_features
from .prepare import Colours, working_square
from .scattering import Scattering
from .whiten import Whitening, fit_whitening

DRAWN = 100
"""Pictures drawn of each kind of texture."""
DIMENSIONS = {"scattering": 64, "colour": 32}
NOISE = {"scattering": 0.003, "colour": 0.01}
"""See `whiten.NOISE`; a share of 1 % in a histogram's bin is a root of 0.1, a variance of 0.01."""

SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "galaxies": ("galaxies/labelled", ("*/*.jpg",)),  # Apache-2.0
    "gz2": ("galaxies/gz2_galaxy_nongalaxy", ("*/*.jpg",)),  # MIT
    "ucmerced": ("ucmerced", ("*/*.jpg",)),  # public domain (USGS)
    "messier": ("messier", ("*/survey-rongen-pos.jpg", "*/rongen-*.jpg")),  # MIT
}
"""Real pictures by set: folder, patterns. Only what may be used for any purpose."""
KINDRED: dict[str, tuple[str, ...]] = {
    "galaxies": ("galaxies", "gz2"),
    "ucmerced": ("ucmerced",),
    "messier": ("messier",),
}
"""Sets to leave out of the fit when one is tested: itself, and what shows the same things."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features of the pictures of one set: (n, 126) and (n, 216) float32."""

    scattering: NDArray[np.float32]
    colour: NDArray[np.float32]


def gather(folder: Path, *, drawn: int = DRAWN) -> dict[str, Features]:
    """Compute the features of all sets in `folder` and of the drawn textures, about half a minute.

    Raises UsageError when a set is missing.
    """
    scattering = Scattering(SIDE)
    gathered = {}
    for name, (place, patterns) in SETS.items():
        paths = sorted(path for pattern in patterns for path in (folder / place).glob(pattern))
        if not paths:
            raise UsageError(f"no pictures of the set {name} in {folder / place}")
        squares = (working_square(read(path, at_least=READS_AT), SIDE) for path in paths)
        gathered[name] = _features(scattering, squares)
    for number, (name, draw) in enumerate(KINDS.items()):
        generators = [np.random.default_rng([number, seed]) for seed in range(drawn)]
        squares = (finish(generator, draw(generator, SIDE)) for generator in generators)
        gathered[f"drawn {name}"] = _features(scattering, squares)
    return gathered


def _features(scattering: Scattering, squares: Iterable[Colours]) -> Features:
    both = [(scattering.features(square), colour_features(square)) for square in squares]
    return Features(np.stack([one for one, _ in both]), np.stack([one for _, one in both]))


def fit_tables(
    gathered: Mapping[str, Features], *, leave_out: Sequence[str] = ()
) -> dict[str, Whitening]:
    """Fit the tables to all sets but those left out, each set counting the same."""
    unknown = set(leave_out) - set(gathered)
    if unknown:
        raise UsageError(f"no set is called {', '.join(unknown)}; there are {', '.join(gathered)}")
    kept = [features for name, features in gathered.items() if name not in leave_out]
    weights = np.concatenate([np.full(len(one.colour), 1.0 / len(one.colour)) for one in kept])
    return {
        part: fit_whitening(
            np.concatenate([getattr(one, part) for one in kept]),
            weights,
            dimension=dimension,
            noise=NOISE[part],
        )
        for part, dimension in DIMENSIONS.items()
    }


def frozen(name: str, gathered: Mapping[str, Features]) -> Callable[[str], BuiltinEncoder]:
    """Return a function from a set's name to the encoder `name` fitted without that set."""

    def encoder_for(tested: str) -> BuiltinEncoder:
        return BuiltinEncoder(name, fit_tables(gathered, leave_out=KINDRED.get(tested, ())))

    return encoder_for
