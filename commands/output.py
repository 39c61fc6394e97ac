"""Where words go: results to standard output, remarks and progress to standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .options import Common, Listed

if TYPE_CHECKING:
    from ..show.listing import Listing


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


def printable(text: str) -> str:
    """Return text on one line: control characters and lone surrogates as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


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


def write_csv(rows: Sequence[dict[str, Any]], file: str) -> None:
    """Write rows as CSV to a file, or to standard output for "-"."""
    from ..show.rows import rows_as_csv

    write_text(rows_as_csv(rows), file)


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
        path = path.resolve()
        scratch = path.with_name(f".{token_hex(8)}.part")
        try:
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except (OSError, RuntimeError, ValueError) as problem:  # the latter: a link in a circle, a NUL
        why = getattr(problem, "strerror", None) or problem
        raise UsageError(f"can't write {file}: {why}") from problem


def print_listing(
    listing: "Listing[Any]", common: Common, listed: Listed, *, table_head: str = ""
) -> None:
    """Print a list of items in the way that was asked for, and write its sheet."""
    for text in listing.remarks:
        remark(text, common)
    if listed.sheet:
        listing.sheet(listed.sheet)
        remark(f"contact sheet: {listed.sheet}", common)
    if listed.paths:
        write_paths([entry.item.bytes for entry in listing], nul=listed.nul)
    elif not print_document(listing.as_json(), "results", common) and len(listing):
        if table_head:
            print(table_head)
        columns = [column.title for column in listing.columns]
        right = [True, *(column.right for column in listing.columns), False]
        rows = [
            [str(entry.rank), *(column.text(entry) for column in listing.columns), str(entry.item)]
            for entry in listing
        ]
        print_table(["rank", *columns, "item"], rows, right=right)


def write_paths(paths: Sequence[bytes], *, nul: bool) -> None:
    """Write paths exactly, byte for byte."""
    sys.stdout.flush()
    end = b"\0" if nul else b"\n"
    sys.stdout.buffer.write(b"".join(path + end for path in paths))
    sys.stdout.buffer.flush()


def print_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool] | None = None
) -> None:
    """Print an aligned table: folded to the width of a terminal, as wide as it needs in a pipe."""
    cells = [[printable(cell) for cell in row] for row in rows]
    right = right or [False] * len(titles)
    if sys.stdout.isatty():
        _print_on_terminal(titles, cells, right)
        return
    # without rich: half of what a quick search would take is its import
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for row in [list(titles), *cells]:
        aligned = [
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(row, widths, right, strict=True)
        ]
        print("  ".join(aligned).rstrip())


def _print_on_terminal(
    titles: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, title in enumerate(titles):
        last = place + 1 == len(titles)
        table.add_column(
            title, justify="right" if right[place] else "left", overflow="fold", no_wrap=not last
        )
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(table)


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
