"""Plots of rankings, as PNG, SVG or PDF: dark on white, readable at half size, for all eyes."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..media.whole import whole
from .lettering import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

INK = "#1a1a1e"
MUTED = "#6b6b73"
# Okabe and Ito 2008, "Color universal design": told apart with any colour vision
BLUE = "#0072b2"
ORANGE = "#d55e00"
_GRID = "#e3e3e7"

_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""The formats; without dates, the same plot is the same file."""
_DENSE = 4000
"""From so many points on, dots are drawn as pixels inside SVG and PDF, which else grow to 10 MB."""

Bar = tuple[str, float, float | None, float | None]
"""Name, figure, and the ends of its interval."""


def plot_ranking(
    path: Path | str,
    scores: NDArray[Any],
    frames: NDArray[Any],
    flagged: NDArray[np.bool_],
    times: NDArray[Any] | None = None,
    *,
    advised: int,
    half: int,
    title: str = "",
) -> None:
    """Draw scores over time beside the same scores sorted; with how many to stack.

    scores: (n,), higher is better, in any unit; NaN where there is none. frames: (n,) their
    numbers. flagged: (n,), marked, and left out of the sorted curve. times: (n,) datetime64 or
    seconds; None shows frame numbers. advised: how many frames to stack; half: after how many the
    score has fallen halfway from the best to the median; 0 marks neither.
    Raises UsageError for a path that can't be written, ShapeError for arrays of other lengths.
    """
    scores, flagged = np.asarray(scores, np.float64), np.asarray(flagged, bool)
    _check_lengths(scores, frames=frames, flagged=flagged, times=times)
    good = ~flagged & np.isfinite(scores)
    drawing = _drawing(13, 5.2, title)
    left, right = drawing.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    across, label = _over_time(np.asarray(frames), times)
    _over(left, across, scores, good, flagged & np.isfinite(scores))
    left.set(xlabel=label, ylabel="score")
    left.margins(x=0.02)
    left.ticklabel_format(axis="y", useMathText=True)
    _fall(right, np.sort(scores[good])[::-1], advised, half)
    _save(drawing, path)


def plot_agreement(
    path: Path | str,
    given: NDArray[Any],
    other: NDArray[Any],
    *,
    names: tuple[str, str],
    spearman: float,
    title: str = "",
) -> None:
    """Draw each frame's rank in one order against its rank in another; 1 is the best.

    given, other: (n,) ranks, of frames in the same order. names: of the two, for the axes.
    Raises UsageError for a path that can't be written, ShapeError for arrays of other lengths.
    """
    from matplotlib.ticker import MaxNLocator

    given = np.asarray(given, np.float64)
    _check_lengths(given, other=other)
    heading = f"Spearman {spearman:.3f}"
    drawing = _drawing(7.4, 7.4, f"{title}\n{heading}" if title else heading)
    axes = drawing.subplots()
    count = max(len(given), 1)
    axes.plot([1, count], [1, count], color=MUTED, linewidth=1.2, zorder=1)
    size = float(np.clip(6000 / count, 2, 22))
    axes.scatter(
        given, other, s=size, color=BLUE, alpha=0.55, linewidths=0, rasterized=count > _DENSE
    )
    axes.set(xlabel=f"rank by {names[0]}", ylabel=f"rank by {names[1]}")
    room = max(0.02 * count, 0.5)
    axes.set(xlim=(1 - room, count + room), ylim=(1 - room, count + room), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    _save(drawing, path)


def plot_bars(path: Path | str, bars: Sequence[Bar], *, label: str, title: str = "") -> None:
    """Draw figures of several rankings as points with their intervals, the first at the top.

    label: what the figures are. Raises UsageError for a path that can't be written.
    """
    drawing = _drawing(9, 1.6 + 0.5 * max(len(bars), 1), title)
    axes = drawing.subplots()
    for place, (_, value, low, high) in enumerate(bars):
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot([value], [place], "o", color=INK, markersize=8)
        axes.annotate(
            f"{value:.3f}", (value, place), (0, 7), textcoords="offset points", ha="center",
            va="bottom", fontsize=12, color=INK,
        )  # fmt: skip
    axes.set_yticks(range(len(bars)), [_short(name) for name, *_ in bars])
    axes.set_ylim(max(len(bars), 1) - 0.5, -0.7)
    axes.margins(x=0.08)
    axes.set_xlabel(label)
    axes.grid(visible=True, axis="x", color=_GRID, linewidth=1)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _save(drawing, path)


def check_plot_path(path: Path | str) -> None:
    """Raise the UsageError that a plot would, before any work is done for it."""
    path = Path(path)
    shown = printable(str(path))
    if path.suffix.lower() not in _METADATA:
        found = f"not {printable(path.suffix)}" if path.suffix else "and this name has no suffix"
        raise UsageError(f"{shown}: a plot is a .png, .svg or .pdf, {found}; rename it")
    if path.is_dir():
        raise UsageError(f"{shown}: this is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{shown}: there is no such folder; make it first")


# --- parts of the plot of a ranking -----------------------------------------------------------


def _over_time(frames: NDArray[Any], times: NDArray[Any] | None) -> tuple[NDArray[Any], str]:
    """Return where frames lie across, and what that axis is called."""
    if times is None:
        return frames, "frame"
    times = np.asarray(times)
    if times.dtype.kind == "M":
        if np.isnat(times).any():
            return frames, "frame"
        times = (times - times.min()) / np.timedelta64(1, "s") if len(times) else times
    seconds = np.asarray(times, np.float64)
    if len(seconds) and np.ptp(seconds) > 600:
        return seconds / 60, "minutes from the first frame"
    return seconds, "seconds from the first frame"


def _over(
    axes: "Axes",
    across: NDArray[Any],
    scores: NDArray[np.float64],
    good: NDArray[np.bool_],
    flagged: NDArray[np.bool_],
) -> None:
    dense = int(good.sum()) > _DENSE
    size = 3 if dense else float(np.clip(9000 / max(int(good.sum()), 1), 5, 20))
    axes.scatter(
        across[good], scores[good], s=size, color=BLUE, alpha=0.35 if dense else 0.75,
        linewidths=0, rasterized=dense,
    )  # fmt: skip
    if not flagged.any():
        return
    # a wild score must not squeeze the others: it is shown at the edge
    low, high = _limits(scores[good]) if good.any() else _limits(scores[flagged])
    shown = np.clip(scores[flagged], low, high)
    axes.scatter(
        across[flagged], shown, s=42, marker="x", color=ORANGE, linewidths=1.6,
        label=f"flagged ({int(flagged.sum())})", clip_on=False, zorder=3,
    )  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, borderaxespad=0.2)
    axes.set_ylim(low, high)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _fall(axes: "Axes", falling: NDArray[np.float64], advised: int, half: int) -> None:
    """Draw the sorted curve, with what to stack shaded and the half-fall point."""
    count = len(falling)
    place = np.arange(1, count + 1)
    axes.plot(place, falling, color=BLUE, linewidth=2.4)
    axes.set_xlabel("frames, best first")
    axes.set_xlim(0, max(count, 1))
    axes.tick_params(axis="y", labelleft=False)
    if 0 < advised <= count:
        axes.axvspan(0, advised, color=BLUE, alpha=0.13, linewidth=0)
        axes.axvline(advised, color=BLUE, linewidth=1.4)
    if 0 < half <= count:
        axes.plot([half], [falling[half - 1]], "o", color=ORANGE, markersize=10, zorder=3)
    handles = []
    if 0 < advised <= count:
        share = 100 * advised / count
        handles.append((BLUE, f"advised: best {advised} ({share:.0f} %)"))
    if 0 < half <= count:
        handles.append((ORANGE, f"half-fall: {half} frames"))
    for line, (colour, text) in enumerate(handles):
        axes.text(
            0.97, 0.96 - 0.075 * line, text, transform=axes.transAxes, ha="right", va="top",
            color=colour, fontsize=13,
        )  # fmt: skip


