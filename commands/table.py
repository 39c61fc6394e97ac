"""Tables for people: aligned in a pipe, folded to the width of a terminal."""

import sys
from collections.abc import Sequence

GAP = 2
NARROWEST = 18
"""Letters that a column of words is folded to before it is left out ("closer than 96.0 %")."""
LAST_LEAST = 24
"""Letters that the last column (a name) keeps before a column of words is left out for it."""


def printable(text: str) -> str:
    """Return text on one line: control characters and lone surrogates as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[bool] | None = None,
    yields: Sequence[bool] | None = None,
) -> None:
    """Print an aligned table: folded to the width of a terminal, as wide as it needs in a pipe.

    right: columns of numbers, which are never folded. yields: columns of words that are folded
    first, and left out where the last one would not stay readable.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    right = right or [False] * len(titles)
    if sys.stdout.isatty():
        _print_on_terminal(titles, cells, right, yields or [False] * len(titles))
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
    titles: Sequence[str],
    cells: Sequence[Sequence[str]],
    right: Sequence[bool],
    yields: Sequence[bool],
) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    natural = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    widths = fitted(natural, right, yields, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    shown = [place for place, width in enumerate(widths) if width]
    for place in shown:
        table.add_column(
            titles[place], justify="right" if right[place] else "left", overflow="fold",
            width=widths[place], no_wrap=right[place],
        )  # fmt: skip
    for row in cells:
        table.add_row(*(Text(row[place]) for place in shown))
    console.print(table, crop=False)


def fitted(
    natural: Sequence[int], right: Sequence[bool], yields: Sequence[bool], room: int
) -> list[int]:
    """Return the width of each column in letters, 0 for one that is left out.

    natural: what each would take. Numbers keep their width whatever happens; columns that yield
    are folded first, then the last one, then other words.
    """
    widths = list(natural)
    last = len(widths) - 1

    def excess() -> int:
        kept = [width for width in widths if width]
        return sum(kept) + GAP * (len(kept) - 1) - room

    for place in (place for place, gives in enumerate(yields) if gives):
        widths[place] -= min(max(0, excess()), max(0, widths[place] - NARROWEST))
        if excess() > max(0, widths[last] - LAST_LEAST):
            widths[place] = 0
    words = [place for place in range(last + 1) if widths[place] and not right[place]]
    for place in [last, *(place for place in words if place != last)]:
        least = LAST_LEAST if place == last else NARROWEST
        widths[place] -= min(max(0, excess()), max(0, widths[place] - least))
    widths[last] -= min(max(0, excess()), max(0, widths[last] - 1))
    return widths
