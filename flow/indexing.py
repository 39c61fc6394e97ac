"""What indexing needs beside the refresh itself: a plan before it, mending, statistics after it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..db.advice import index_command
from ..db.catalogue import Catalogue
from ..db.plan import Plan, compare
from ..db.vectors import StoredEncoder, damaged_items, drop_vectors
from ..errors import InterruptionError, NothingError, PictureError
from ..index.similarity import similarities
from ..index.store import open_index
from ..media.find import find
from ..media.kinds import VIDEOS, extension
from ..media.walk import Found
from .choose import stored_encoder
from .refresh import Report


def planned(
    catalogue: Catalogue,
    paths: Sequence[str | Path],
    exclude: Sequence[str],
    *,
    hidden: bool,
    encoder: StoredEncoder | None,
    remarks: list[str],
    every: int | None = None,
) -> Plan:
    """Return what a refresh of some paths would do; what was passed over is told in `remarks`.

    every: of videos each so manyth frame is an item; None leaves videos alone.
    """
    found = find(paths, exclude=exclude, hidden=hidden, videos=every is not None)
    files = list(found.files())  # only then is known which folders could not be listed
    if every is None:
        files = list(_without_videos(files, remarks))
    else:
        files = list(_with_frames(files, every, remarks))
    plan = compare(
        catalogue, files, roots=found.folders, unlistable=found.unlistable, encoder=encoder
    )
    remarks += found.remarks
    return plan


def _without_videos(
    files: Iterable[tuple[Found, int | None, str | None]], remarks: list[str]
) -> Iterator[tuple[Found, int | None, str | None]]:
    """Yield files but for videos as a whole: they are no pictures, and none of them is broken."""
    from ..video.open import is_video

    for found, frame, part in files:
        whole = frame is None and part is None
        if whole and extension(found.path) in VIDEOS and is_video(found.path):
            name = Path(found.path).name
            remarks.append(
                f"{found.path} is a video: index each 100th of its frames with --every 100, or one "
                f"as {name}#0; rank all of them with: q rank {name}"
            )
        else:
            yield found, frame, part


def _with_frames(
    files: Iterable[tuple[Found, int | None, str | None]], every: int, remarks: list[str]
) -> Iterator[tuple[Found, int | None, str | None]]:
    """Yield files, and in place of each video its frames 0, every, 2 * every, ..."""
    from ..video.open import is_video, open_video

    for found, frame, part in files:
        if frame is not None or part is not None or not is_video(found.path):
            yield found, frame, part
            continue
        try:
            with open_video(found.path) as video:
                frames = len(video)
        except PictureError as problem:
            remarks.append(f"{found.path}: {problem}")
            continue
        for number in range(0, frames, every):
            yield found, number, None


def without_damage(
    catalogue: Catalogue, stored: StoredEncoder, remarks: list[str]
) -> StoredEncoder:
    """Forget vectors that are not what was written, so that they are made again now."""
    damaged = damaged_items(catalogue, stored)
    if not damaged:
        return stored
    drop_vectors(catalogue, stored, damaged)
    remarks.append(
        f"{len(damaged)} vectors of {stored.name} were damaged and are made again; "
        f"those of other paths by: {index_command(catalogue, stored.name)}"
    )
    return stored_encoder(catalogue, stored.identity)


def make_ready(catalogue: Catalogue, identity: str, remarks: list[str]) -> None:
    """Make what searches need, so that the first one does not wait for it."""
    stored = stored_encoder(catalogue, identity)
    similarities(catalogue, stored, open_index(catalogue, stored, remark=remarks.append))


def indexed_first(
    catalogue: Catalogue, index: Callable[..., Report], names: list[str | Path], **how: object
) -> Report:
    """Index what is to be ranked, where that is possible; index: `Library.index`, how: for it."""
    if not names:
        raise NothingError("nothing to rank: the list of pictures is empty")
    report = index(names, **how, dry_run=not catalogue.writable)
    check_whole(catalogue, report)
    return report


def check_whole(catalogue: Catalogue, report: Report) -> None:
    """Raise InterruptionError where a refresh was stopped; tell what it could not write down."""
    if report.stopped:
        raise InterruptionError(
            f"stopped after {report.encoded} pictures; what is done is kept. "
            "Run the same command to go on"
        )
    if report.encoded and not catalogue.writable:
        report.remarks.append(
            f"{report.encoded} pictures are new or changed and left out: {catalogue.folder} can't "
            "be written"
        )