# --- paper and ink ----------------------------------------------------------------------------


def _drawing(width: float, height: float, title: str) -> "Drawing":
    """Return an empty drawing, inches wide and high; no state outside it is touched."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")
    if title:
        lines = (_short(printable(line), 100) for line in title.split("\n"))
        drawing.suptitle("\n".join(map(_plain, lines)), fontsize=16, color=INK)
    return drawing


def _dress(axes: "Axes") -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=13, color=MUTED)
    axes.xaxis.label.set(size=14, color=INK, text=_plain(axes.get_xlabel()))
    axes.yaxis.label.set(size=14, color=INK, text=_plain(axes.get_ylabel()))
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set(size=13, color=INK)
    legend = axes.get_legend()
    for text in legend.get_texts() if legend else []:
        text.set(size=13, color=INK)


def _short(name: str, most: int = 40) -> str:
    """Return a name on one line, its middle left out where it is long."""
    name = _plain(printable(name))
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"


def _plain(text: str) -> str:
    r"""Return text in which no $ begins a formula."""
    return text.replace("\\$", "$").replace("$", "\\$")


def _check_lengths(first: NDArray[Any], **others: NDArray[Any] | None) -> None:
    for name, values in others.items():
        if values is not None and np.shape(values) != (len(first),):
            raise ShapeError(f"{len(first)} values need as many {name}, not {np.shape(values)}")


def _save(drawing: "Drawing", path: Path | str) -> None:
    """Write a drawing; it appears whole or not at all."""
    from matplotlib import rc_context

    path = Path(path)
    check_plot_path(path)
    for axes in drawing.axes:
        _dress(axes)
    suffix = path.suffix.lower()
    try:
        with (
            whole(path) as file,
            rc_context({"svg.hashsalt": "seeing"}),
            warnings.catch_warnings(),
        ):
            # a file's name may have any letters; those that no font here has are drawn as boxes
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            drawing.savefig(file, format=suffix[1:], metadata=_METADATA[suffix])
    except OSError as problem:
        why = problem.strerror or problem
        raise UsageError(f"{printable(str(path))}: the plot can't be written: {why}") from problem
