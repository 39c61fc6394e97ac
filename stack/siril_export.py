"""Chosen frames handed over to Siril: a SER with a sequence file, or only that."""

from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..video.base import Video
from ..video.ser import Ser
from .export import Numbers, Tell, check_not_input, export_ser
from .save import check_free
from .siril import Form, sequence, write_sequence


def export_siril(
    video: Video,
    numbers: Numbers,
    dy: NDArray[Any],
    dx: NDArray[Any],
    scores: NDArray[Any],
    path: Path | str,
    *,
    form: Form,
    debayer: bool = False,
    force: bool = False,
    tell: Tell | None = None,
) -> tuple[Path, Path]:
    """Write frames as a SER and, beside it, the .seq that has Siril stack them by our shifts.

    numbers, dy, dx, scores: (n,), alike; see `siril.sequence`. A mosaic that is not debayered is
    stacked in grey by Siril. Returns both paths. Raises as `export_ser`; then neither is there.
    """
    path = Path(path)
    if path.suffix != ".ser":  # Siril finds no .SER
        raise UsageError(f"{path}: for Siril give a name that ends in .ser")
    listed = path.with_suffix(".seq")
    for one in (path, listed):
        check_free(one, force=force)
    check_not_input(video, [path, listed])
    numbers = np.asarray(numbers, np.int64)
    mosaic = video.about.pattern is not None and not debayer
    three = video.about.planes == 3 or (video.about.pattern is not None and debayer)
    new = not path.exists()
    written = export_ser(video, numbers, path, debayer=debayer, force=force, tell=tell)
    try:
        rows = _rows_of(numbers, written)
        told = sequence(
            path.stem, dy[rows], dx[rows], scores[rows], layers=3 if three else 1, mosaic=mosaic
        )
        write_sequence(listed, told, form, force=force)
    except BaseException:
        if new:
            path.unlink(missing_ok=True)
        raise
    return path, listed


def export_selection(
    video: Video,
    numbers: Numbers,
    dy: NDArray[Any],
    dx: NDArray[Any],
    scores: NDArray[Any],
    *,
    form: Form,
    path: Path | str | None = None,
    force: bool = False,
) -> Path:
    """Write the .seq of a SER itself: all of its frames, those chosen included.

    path: None puts it beside the SER, where Siril looks for it (elsewhere see `unseen_by_siril`).
    Shifts of frames that are not chosen are not written. Raises UsageError for anything but a
    single SER, and where Siril would take another SER for it.
    """
    if not isinstance(video, Ser):
        raise UsageError(f"{video.path.name}: only a single SER has a .seq of its own")
    listed = video.path.with_suffix(".seq") if path is None else Path(path)
    check_free(listed, force=force)
    check_not_input(video, [listed])
    looked_for = listed.with_suffix(".ser")
    if looked_for.exists() and not looked_for.samefile(video.path):
        raise UsageError(
            f"{listed}: Siril would use it with {looked_for.name} beside it, which is another "
            f"video than {video.path.name}; give another name"
        )
    count = len(video)
    use = np.zeros(count, bool)
    use[numbers] = True
    whole_video = [np.full(count, np.nan) for _ in range(3)]
    for column, values in zip(whole_video, (dy, dx, scores), strict=True):
        column[numbers] = values
    told = sequence(
        listed.stem, *whole_video, included=use, layers=3 if video.about.planes == 3 else 1,
        mosaic=video.about.pattern is not None,
    )  # fmt: skip
    write_sequence(listed, told, form, force=force)
    return listed


def unseen_by_siril(video: Video, listed: Path) -> str:
    """Return what to do so that Siril finds the SER of a .seq, empty where it does.

    It opens the file beside the .seq that has its name and ends in .ser, in small letters; the name
    inside the .seq counts for nothing (measured with 1.0.6).
    """
    looked_for = listed.with_suffix(".ser")
    if looked_for.exists():
        return ""
    return (
        f"Siril looks for {looked_for.name} beside {listed.name}: put the video there, as by "
        f"ln -s {quote(str(video.path.resolve()))} {quote(str(looked_for))}"
    )


def _rows_of(numbers: Numbers, written: Numbers) -> NDArray[np.intp]:
    """Return which rows of the numbers were written, in order."""
    if len(written) == len(numbers):
        return np.arange(len(numbers))
    return np.flatnonzero(np.isin(numbers, written))
