"""Where words go: results to standard output, remarks and progress to standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NothingError, SeeingError, UsageError
from ..media.whole import whole
from .options import Common, Listed, Typed, one_way_only
from .table import print_table, printable

if TYPE_CHECKING:
    from ..show.listing import Listing

_HEAD_BYTES, _HEAD_SHOWN = 4096, 40
"""Of a table's line of names: how much is read, and how much of it is told."""


def remark(text: str, common: Common | None = None) -> None:
    """Tell a person something that is not the result."""
    if common is None or not common.quiet:
        with suppress(OSError):  # nobody can be told that nobody can be told
            print(f"q: {printable(text)}", file=sys.stderr)


def open_closed_streams() -> None:
    """Let standard streams that the caller closed lead nowhere.

    Else the next file that is opened takes their number, and what libraries print goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever json takes
    """Print one document."""
    print(json.dumps(document, indent=2, ensure_ascii=_is_ascii(), allow_nan=False))


def _is_ascii() -> bool:
    """Say whether JSON has to spell other letters as escapes: where the output is not UTF-8."""
    return (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")


def print_document(document: dict[str, Any], rows: str, common: Common) -> bool:
    """Print a command's answer as --json, --jsonl or --csv ask; False when none of them does.

    rows: the key of the list that --jsonl and --csv go through.
    """
    if common.csv:
        write_csv(document[rows], common.csv)
    if common.json:
        print_json(document)
    elif common.jsonl:
        for row in document[rows]:
            print(json.dumps(row, ensure_ascii=_is_ascii(), allow_nan=False))
    return common.json or common.jsonl or common.csv == "-"


_LISTED = "rank"
"""The first column of every list of items, frames too."""
_FIRST_COLUMNS = (_LISTED, "path", "scorer", "ranking", "kind", "name", "level")
"""That each table of ours begins with one of."""


def write_csv(rows: Sequence[dict[str, Any]], file: str) -> None:
    """Write rows as CSV to a file, or to standard output for "-"; see `check_table`."""
    from ..show.rows import rows_as_csv

    check_table(file, next(iter(rows[0])) if rows else None)
    write_text(rows_as_csv(rows), file)


def check_table(file: str | None, first: str | None) -> None:
    """Refuse to replace what is no table of the kind that is to be written.

    Its line of names tells, by the first of them: what a person typed (ratings), or a simulation
    knows (the truth about a video), can't be made again by the command that would replace it.
    first: the first column of the new table; None: it has no rows, then any of ours is replaced.
    """
    path = Path(file or "-")
    if file in (None, "-") or not path.is_file():
        return
    try:
        with path.open("rb") as there:
            line = there.readline(_HEAD_BYTES)
    except OSError as problem:
        raise UsageError(f"can't write {file}: {problem.strerror}") from problem
    head = line.decode("utf-8-sig", "replace").strip()
    found = head.partition(",")[0].strip(' "')
    if line and found not in ((first,) if first else _FIRST_COLUMNS):
        shown = head if len(head) <= _HEAD_SHOWN else f"{head[:_HEAD_SHOWN]}..."
        raise UsageError(
            f"{file} is there already, and is no table of this kind (it begins: {shown}): it is "
            "not replaced. Name another file, or remove it first"
        )


def write_text(text: str, file: str) -> None:
    """Write text to a file, whole or not at all, or to standard output for "-"."""
    if file == "-":
        sys.stdout.write(text)
        return
    path = Path(file)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_text(text, encoding="utf-8")
            return
        with whole(path.resolve()) as out:
            out.write(text.encode("utf-8"))
    except (OSError, RuntimeError, ValueError) as problem:  # the latter: a link in a circle, a NUL
        why = getattr(problem, "strerror", None) or problem
        raise UsageError(f"can't write {file}: {why}") from problem


def check_output(common: Common, listed: Listed, typed: Typed) -> None:
    """Refuse, before any work, a call whose answer could not be given as it asks.

    Raises UsageError for two forms on one standard output, and for files that can't be written.
    """
    ways = {"--paths": listed.paths, **common.ways()}
    asked = [name for name, wanted in ways.items() if wanted]
    if len(asked) > 1:
        raise one_way_only(asked)
    if not listed.paths and listed.listed is None:
        typed.only_with("--paths or --from", "-0")
    if common.csv not in (None, "-"):
        folder = Path(str(common.csv)).parent
        if not folder.is_dir():
            raise UsageError(f"can't write {common.csv}: there is no folder {folder}")
        check_table(common.csv, _LISTED)
    if listed.sheet:
        from ..show.sheet import check_sheet_path

        check_sheet_path(listed.sheet)


def keep_apart(inputs: Sequence[str | Path | None], outputs: Sequence[str | Path | None]) -> None:
    """Refuse, before any work, to write over what is read, or two results into one file."""
    read = {Path(name).resolve() for name in inputs if name is not None}
    written: set[Path] = set()
    for name in outputs:
        if name is None or str(name) == "-":
            continue
        path = Path(name).resolve()
        if path in read:
            raise UsageError(f"{name} is read here: it can't be written too; name another file")
        if path in written:
            raise UsageError(f"two results would be written to {name}; name two files")
        written.add(path)


def print_listing(
    listing: "Listing[Any]", common: Common, listed: Listed, *, table_head: str = ""
) -> None:
    """Print a list of items in the way that was asked for, and write its sheet.

    A sheet that can't be drawn is an error only after the answer has been printed.
    """
    problem: SeeingError | None = None
    if listed.sheet:
        try:  # before the answer: whoever reads that may close the pipe (`| head -3`)
            listing.sheet(listed.sheet)
        except SeeingError as error:
            problem = error
    for text in listing.remarks:
        remark(text, common)
    if listed.sheet and problem is None:
        remark(f"contact sheet: {listed.sheet}", common)
    if listed.paths:
        if common.csv:
            write_csv(listing.as_json()["results"], common.csv)
        write_paths([entry.item.bytes for entry in listing], nul=listed.nul)
    elif not print_document(listing.as_json(), "results", common) and len(listing):
        if table_head:
            print(table_head)
        columns = [column.title for column in listing.columns]
        at_right = [column.right for column in listing.columns]
        rows = [
            [str(entry.rank), *(column.text(entry) for column in listing.columns), str(entry.item)]
            for entry in listing
        ]
        print_table(
            ["rank", *columns, "item"], rows, right=[True, *at_right, False],
            yields=[False, *(not number for number in at_right), False],
        )  # fmt: skip
    if problem:
        sys.stdout.flush()
        raise problem


def write_paths(paths: Sequence[bytes], *, nul: bool) -> None:
    """Write paths exactly, byte for byte; "./" before one that would be taken for an option."""
    sys.stdout.flush()
    end = b"\0" if nul else b"\n"
    named = (b"./" + path if path.startswith(b"-") else path for path in paths)
    sys.stdout.buffer.write(b"".join(path + end for path in named))
    sys.stdout.buffer.flush()


def named(given: Sequence[str] | None, listed: Listed, *, enough: bool = False) -> list[str]:
    """Return the paths given as arguments and those listed in the file of --from.

    enough: whether the call means something without any. Raises NothingError where the file lists
    nothing: an empty list never stands for everything.
    """
    paths = [*(given or []), *read_list(listed.listed, nul=listed.nul)]
    if listed.listed is not None and not paths and not enough:
        whence = "standard input" if listed.listed == "-" else listed.listed
        raise NothingError(f"nothing to do: {whence} lists no paths")
    return paths


def expanded(paths: Sequence[str]) -> list[str]:
    """Return paths with each glob that is no file in place of the files it matches, if any."""
    found: list[str] = []
    for path in paths:
        matching: list[str] = []
        with suppress(ValueError):  # a NUL character: no file is called so
            if not os.path.lexists(path):
                matching = sorted(glob(path, recursive=True))  # noqa: PTH207 - text in, text out
        found += [name for name in matching if Path(name).is_file()] or [path]
    return found


def read_list(file: str | None, *, nul: bool) -> list[str]:
    """Return the paths listed in a file, one a line (or NUL-separated); "-" is standard input."""
    if file is None:
        return []
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as problem:
        raise UsageError(f"can't read {file}: {problem.strerror}") from problem
    return [os.fsdecode(part) for part in content.split(b"\0" if nul else b"\n") if part]


@contextmanager
def progress(common: Common, what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show progress with rate and remaining time on a terminal; nothing in a pipe or when quiet."""
    if common.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    ) as bars:  # fmt: skip
        task = bars.add_task(what, total=None, rate="")

        def tell(done: int, total: int) -> None:
            speed = bars.tasks[0].speed
            bars.update(task, completed=done, total=total, rate=f"{speed:.0f}/s" if speed else "")

        yield tell
