"""`q index`: adds and refreshes pictures."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_PARTLY, UsageError
from .options import Common, Listed, Making, unfold
from .output import named, print_document, progress, remark
from .session import opened, options_of

if TYPE_CHECKING:
    from ..flow.refresh import Report
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("index")(unfold(index))


def index(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", help="Files, folders, globs, addresses."),
    ] = None,
    *,
    making: Making,
    arithmetic: Annotated[
        Literal["fp32", "bf16", "auto"],
        typer.Option(
            envvar="Q_ARITHMETIC",
            rich_help_panel="Encoder",
            help="Fixed when the encoder first enters the library; bf16 is quicker where the "
            "processor has it, auto tries it out.",
        ),
    ] = "fp32",
    batch: Annotated[
        int | None,
        typer.Option(min=1, rich_help_panel="Encoder", help="Pictures encoded at once."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, rich_help_panel="Encoder", help="Threads that read and decode."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave out what matches; repeatable.")
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files too.")] = False,
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
) -> int:
    """Add pictures to the library, and refresh what is known of them.

    Only what is new or changed is read and encoded. Files are never changed or moved.
    """
    names = named(paths, Listed(listed=listed, nul=nul), enough=prune)
    if not names and not prune:
        raise UsageError("nothing to index: name a PATH, or --prune")
    with opened(common, create=not dry_run) as library:
        fresh = not library.encoders()
        with progress(common, "indexing") as tell, stopping(common) as should_stop:
            report = library.index(
                names, encoder=making.encoder, options=options_of(making, arithmetic), batch=batch,
                threads=threads, exclude=exclude or [], hidden=hidden, dry_run=dry_run,
                progress=tell, should_stop=should_stop,
                on_remark=lambda text: remark(text, common),
            )  # fmt: skip
        pruned = (
            library.prune(on_remark=lambda text: remark(text, common))
            if prune and not dry_run and not report.stopped
            else 0
        )
        if fresh and not dry_run and library.encoders() and not making.encoder:
            remark(
                f"encoder {library.encoders()[0].name}: sees looks and shapes, needs no download. "
                "Another: --encoder clip:ViT-B-32/openai sees meaning and reads text (605 MB); "
                "see q encoders",
                common,
            )
        _tell(library, report, pruned, common, dry_run=dry_run)
    if report.stopped:
        return EXIT_INTERRUPTED
    return EXIT_PARTLY if report.failed else EXIT_DONE


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


def _tell(
    library: "Library", report: "Report", pruned: int, common: Common, *, dry_run: bool
) -> None:
    for path, why in report.failed:
        remark(f"{path}: {why}", common)
    for text in report.remarks:
        remark(text, common)
    if report.stopped:
        remark(
            f"stopped after {report.encoded} pictures; what is done is kept. "
            "Run the same command to go on",
            common,
        )
    document = {
        "command": "index",
        "version": 1,
        "library": str(library.folder),
        "dry_run": dry_run,
        **{k: v for k, v in asdict(report).items() if k not in ("failed", "remarks", "seconds")},
        "pruned": pruned,
        "seconds": round(report.seconds, 3),
        "failed": [{"path": path, "reason": why} for path, why in report.failed],
        "remarks": report.remarks,
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
