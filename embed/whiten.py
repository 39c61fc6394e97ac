"""Whitening: make every direction of a feature space count the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError, ShapeError

LIMIT = 5.0
"""Standard deviations beyond which a feature is cut off: one odd number must not rule a vector."""


@dataclass(frozen=True, slots=True)
class Whitening:
    """Standardise, cut off at 5 sd, rotate to principal axes, divide by their sd.

    mean, spread: (d,) float32. matrix: (d, k) float32, principal axes divided by the root of their
    variance. offset: (k,) float32, added last, so that the fitted set has mean zero.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        """Numbers that come out."""
        return int(self.matrix.shape[1])

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (k,) of one picture's (d,): each alone, so that a batch can't change it."""
        if features.shape != self.mean.shape:
            raise ShapeError(f"features must be {self.mean.shape}, got {features.shape}")
        standard = np.clip((features - self.mean) / self.spread, -LIMIT, LIMIT)
        return standard @ self.matrix + self.offset


def fit_whitening(
    features: NDArray[np.float32], weights: NDArray[np.float64], *, dimension: int
) -> Whitening:
    """Fit a whitening to features (n, d) with weights (n,) >= 0, keeping `dimension` axes.

    The sign of each axis is fixed (its largest entry is positive), so that fitting again gives the
    same table.
    """
    if features.ndim != 2 or weights.shape != features.shape[:1]:
        raise ShapeError(f"features {features.shape} and weights {weights.shape} do not fit")
    share = weights / weights.sum()
    values = features.astype(np.float64)
    mean = share @ values
    spread = np.sqrt(share @ (values - mean) ** 2) + 1e-6
    standard = np.clip((values - mean) / spread, -LIMIT, LIMIT)
    middle = share @ standard
    standard -= middle
    variances, axes = np.linalg.eigh((standard * share[:, None]).T @ standard)
    variances, axes = variances[::-1][:dimension], axes[:, ::-1][:, :dimension]
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    matrix = axes / np.sqrt(np.maximum(variances, 1e-9))
    tables = (mean, spread, matrix, -(middle @ matrix))
    return Whitening(*(table.astype(np.float32) for table in tables))


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
    for name in {key.partition(".")[0] for key in arrays}:
        parts = [arrays.get(f"{name}.{field}") for field in Whitening.__slots__]
        known = [part for part in parts if part is not None and part.dtype == np.float32]
        if len(known) != len(parts) or known[2].shape != (len(known[0]), len(known[3])):
            raise EncoderError(f"{path} does not hold tables of the built-in encoder")
        tables[name] = Whitening(*known)
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
