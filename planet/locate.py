"""Where the object stands in each frame: threshold, mask, centre; and what looks wrong with it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.25
"""The mask's threshold, as a share of the object's brightness above the background."""
SIGNIFICANT = 5.0
"""... and at least so many standard deviations of the background."""
_TOUCHES = 0.05
"""A border row or column of which a larger share is object cuts it."""
_BORDER = 0.25
"""A frame of whose border a larger share is object shows a surface, not a planet."""
_SHOWS = 0.5
"""A frame of less contrast, as a share of the others', shows nothing."""
_ALONE = 3.0
"""What is so many times brighter than nearly all the rest spans is a planet, however small."""
_ODD = 0.15
"""A mask whose area or spread differs from the usual by this share is searched for components."""


@dataclass(slots=True)
class Located:
    """What a look at small copies of n frames tells; lengths in pixels of the full frames.

    y, x: middle of the object's mask; NaN where nothing is there. area: its pixels.
    background: level of the border, noise: its standard deviation, both of block means.
    roundness: minor over major axis of the mask, 0..1. skew: the largest step between the middles
    of neighbouring rows of the mask; a frame with shifted slices has several pixels.
    """

    y: NDArray[np.float32]
    x: NDArray[np.float32]
    area: NDArray[np.float32]
    background: NDArray[np.float32]
    noise: NDArray[np.float32]
    skew: NDArray[np.float32]
    roundness: NDArray[np.float32]
    cut: NDArray[np.bool_]
    absent: NDArray[np.bool_]


