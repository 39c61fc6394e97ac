"""Chosen frames handed over: as a SER, as pictures, as their own files, as a table."""

import os
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..media.picture import Samples
from ..show.rows import rows_as_csv
from ..video.base import Pattern, Video
from ..video.capture import Capture
from ..video.debayer import colour
from ..video.ser import Ser
from ..video.ser_header import RGB
from ..video.ser_write import SerWriter, make_header, to_ticks
from .save import check_free, encode_png, encode_tiff, whole, whole_folder

Tell = Callable[[int, int], None]
Numbers = NDArray[np.int64]
_BLOCK_BYTES = 1 << 27
"""Frames that are put in another order at once: a film is decoded once for each block."""
_COLOR_ID_AT = 18
_NAME = 50
"""Letters of the video's name that go into the names of pictures: all of it then fits."""


def export_ser(
    video: Video,
    numbers: Numbers,
    path: Path | str,
    *,
    debayer: bool = False,
    force: bool = False,
    tell: Tell | None = None,
) -> Numbers:
    """Write frames as a SER, in the order given; return the numbers of those that are in it.

    Samples are copied bit by bit. Of a SER, or of several as one capture, the header is kept but
    for the count, with its texts, byte order and colours, and so are the times as stored; of other
    videos the times are written as far as they are known. debayer: colours (red, green, blue) from
    a mosaic instead; programs that move frames by whole pixels would mix its filters.
    Frames that can't be decoded are left out. Raises UsageError for floats, which no SER holds, and
    where it can't or may not be written; PictureError where the video fails.
    """
    path = Path(path)
    check_free(path, force=force)
    check_not_input(video, [path])
    if not len(numbers):
        raise UsageError(f"{path}: no frames to export")
    ticks = _ticks(video)
    pattern = video.about.pattern if debayer else None
    done: list[Numbers] = []
    with ExitStack() as opened:
        writer: SerWriter | None = None
        for some, samples in in_order(video, numbers):
            shown = colour(samples, pattern)
            if writer is None:
                writer = opened.enter_context(_writer(video, path, shown, ticks, pattern))
            writer.write(shown, None if ticks is None else ticks[some])
            done.append(some)
            if tell is not None:
                tell(writer.frames, len(numbers))
        if writer is None:
            raise UsageError(f"{path}: none of {len(numbers)} frames can be decoded")
    return np.concatenate(done)


def export_pictures(
    video: Video,
    numbers: Numbers,
    folder: Path | str,
    *,
    form: Literal["png", "tif"] = "png",
    debayer: bool = True,
    force: bool = False,
    tell: Tell | None = None,
) -> list[Path]:
    """Write frames as numbered pictures, RANK_VIDEO_fNUMBER.png; return their paths.

    Samples keep their values and their 8 or 16 bits (floats: tif only); a mosaic becomes colours,
    unless `debayer` is False. The folder is made where it is missing; the pictures appear in it
    together, when all are complete. Raises as `export_ser`.
    """
    folder = Path(folder)
    digits = max(5, len(str(len(numbers))))
    stem = video.path.stem[:_NAME]
    names = [
        f"{rank:0{digits}d}_{stem}_f{number:05d}.{form}"
        for rank, number in enumerate(np.asarray(numbers).tolist(), 1)
    ]
    _check_folder(video, folder, names, force=force)
    kept = []
    with whole_folder(folder) as scratch:
        rank = 0
        for some, samples in in_order(video, numbers, all_rows=True):
            shown = samples
            if debayer and video.about.pattern not in (None, "CMY"):
                shown = colour(samples, video.about.pattern)
            for number, frame in zip(some.tolist(), shown, strict=True):
                rank += 1
                if number < 0:
                    continue
                if form == "png" and frame.dtype == np.float32:
                    raise UsageError(f"{folder}: a PNG holds 8 or 16 bits, not floats; take tif")
                content = encode_png(frame) if form == "png" else encode_tiff(frame)
                with (scratch / names[rank - 1]).open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                kept.append(folder / names[rank - 1])
            if tell is not None:
                tell(rank, len(numbers))
    return kept


def export_files(
    video: Video,
    numbers: Numbers,
    folder: Path | str,
    *,
    link: bool = False,
    force: bool = False,
    tell: Tell | None = None,
) -> list[Path]:
    """Copy, or link to, the files of a video that is a folder of pictures: RANK_NAME.

    Copies are byte by byte, with their time; links are symbolic, to the absolute path. They appear
    in the folder together. Raises UsageError where frames have no files of their own.
    """
    folder = Path(folder)
    sources = []
    for number in np.asarray(numbers).tolist():
        origin = video.origin(number)
        if origin.frame is not None:
            raise UsageError(
                f"{origin.path.name}: its frames are no files of their own; export ser or png"
            )
        sources.append(origin.path)
    digits = max(5, len(str(len(sources))))
    names = [f"{rank:0{digits}d}_{source.name}" for rank, source in enumerate(sources, 1)]
    _check_folder(video, folder, names, force=force)
    with whole_folder(folder) as scratch:
        for rank, (name, source) in enumerate(zip(names, sources, strict=True), 1):
            try:
                if link:
                    if not source.exists():
                        raise FileNotFoundError(2, "it has gone")
                    (scratch / name).symlink_to(source.resolve())
                else:
                    _copied(source, scratch / name)
            except OSError as problem:
                why = problem.strerror or problem
                raise UsageError(f"{source} to {folder}: can't be copied: {why}") from problem
            if tell is not None:
                tell(rank, len(sources))
    return [folder / name for name in names]


