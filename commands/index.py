"""`q index`: adds and refreshes pictures."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..db.advice import counted
from ..errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_PARTLY, UsageError
from .options import GOES_ON, Common, Listed, Making, Typed, unfold
from .output import named, print_document, progress, remark
from .session import opened, options_of

if TYPE_CHECKING:
    from ..flow.refresh import Report
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("index")(unfold(index, interrupted=GOES_ON))


def index(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Files, folders, globs, or one picture of a file: m51.fits[SCI], clip.gif#3.",
        ),
    ] = None,
    *,
    making: Making,
    arithmetic: Annotated[
        Literal["fp32", "bf16", "auto"] | None,
        typer.Option(
            envvar="Q_ARITHMETIC",
            rich_help_panel="Encoder",
            help="fp32, unless said otherwise when the encoder first enters the library, and then "
            "fixed; bf16 is quicker where the processor has it, auto tries it out.",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", rich_help_panel="Encoder", help="Pictures encoded at once."
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", rich_help_panel="Encoder", help="Threads that read and decode."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Leave out files and folders whose name, or path below a given folder, matches; "
            "repeatable.",
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files too.")] = False,
    every: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Of videos, index each Nth frame."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Then forget pictures whose files have vanished.")
    ] = False,
    listed: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="Read more paths from a file; - is standard input."
        ),
    ] = None,
    nul: Annotated[
        bool, typer.Option("-0", "--null", help="Paths in --from end with NUL.")
    ] = False,
    common: Common,
    typed: Typed,
) -> int:
    """Add pictures to the library, and refresh what is known of them.

    Only what is new or changed is read and encoded. Files are never changed or moved.
    """
    if listed is None:
        typed.only_with("--from", "-0")
    names = named(paths, Listed(listed=listed, nul=nul), enough=prune)
    if not names and not prune:
        raise UsageError("nothing to index: name a PATH, or --prune")
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        remark(text, common)

    with to_index(common, say, dry_run=dry_run) as (library, folder):
        fresh = not library.encoders()
        with progress(common, "indexing") as tell, stopping(common) as should_stop:
            report = library.index(
                names, encoder=making.encoder, options=options_of(making, arithmetic or "fp32"),
                batch=batch, threads=threads, exclude=exclude or [], hidden=hidden,
                dry_run=dry_run, every=every, progress=tell, should_stop=should_stop, on_remark=say,
            )  # fmt: skip
        pruned = 0
        if prune and not report.stopped:
            pruned = report.lost if dry_run else library.prune(on_remark=say)
        if not dry_run:
            _tell_encoder(library, making, arithmetic, say, fresh=fresh)
        _tell(folder, report, pruned, told, common, dry_run=dry_run)
    if report.stopped:
        return EXIT_INTERRUPTED
    return EXIT_PARTLY if report.failed else EXIT_DONE


@contextmanager
def to_index(
    common: Common, say: Callable[[str], None], *, dry_run: bool
) -> "Iterator[tuple[Library, Path]]":
    """Open the library to index into, made where there is none, and say where it lies.

    A dry run that finds none looks at the files as a new library would, and leaves nothing behind.
    """
    from ..db.place import FOLDER, find_library, is_library

    place = find_library(common.library)
    if dry_run and (place is None or not is_library(place)):
        place = place or Path.cwd() / FOLDER
        say(f"would make a library in {place}")
        with TemporaryDirectory() as scratch:
            with opened(replace(common, library=Path(scratch) / FOLDER), create=True) as library:
                yield library, place
            return
    with opened(common, create=not dry_run) as library:
        yield library, library.folder


def _tell_encoder(
    library: "Library",
    making: Making,
    arithmetic: str | None,
    say: Callable[[str], None],
    *,
    fresh: bool,
) -> None:
    """Say what encodes where nobody chose it, and what of a choice has no effect."""
    from ..flow.choose import named_encoders

    here = named_encoders(library.catalogue, making.encoder)
    if fresh and here and not making.encoder:
        say(
            f"encoder {here[0].name}: sees looks and shapes, needs no download. "
            "Another: --encoder clip:ViT-B-32/openai sees meaning and reads text (605 MB); "
            "see q encoders"
        )
    has = {str(e.card.get("arithmetic", "fp32")) for e in here}
    if arithmetic not in (None, "auto", *has) and here:
        say(
            f"{here[0].name} calculates in {' and '.join(sorted(has))} here, fixed when it first "
            f"entered the library: --arithmetic {arithmetic} changes nothing"
        )


@contextmanager
def stopping(common: Common) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish that the batch in hand be the last; the second stops."""
    wished = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal wished
        if wished:
            raise KeyboardInterrupt
        wished = True
        remark("finishing the batch in hand; press Ctrl-C again to stop at once", common)

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not in the main thread: the caller handles signals
        yield lambda: wished
        return
    try:
        yield lambda: wished
    finally:
        signal.signal(signal.SIGINT, before)


_APART = ("failed", "remarks", "seconds", "lost")
"""Fields of a report that the document has in another form, or not."""


def _tell(
    folder: Path,
    report: "Report",
    pruned: int,
    told: Sequence[str],
    common: Common,
    *,
    dry_run: bool,
) -> None:
    for path, why in report.failed:
        remark(f"{path}: {why}", common)
    if report.stopped:
        report.remarks.append(
            f"stopped after {counted(report.encoded, 'picture')}; what is done is kept. "
            "Run the same command to go on"
        )
    for text in report.remarks:
        remark(text, common)
    document = {
        "command": "index",
        "version": 1,
        "library": str(folder),
        "dry_run": dry_run,
        **{k: v for k, v in asdict(report).items() if k not in _APART},
        "pruned": pruned,
        "seconds": round(report.seconds, 3),
        "failed": [{"path": path, "reason": why} for path, why in report.failed],
        "remarks": [*told, *report.remarks],
    }
    if not print_document(document, "failed", common):
        print(summary(report, pruned, dry_run=dry_run))


def summary(report: "Report", pruned: int, *, dry_run: bool) -> str:
    """Return what a run did in one line: "3 new, 1 changed, 2 moved (30 pictures/s)"."""
    counted = {
        "new": report.new, "changed": report.changed, "moved": report.moved,
        "copied": report.copied, "vanished": report.vanished, "back again": report.returned,
        "forgotten": pruned, "unchanged": report.unchanged, "unreadable": len(report.failed),
        "unreadable as before": report.failed_before,
    }  # fmt: skip
    told = ", ".join(f"{n} {what}" for what, n in counted.items() if n)
    told = told or "nothing to do"
    if dry_run:
        later = f"; {report.encoded} to encode" if report.encoded else ""
        return f"would be: {told}{later}"
    if report.encoded and report.seconds:
        rate = report.encoded / report.seconds
        return f"{told}; {report.encoded} encoded in {report.seconds:.1f} s ({rate:.0f} a second)"
    return told
