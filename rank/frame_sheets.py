"""Sheets of frames: the best, the best beside the worst, two rankings side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..media.display import display
from ..media.read import read
from ..planet.reference import shown_as_used
from ..show.sheet import Tile, check_sheet_path, draw_sheet, save_sheet
from ..show.thumbnail import thumbnail
from ..stack.sharpen import sharpened
from ..video.debayer import colour
from .frame_ranking import MOST_SHOWN, FrameRanking, RankedFrame

if TYPE_CHECKING:
    from .frame_stacks import Stacked

_SIDE = 128
_WHITE = 99.8
"""Percentile of the brightest shown frame's pixels that becomes white, in all frames alike."""


def draw_best(ranking: FrameRanking, path: Path, *, columns: int | None = None) -> None:
    """Write the best in rows of ten, a hundred tiles with the reference, which comes first."""
    check_sheet_path(path)
    shown = _references(ranking)
    entries = list(ranking.entries[: MOST_SHOWN - len(shown)])
    tiles = [*shown, *_tiles(ranking, entries)]
    footer = f"the best {len(entries)} of {len(ranking.scores)} frames{_footnote(ranking)}"
    save_sheet(
        draw_sheet(
            tiles, columns=columns or (len(tiles) if 0 < len(tiles) < 12 else 10), side=_SIDE,
            title=ranking.title(), footer=footer,
        ),
        path,
    )  # fmt: skip


def draw_extremes(ranking: FrameRanking, path: Path, n: int) -> None:
    """Write the n best and, from the last good one up, the n worst frames, equally stretched."""
    check_sheet_path(path)
    good = ranking.good
    best = list(ranking.entries[: min(n, good)])
    worst = list(ranking.entries[max(len(best), good - n) : good])[::-1]
    tiles = _tiles(ranking, [*best, *worst])
    save_sheet(
        draw_sheet(
            tiles, columns=max(1, len(best)), side=_SIDE, title=ranking.title(),
            footer=f"above the best {len(best)}, below the worst {len(worst)} of {good} good ones",
        ),
        path,
    )  # fmt: skip


def draw_comparison(one: FrameRanking, other: FrameRanking, path: Path, *, rows: int = 10) -> None:
    """Write two rankings in one grid: five columns of the one, five of the other."""
    check_sheet_path(path)
    left = _tiles(one, list(one.entries[: 5 * rows]), one.scorer.name)
    right = _tiles(other, list(other.entries[: 5 * rows]), other.scorer.name)
    tiles = []
    for first in range(0, max(len(left), len(right)), 5):
        tiles += [*left[first : first + 5], *right[first : first + 5]]
    save_sheet(
        draw_sheet(
            tiles, columns=10, side=_SIDE,
            title=f"{one.video.path.name}   left {one.scorer.name}, right {other.scorer.name}",
        ),
        path,
    )  # fmt: skip


def draw_stacks(made: "Sequence[Stacked]", path: Path, *, strength: float = 1.0) -> None:
    """Write stacks side by side, sharpened and stretched alike."""
    check_sheet_path(path)
    sharp = [
        sharpened(
            one.stack.picture, strength=strength,
            limit=one.resolution.seventh if one.resolution else None,
        )
        for one in made
    ]  # fmt: skip
    black = min(float(np.percentile(picture, 0.2)) for picture in sharp)
    white = max(float(np.percentile(picture, 99.9)) for picture in sharp)
    tiles = []
    for one, picture in zip(made, sharp, strict=True):
        shown = np.clip((picture - black) * 255 / max(white - black, 1e-12), 0, 255)
        detail = "" if one.resolution is None else f"{1 / max(one.resolution.seventh, 1e-3):.2f} px"
        tiles.append(
            Tile(
                shown.astype(np.uint8), one.ranking.scorer.name,
                f"{one.stack.frames} frames   detail to {detail}",
            )
        )  # fmt: skip
    name = made[0].ranking.video.path.name
    side = int(np.clip(max(sharp[0].shape[:2]), 256, 512))
    save_sheet(draw_sheet(tiles, columns=min(3, len(tiles)), side=side, title=name), path)


def crops(ranking: FrameRanking, entries: Sequence[RankedFrame]) -> list[NDArray[np.uint8]]:
    """Return the object of frames, (side, side, 1 or 3) uint8, all stretched alike.

    Black is the median background, white the 99.8 % quantile of all of them together.
    """
    survey, video = ranking.survey, ranking.video
    step = 2 if video.about.pattern else 1
    side = survey.scene.side * survey.scene.shrink * step
    found: dict[int, NDArray[np.float32]] = {}
    places = {int(survey.rows["number"][entry.row]): entry.row for entry in entries}
    for numbers, samples in video.batches(np.array(sorted(places), np.int64), size=8):
        shown = colour(samples, video.about.pattern) if video.about.pattern != "CMY" else samples
        for number, frame in zip(numbers.tolist(), shown, strict=True):
            row = survey.rows[places[number]]
            y, x = (float(row[name] + 0.5) * step - 0.5 for name in ("y", "x"))
            shining = np.nan_to_num(frame.astype(np.float32), posinf=0, neginf=0)
            found[places[number]] = _cut(shining, y, x, side)
    if not found:
        return []
    black = float(np.median([survey.rows["background"][row] for row in found]))
    if survey.scene.kind == "surface":
        black = min(float(np.percentile(crop, 0.2)) for crop in found.values())
    white = max(float(np.percentile(crop, _WHITE)) for crop in found.values())
    scale = 255 / max(white - black, 1e-12)
    return [
        np.clip((found[entry.row] - black) * scale, 0, 255).astype(np.uint8) for entry in entries
    ]


def _cut(frame: NDArray[np.float32], y: float, x: float, side: int) -> NDArray[np.float32]:
    """Return a square around (y, x), as much of it as lies inside the frame."""
    height, width = frame.shape[:2]
    y, x = (value if np.isfinite(value) else n / 2 for value, n in ((y, height), (x, width)))
    top = int(np.clip(round(y - side / 2), 0, max(0, height - side)))
    left = int(np.clip(round(x - side / 2), 0, max(0, width - side)))
    return frame[top : top + side, left : left + side]


def _tiles(ranking: FrameRanking, entries: list[RankedFrame], name: str = "") -> list[Tile]:
    pictures = crops(ranking, entries)
    return [
        Tile(picture, f"#{entry.item.frame}" if entry.item.frame is not None else (
            entry.item.path.name), f"{entry.rank}   {name or ranking.caption(entry)}")
        for entry, picture in zip(entries, pictures, strict=True)
    ]  # fmt: skip


def _references(ranking: FrameRanking) -> list[Tile]:
    """Return the reference as it lies on the video, that eyes compare what the scorer compares."""
    address, registered = ranking.reference, ranking.registered
    if address is None:
        return []
    name = address.path.name
    if registered is None or not registered.used:
        return [
            Tile(lambda side: thumbnail(address, side), name, "not used", marked=True,
                 mark="reference")
        ]  # fmt: skip
    shown = shown_as_used(
        display(read(address.path)), registered, ranking.survey.scene,
        step=2 if ranking.video.about.pattern else 1,
    )  # fmt: skip
    return [Tile(shown, name, "as it is used", marked=True, mark="reference")]


def _footnote(ranking: FrameRanking) -> str:
    """Return what has to be known of the reference on a sheet."""
    registered = ranking.registered
    if registered is None or not registered.used:
        return ""
    return f"; the reference is {registered.undone}"