def export_csv(
    video: Video, rows: Sequence[dict[str, Any]], path: Path | str, *, force: bool = False
) -> None:
    """Write a table (rank, frame, file, time, score, shift, ...) as CSV, whole or not at all."""
    path = Path(path)
    check_free(path, force=force)
    check_not_input(video, [path])
    with whole(path) as file:
        file.write(rows_as_csv(rows).encode("utf-8", "surrogateescape"))


def in_order(
    video: Video, numbers: Numbers, *, all_rows: bool = False
) -> Iterator[tuple[Numbers, Samples]]:
    """Yield (numbers, samples) of frames in the order given, whatever it is.

    Frames that can't be decoded are left out; with `all_rows` they come as number -1, all 0.
    """
    numbers = np.asarray(numbers, np.int64)
    about = video.about
    rising = bool((np.diff(numbers) > 0).all())
    if rising and not all_rows:
        yield from video.batches(numbers)
        return
    frame_bytes = about.height * about.width * about.planes * (1 if about.depth <= 8 else 4)
    size = max(1, _BLOCK_BYTES // max(1, frame_bytes))
    for start in range(0, len(numbers), size):
        wanted, places = np.unique(numbers[start : start + size], return_inverse=True)
        held: Samples | None = None
        found = np.zeros(len(wanted), bool)
        for some, samples in video.batches(wanted):
            if held is None:
                held = np.zeros((len(wanted), *samples.shape[1:]), samples.dtype)
            rows = np.searchsorted(wanted, some)
            held[rows], found[rows] = samples, True
        if held is None:
            if all_rows:
                raise UsageError(f"{video.path.name}: none of these frames can be decoded")
            continue
        if not all_rows:
            places = places[found[places]]
        yield np.where(found[places], wanted[places], -1), held[places]


def check_not_input(video: Video, paths: Sequence[Path]) -> None:
    """Raise UsageError where a path leads to a file that the video is read from."""
    there = {}
    for path in paths:
        with suppress(OSError, ValueError):
            known = path.stat()
            there[known.st_dev, known.st_ino] = path
    if not there:
        return
    for source in {video.path, *(video.origin(number).path for number in range(len(video)))}:
        with suppress(OSError):
            known = source.stat()
            if (known.st_dev, known.st_ino) in there:
                path = there[known.st_dev, known.st_ino]
                raise UsageError(f"{path}: this is the video itself; give another name")


def _writer(
    video: Video,
    path: Path,
    samples: Samples,
    ticks: Numbers | None,
    debayered: Pattern | None,
) -> SerWriter:
    if samples.dtype == np.float32:
        raise UsageError(f"{path}: a SER holds 8 or 16 bits, these are floats; export as tif")
    about = video.about
    first = video.pieces[0] if isinstance(video, Capture) else video
    if isinstance(first, Ser):
        like = SerWriter.like(path, first)
        if debayered is None:
            return like
        raw = bytearray(first.header.raw)
        struct.pack_into("<i", raw, _COLOR_ID_AT, RGB)
        order: Literal["little", "big"] = "big" if first.byte_order == "big" else "little"
        return SerWriter(path, bytes(raw), byte_order=order)
    depth = 8 if samples.dtype == np.uint8 else max(9, min(about.depth, 16))
    height, width, planes = samples.shape[1:]
    known = np.zeros(0, np.int64) if ticks is None else ticks[ticks > 0]
    header = make_header(
        width, height, planes=3 if planes == 3 else 1, depth=depth,
        pattern=None if debayered else about.pattern, start=int(known.min(initial=2**62) % 2**62),
    )  # fmt: skip
    return SerWriter(path, header)


def _ticks(video: Video) -> Numbers | None:
    """Return the time of each frame in ticks, as stored where it is a SER; None: no times."""
    pieces = video.pieces if isinstance(video, Capture) else [video]
    sers = [piece for piece in pieces if isinstance(piece, Ser)]
    if len(sers) == len(pieces):
        if not any(len(piece.ticks) for piece in sers):
            return None
        stored = []
        for piece in sers:
            ticks = np.zeros(len(piece), np.int64)
            known = np.asarray(piece.ticks, np.int64)[: len(piece)]
            ticks[: len(known)] = known
            stored.append(ticks)
        return np.concatenate(stored)
    times = video.about.times
    return None if times is None or np.isnat(times).all() else to_ticks(times)


def _check_folder(video: Video, folder: Path, names: Sequence[str], *, force: bool) -> None:
    if not names:
        raise UsageError(f"{folder}: no frames to export")
    if len(set(names)) < len(names):
        raise ShapeError("a rank can't be given twice")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: this is a file; give the name of a folder")
    if not folder.parent.is_dir():
        raise UsageError(f"{folder.parent}: there is no such folder; make it first")
    if not folder.exists():
        return
    other = {file.name for file in folder.iterdir()} - set(names)
    if other:
        raise UsageError(
            f"{folder}: holds other files already ({min(other)}); whoever reads it would take them "
            "for chosen ones: give a new or an empty folder"
        )
    for name in names:
        check_free(folder / name, force=force)
    check_not_input(video, [folder / name for name in names])


def _copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    shutil.copystat(source, target)
