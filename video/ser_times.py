"""The times behind the frames of a SER file, and what recorders do wrong in writing them."""

import numpy as np
from numpy.typing import NDArray

from .ser_header import (
    EARLIEST,
    FILETIME_EPOCH,
    LATEST,
    TIME_BITS,
    UNIX_EPOCH,
    SerHeader,
    corrected,
)

_MINUTE = 600_000_000
_MONTH = 30 * 24 * 60 * _MINUTE
_SMALLEST_ZONE, _LARGEST_ZONE = 10 * _MINUTE, 15 * 60 * _MINUTE


def are_plausible(ticks: NDArray[np.int64]) -> bool:
    """Tell whether all of some numbers may be times of one video: none before the first.

    Of arbitrary numbers every eleventh is some time of our era, hence the limit of a month too.
    """
    if not len(ticks):
        return False
    times, _ = _common(ticks)
    if not _known(times).all():
        return False
    return bool((times >= times[0]).all() and (times < times[0] + _MONTH).all())


def read_times(
    ticks: NDArray[np.int64], header: SerHeader, frames: int
) -> tuple[NDArray[np.datetime64] | None, list[str]]:
    """Return the time of each frame, UTC in ns, NaT where it is unknown, and remarks.

    ticks: the trailer as stored, at most `frames` of them; a shorter one tells of the first frames.
    None where nothing in it can be used.
    """
    if not len(ticks):
        return None, []
    times, filetime = _common(ticks[:frames])
    known = _known(times)
    if not known.any() or (len(times) > 1 and (times == times[0]).all()):
        return None, ["no usable times: those in its trailer are all equal, or no times"]
    remarks = []
    if filetime:
        remarks.append("times counted from 1601 (FILETIME) and taken as such")
    if not known.all():
        remarks.append(f"{int((~known).sum())} of {len(times)} times are no times; left out")
    if len(times) < frames:
        remarks.append(f"times for the first {len(times)} of {frames} frames only")
    shift = _zone(int(times[known][0]), header)
    if shift:
        hours = shift / (60 * _MINUTE)
        remarks.append(f"times are local, not UTC (a guess from its start); shifted {hours:+.2f} h")
    back = int((np.diff(times[known]) < 0).sum())
    if back:
        remarks.append(f"times step back {back} times; frames kept in the order of the file")
    found = np.full(frames, np.datetime64("NaT", "ns"))
    found[: len(times)][known] = ((times[known] + shift - UNIX_EPOCH) * 100).view("datetime64[ns]")
    return found, remarks


def _common(ticks: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
    """Return ticks since the year 1, without flags, and whether they counted from 1601."""
    times = ticks & np.int64(TIME_BITS)
    early = (times > 0) & (times < EARLIEST)
    moved = times + np.int64(FILETIME_EPOCH)
    filetime = early & (moved >= EARLIEST) & (moved < LATEST)
    return np.where(filetime, moved, times), bool(filetime.any())


def _known(times: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (times >= EARLIEST) & (times < LATEST)


def _zone(first: int, header: SerHeader) -> int:
    """Return what to add to times that begin nearer to the header's local start than to UTC."""
    local = corrected(header.date_time) if header.date_time > 0 else None
    utc = corrected(header.date_time_utc) if header.date_time_utc > 0 else None
    if local is None or utc is None or not _SMALLEST_ZONE <= abs(utc - local) <= _LARGEST_ZONE:
        return 0
    return utc - local if abs(first - local) < abs(first - utc) else 0
