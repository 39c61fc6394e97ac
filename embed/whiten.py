"""Whitening: make every direction of a feature space count the same, unless it is but noise."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError, ShapeError

NOISE = 0.003
"""Variance of a feature that means nothing; axes with less than that stay small.

Features are logarithms, or roots of shares: their units are comparable as they are. Dividing each
by its own sd first, as is often done, raised such noise to the level of what matters: UC Merced
75 % instead of 83 % right, with the tables fitted on other pictures.
"""


@dataclass(frozen=True, slots=True)
class Whitening:
    """Subtract the mean, rotate to principal axes, divide by the root of variance + noise.

    mean: (d,) float32. matrix: (d, k) float32, axes already divided.
    """

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        """Numbers that come out."""
        return int(self.matrix.shape[1])

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (k,) of one picture's (d,): each alone, so that a batch can't change it."""
        if features.shape != self.mean.shape:
            raise ShapeError(f"features must be {self.mean.shape}, got {features.shape}")
        return ((features - self.mean) @ self.matrix).astype(np.float32, copy=False)


def fit_whitening(
    features: NDArray[np.float32],
    weights: NDArray[np.float64],
    *,
    dimension: int,
    noise: float = NOISE,
) -> Whitening:
    """Fit a whitening to features (n, d) with weights (n,) >= 0, keeping `dimension` axes.

    The sign of each axis is fixed (its largest entry is positive), so that fitting again gives the
    same table.
    """
    if features.ndim != 2 or weights.shape != features.shape[:1]:
        raise ShapeError(f"features {features.shape} and weights {weights.shape} do not fit")
    share = weights / weights.sum()
    mean = share @ features.astype(np.float64)
    centred = features - mean
    variances, axes = np.linalg.eigh((centred * share[:, None]).T @ centred)
    variances, axes = variances[::-1][:dimension], axes[:, ::-1][:, :dimension]
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    matrix = axes / np.sqrt(np.maximum(variances, 0.0) + max(noise, 1e-9))
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def save_tables(path: Path, tables: Mapping[str, Whitening], about: Mapping[str, str]) -> None:
    """Write whitenings by name to a safetensors file, `about` into its header."""
    from safetensors.numpy import save

    arrays = {
        f"{name}.{field}": np.ascontiguousarray(getattr(table, field))
        for name, table in tables.items()
        for field in Whitening.__slots__
    }
    path.write_bytes(save(arrays, metadata=dict(about)))


def load_tables(path: Path) -> dict[str, Whitening]:
    """Read what `save_tables` wrote; raises EncoderError when it is something else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as problem:
        raise EncoderError(f"no tables of the built-in encoder in {path}: {problem}") from problem
    tables = {}
    for name in sorted({key.partition(".")[0] for key in arrays}):
        mean, matrix = arrays.get(f"{name}.mean"), arrays.get(f"{name}.matrix")
        if (
            mean is None
            or matrix is None
            or mean.dtype != np.float32
            or matrix.dtype != np.float32
            or mean.ndim != 1
            or matrix.ndim != 2
            or len(mean) != len(matrix)
        ):
            raise EncoderError(f"{path} does not hold tables of the built-in encoder")
        tables[name] = Whitening(mean, matrix)
    return tables


def digest_tables(tables: Mapping[str, Whitening]) -> str:
    """Return the BLAKE2b-128 over names, shapes and values of all tables."""
    told = hashlib.blake2b(digest_size=16)
    for name in sorted(tables):
        for field in Whitening.__slots__:
            values = getattr(tables[name], field)
            told.update(f"{name}.{field}{values.shape}".encode())
            told.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return told.hexdigest()