def block(height: int, width: int, *, cells: int = 32) -> int:
    """Return the side of the blocks that a frame is averaged over before the object is sought."""
    return max(1, min(height, width) // cells)


def small(frames: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Return (n, height // side, width // side) means of blocks of (n, height, width) frames."""
    import cv2

    count, height, width = frames.shape
    rows, columns = height // side, width // side
    if side == 1:
        return frames.astype(np.float32)
    if width % side or height % side:
        frames = frames[:, : rows * side, : columns * side]
    if frames.dtype == np.uint8 and side == 4:
        return _small_bytes(np.ascontiguousarray(frames))
    means = np.empty((count, rows, columns), np.float32)
    for number, frame in enumerate(frames):
        part = frame.astype(np.float32) if frame.dtype != np.float32 else frame
        means[number] = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    return means


def _small_bytes(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return means of 4 x 4 blocks of bytes: whole rows are added, then pairs inside words."""
    count, height, width = frames.shape
    four = frames.reshape(count, height // 4, 4, width)
    rows = four[:, :, 0].astype(np.uint16)
    for step in (1, 2, 3):
        rows += four[:, :, step]
    pairs = rows.view(np.uint32)
    sums = pairs[..., 0::2] + pairs[..., 1::2]
    return np.multiply((sums & 0xFFFF) + (sums >> 16), np.float32(1 / 16), dtype=np.float32)


def is_surface(means: NDArray[np.float32]) -> bool:
    """Tell whether the object reaches over the frame's border in most frames: a surface.

    Frames of far less contrast than others show nothing and have no say.
    """
    low, high = np.percentile(means, (2, 98), axis=(1, 2))
    peak = means.max((1, 2))
    high = np.where(peak - high > _ALONE * (high - low), peak, high)
    contrast = high - low
    shares = []
    for number in np.flatnonzero(contrast >= _SHOWS * np.percentile(contrast, 95)):
        border = _border(means[number][None])[0]
        shares.append(float(np.mean(border > low[number] + _BORDER * contrast[number])))
    return float(np.median(shares)) > _BORDER


def is_cut(found: Located) -> bool:
    """Tell whether the border cuts the object in most frames that show it."""
    shown = ~found.absent
    return bool(shown.any() and found.cut[shown].mean() > 0.5)


class Locator:
    """Finds a planet in frames: what is usual is learned from some of them."""

    def __init__(self, means: NDArray[np.float32], side: int) -> None:
        self.side = side
        self.usual: tuple[float, float] | None = None
        _, masks = self._masks(means)
        areas = masks.sum((1, 2))
        good = areas > 0
        if good.any():
            each = [self._largest(mask) for mask in masks[good]]
            spreads = [_spread(mask) for mask in each]
            self.usual = float(np.median([m.sum() for m in each])), float(np.median(spreads))

    @classmethod
    def remembered(cls, side: int, usual: tuple[float, float] | None) -> "Locator":
        """Return a locator that learned before what is usual."""
        locator = cls.__new__(cls)
        locator.side, locator.usual = side, usual
        return locator

    @property
    def diameter(self) -> float:
        """The usual object's diameter in pixels of the frames, as of a disc of its area."""
        return 0.0 if self.usual is None else 2 * float(np.sqrt(self.usual[0] / np.pi)) * self.side

    def locate(self, means: NDArray[np.float32]) -> Located:
        """Find the object in (n, rows, columns) block means of frames."""
        (background, noise), masks = self._masks(means)
        rows = _rows(masks)
        shape = _moments(rows)
        if self.usual is not None:
            odd = np.abs(shape.area - self.usual[0]) > _ODD * self.usual[0]
            odd |= ~(np.abs(shape.spread - self.usual[1]) <= _ODD * self.usual[1])
            changed = np.flatnonzero(odd & (shape.area > 0))
            for number in changed:
                masks[number] = self._largest(masks[number])
            rows[changed] = _rows(masks[changed])
            shape = _moments(rows)
        edges = (masks[:, 0], masks[:, -1], masks[..., 0], masks[..., -1])
        share = np.stack([edge @ np.full(edge.shape[1], 1 / edge.shape[1]) for edge in edges])
        middle = (self.side - 1) / 2
        return Located(
            y=shape.y * self.side + middle,
            x=shape.x * self.side + middle,
            area=shape.area * self.side**2,
            background=background,
            noise=noise,
            skew=_skew(rows) * self.side,
            roundness=shape.roundness,
            cut=share.max(0) > _TOUCHES,
            absent=shape.area == 0,
        )

    def _masks(
        self, means: NDArray[np.float32]
    ) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]:
        border = np.sort(_border(means), axis=1)
        count = border.shape[1]
        background = border[:, count // 2]
        noise = np.maximum(background - border[:, count * 16 // 100], 1e-30)
        above = means - background[:, None, None]
        # the third brightest row: one hot block must not set the level
        rows = min(3, means.shape[1])
        peak = np.partition(_brightest(above), -rows, axis=1)[:, -rows]
        level = np.maximum(LEVEL * peak, SIGNIFICANT * noise)
        return (background, noise), (above > level[:, None, None]).astype(np.float32)

    @staticmethod
    def _largest(mask: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the largest connected part of a mask (two parts that touch at corners are one)."""
        import cv2

        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        if count < 3:
            return mask
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        return np.asarray(labels == largest, np.float32)


def _brightest(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, rows) maxima of each row of (n, rows, columns).

    Of a copy with the columns first, in half the time of numpy's own along a short last axis.
    """
    across: NDArray[np.float32] = np.ascontiguousarray(frames.transpose(2, 0, 1)).max(0)
    return across


def _border(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, m) values along the frames' borders."""
    edges = (means[:, 0], means[:, -1], means[:, 1:-1, 0], means[:, 1:-1, -1])
    return np.concatenate(edges, axis=1)


@dataclass(slots=True)
class _Shape:
    """Area, middle, second moments about it, of n masks, in blocks; NaN where nothing is."""

    area: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]
    yy: NDArray[np.float32]
    yx: NDArray[np.float32]
    xx: NDArray[np.float32]

    @property
    def spread(self) -> NDArray[np.float32]:
        """Mean squared distance from the middle."""
        return self.yy + self.xx

    @property
    def roundness(self) -> NDArray[np.float32]:
        """Minor over major axis; 0 where nothing is."""
        middle, half = (self.yy + self.xx) / 2, np.hypot((self.yy - self.xx) / 2, self.yx)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.sqrt(np.maximum(middle - half, 0) / (middle + half))
        return np.asarray(np.nan_to_num(ratio), np.float32)


def _rows(masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, rows, 3) sums of 1, x and x squared over each row of masks."""
    columns = np.arange(masks.shape[2], dtype=np.float32)
    return masks @ np.stack((np.ones_like(columns), columns, columns**2), axis=1)


def _moments(rows: NDArray[np.float32]) -> _Shape:
    """Return the shapes of masks from the sums of their rows.

    All in one product: numpy's sums over short axes take five times as long.
    """
    y = np.arange(rows.shape[1], dtype=np.float32)
    weights = np.zeros((len(y), 3, 6), np.float32)
    weights[:, 0, 0] = weights[:, 1, 2] = weights[:, 2, 5] = 1
    weights[:, 0, 1] = weights[:, 1, 4] = y
    weights[:, 0, 3] = y**2
    sums = (rows.reshape(len(rows), -1) @ weights.reshape(-1, 6)).T
    area = sums[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        y, x, yy, yx, xx = sums[1:] / area
    return _Shape(area, y, x, yy - y * y, yx - y * x, xx - x * x)


def _spread(mask: NDArray[np.float32]) -> float:
    return float(_moments(_rows(mask[None])).spread[0])


def _skew(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest jump between the middles of neighbouring long rows of masks, in blocks."""
    length = rows[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = rows[..., 1] / length
    long = length > 0.5 * length.max(1, keepdims=True)
    jump = np.abs(np.diff(middle, axis=1))
    jump[~(long[:, 1:] & long[:, :-1]) | ~np.isfinite(jump)] = 0
    return np.asarray(jump.max(1), np.float32)
