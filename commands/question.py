"""How a question stands on the screen: words, keys, progress, and where the picture goes.

Neither the name of a picture nor any score is shown: both would tell what to think of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..label.session import Session
from .table import printable

SKIP_KEY, UNDO_KEY, QUIT_KEY, HELP_KEY = " ", "u", "q", "?"
_LETTERS = "abcdefghijklmnoprstvwxyz"
"""For the tenth answer and on: without those of the commands."""
_CLASS_KEYS = "123456789" + _LETTERS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NARROWEST, _LOWEST = 32, 4
"""Columns of the screen, and rows of the picture, below which nothing can be judged."""
_MOST_LEGEND = 4
_BOLD, _DIM, _KEY, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Key:
    """What a key says. others: keys that say the same."""

    key: str
    answer: str
    told: str
    others: str = ""


def keys_of(session: Session) -> list[Key]:
    """Return the key of each answer; raises UsageError where there are too many, or none."""
    answers, kind = session.answers, session.exemplar_set.kind
    if kind == "keep":
        return [Key(".", "keep", "keep", "k"), Key(",", "reject", "reject", "r")]
    if kind == "rating":
        ends = {1: "1 worst", len(answers): f"{len(answers)} best"}
        return [
            Key(str(place), answer, ends.get(place, str(place)))
            for place, answer in enumerate(answers, 1)
        ]
    if not answers:
        raise UsageError(
            f"{session.exemplar_set.name} has no answers to choose from yet: --answers A,B,C"
        )
    if len(answers) > len(_CLASS_KEYS):
        raise UsageError(
            f"{session.exemplar_set.name} has {len(answers)} answers, there are keys for "
            f"{len(_CLASS_KEYS)}: label by q label ITEM --label, or ask for fewer"
        )
    return [Key(key, answer, answer) for key, answer in zip(_CLASS_KEYS, answers, strict=False)]


@dataclass(frozen=True, slots=True)
class Page:
    """Where everything stands. at: (row, column) of the picture's room, from 1."""

    columns: int
    rows: int
    at: tuple[int, int]
    room: tuple[int, int]
    legend: list[str]
    """Lines with the keys of the answers."""


def page_for(columns: int, rows: int, keys: Sequence[Key]) -> Page | None:
    """Return where things stand on a screen of a size; None where it is too small."""
    legend = _legend(keys, columns - 2)
    # a line for the question, one for what is told, the keys, one for the commands
    head, gap = (1, 0) if rows < 30 else (2, 1)
    high = rows - head - 1 - gap - len(legend) - 1
    if columns < _NARROWEST or high < _LOWEST or len(legend) > _MOST_LEGEND:
        return None
    return Page(columns, rows, (head + 1, 1), (columns, high), legend)


def words(page: Page, session: Session, told: str) -> bytes:
    """Return everything but the picture, whose room is emptied. told: of the last answer."""
    row = page.at[0] + page.room[1]
    lines = {1: _head(page, session), row: _spread(f" {_DIM}{{}}{_PLAIN}", told, page.columns)}
    for number, line in enumerate(page.legend, page.rows - len(page.legend)):
        lines[number] = " " + line
    commands = f"space skip   {UNDO_KEY} undo   {HELP_KEY} help   {QUIT_KEY} pause"
    lines[page.rows] = _spread(f" {_DIM}{{}}{_PLAIN}", commands, page.columns)
    return _placed(lines, page.rows)


def help_page(page: Page, session: Session, keys: Sequence[Key]) -> bytes:
    """Return what the keys do, on the whole screen."""
    rows = [("", _title(session)), ("", "")]
    rows += [(" or ".join([k.key, *k.others]), k.told) for k in keys]
    rows += [
        ("", ""), ("space", "skip: no answer, and not asked again"),
        ("u or backspace", "take the last answer back, and see that picture again"),
        ("q or Esc", "pause: the same command goes on from there"), ("", ""),
    ]  # fmt: skip
    if session.practice:
        rows.append(("", "This is practice: nothing is kept."))
    else:
        rows.append(("", "Each answer is kept as soon as the next picture is shown."))
        rows.append(("", "Some pictures come twice: that shows how sure answers are."))
    rows += [("", ""), ("", "Any key goes back.")]
    wide = max(len(name) for name, _ in rows)
    lines = {}
    for number, (name, text) in enumerate(rows[: page.rows], 1):
        told = f"{printable(name):<{wide}}  {printable(text)}" if name else printable(text)
        lines[number] = _spread(" {}", told, page.columns)
    return _placed(lines, page.rows)


def too_small(columns: int, rows: int, keys: Sequence[Key]) -> bytes:
    """Return what is shown where the window is too small."""
    least = next(
        (high for high in range(rows, rows + 40) if page_for(max(columns, _NARROWEST), high, keys)),
        rows + 40,
    )
    told = f"too small: {max(columns, _NARROWEST)} x {least} please"
    return _placed({1: told[:columns]}, rows)


def alone(page: Page, text: str) -> bytes:
    """Return a line in the middle of the picture's room."""
    row, column = page.at[0] + page.room[1] // 2, max(1, (page.columns - len(text)) // 2)
    return f"\x1b[{row};{column}H{text[: page.columns]}".encode()


def _title(session: Session) -> str:
    more = " (once more, among the fives)" if session.second else ""
    return session.exemplar_set.question + more


def _head(page: Page, session: Session) -> str:
    if session.count is None:
        progress = f"{session.given} answered, {session.left} left"
    else:
        progress = f"{session.given} of {session.count}"
    if session.practice:
        progress = f"practice, nothing is kept: {progress}"
    room = page.columns - len(progress) - 4
    title = _cut(printable(_title(session)), max(room, 8))
    gap = page.columns - 2 - _width(title) - len(progress)
    return f" {_BOLD}{title}{_PLAIN}{' ' * max(gap, 1)}{progress}"


def _legend(keys: Sequence[Key], columns: int) -> list[str]:
    """Return the keys with their answers, as many in a line as fit."""
    lines: list[str] = []
    room = 0
    for key in keys:
        told = printable(key.told)
        text = "" if told == key.key else " " + _cut(told.removeprefix(f"{key.key} "), columns - 6)
        wide = 3 + _width(text)
        entry = f"{_KEY} {key.key} {_PLAIN}{text}"
        if lines and wide + 3 <= room:
            lines[-1] += "   " + entry
            room -= wide + 3
        else:
            lines.append(entry)
            room = columns - wide
    return lines


def _spread(form: str, text: str, columns: int) -> str:
    return form.format(_cut(text, columns - 2))


def _cut(text: str, columns: int) -> str:
    """Return text that takes at most so many columns: letters of East Asia take two."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= columns:
        return text
    return set_cell_size(text, max(columns - 1, 0)).rstrip() + "…"


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _placed(lines: dict[int, str], rows: int) -> bytes:
    """Return lines at their rows, and all others emptied (EL, ECMA-48 8.3.41)."""
    told = [f"\x1b[{row};1H\x1b[0m\x1b[2K{lines.get(row, '')}" for row in range(1, rows + 1)]
    return "".join(told).encode()
