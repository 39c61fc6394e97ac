"""Labelling at the terminal: a picture, a question, a key; again."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..db.advice import counted
from ..db.catalogue import Catalogue
from ..db.exemplars import StoredSet
from ..db.items import Item
from ..errors import InterruptionError, NothingError, PictureError, UsageError
from ..label.agreement import Agreement
from ..label.choosing import Chooser
from ..label.session import Session
from .ahead import PicturesAhead, Place
from .keys import BACKSPACE, ESCAPE
from .question import (
    HELP_KEY,
    QUIT_KEY,
    SKIP_KEY,
    UNDO_KEY,
    Page,
    alone,
    help_page,
    keys_of,
    page_for,
    too_small,
    words,
)
from .table import printable

if TYPE_CHECKING or sys.platform != "win32":
    from .screen import ENDED, RESIZED, WOKEN, Screen, is_terminal
else:
    from .screen_windows import ENDED, RESIZED, WOKEN, Screen, is_terminal

_AHEAD = 3
_SOON = 0.15
"""Seconds that a picture may take before the screen says that it is being read."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session gave. left: items that were not asked about; agreement: with oneself so far.

    unreadable: items that could not be shown, with the reason.
    """

    answered: int
    skipped: int
    repeated: int
    undone: int
    left: int
    agreement: Agreement
    practice: bool = False
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        """Return it in one line."""
        told = [f"{self.answered} answered"]
        told += [f"{n} {what}" for n, what in ((self.skipped, "skipped"),) if n]
        if self.repeated:
            told.append(f"{self.repeated} asked a second time")
        if self.unreadable:
            told.append(f"{len(self.unreadable)} can't be read")
        told.append(f"{self.left} left")
        line = ", ".join(told)
        if self.agreement.kappa is not None:
            line += (
                f"; agreement with yourself: weighted kappa {self.agreement.kappa:.2f} "
                f"({self.agreement.pairs} asked twice)"
            )
        elif self.agreement.pairs and self.agreement.same is not None:
            same = round(self.agreement.same * self.agreement.pairs)
            line += f"; of {self.agreement.pairs} asked twice {same} were answered the same"
        return f"practice, nothing was kept: {line}" if self.practice else line

    def as_json(self) -> dict[str, Any]:
        """Return it for a JSON document."""
        told = asdict(self)
        told["unreadable"] = [{"item": item, "reason": why} for item, why in self.unreadable]
        return told


def needs_terminal() -> None:
    """Raise UsageError where nobody sits at a terminal."""
    if not is_terminal():
        raise UsageError("q label: answering needs a terminal; give items and --label")


def label_interactively(
    catalogue: Catalogue,
    exemplar_set: StoredSet,
    items: Sequence[Item],
    *,
    who: str,
    chooser: Chooser | None = None,
    count: int | None = None,
    practice: bool = False,
    second: bool = False,
    seed: int | None = None,
    protocol: str | None = None,
) -> Summary:
    """Ask a person about items at the terminal, until they pause or nothing is left.

    chooser: says what to ask next; its attribute `identity`, if it has one, is kept with each
    answer. count: how many answers this time. protocol: kitty, iterm2, sixel or blocks; None finds
    out. Raises UsageError where nobody sits at a terminal, LibraryError where answers can't be
    kept, InterruptionError after Ctrl-C, SIGTERM or a closed window.
    """
    needs_terminal()
    session = Session(
        catalogue, exemplar_set, items, who=who, chooser=chooser, count=count, practice=practice,
        second=second, seed=seed,
    )  # fmt: skip
    keys_of(session)  # too many answers are told before the screen is taken
    if session.turn() is not None:
        with Screen(protocol) as screen:
            ended = _Asking(session, screen, shown=getattr(chooser, "identity", None)).run()
        if ended:
            raise InterruptionError(_interrupted(session))
    return Summary(
        session.answered, session.skipped, session.repeated, session.undone, session.left,
        session.agreement(), practice,
        [(str(item), session.unreadable[item.content]) for item in items
         if item.content in session.unreadable],
    )  # fmt: skip


def _interrupted(session: Session) -> str:
    if session.practice:
        return "interrupted; this was practice, nothing was to be kept"
    if not session.given:
        return "interrupted; nothing was answered yet, the same command begins again"
    n = session.given
    kept = "your answer is" if n == 1 else f"your {counted(n, 'answer')} are"
    return f"interrupted; {kept} kept, the same command goes on"


class _Asking:
    """The loop: draws, waits for keys, tells the session."""

    def __init__(self, session: Session, screen: Screen, *, shown: str | None) -> None:
        self.session = session
        self.screen = screen
        self.shown = shown
        self.keys = keys_of(session)
        self.answers = {k: key.answer for key in self.keys for k in (key.key, *key.others)}
        self.pictures = PicturesAhead(screen.wake)
        session.when_chosen(screen.wake)
        self.pressed: deque[str] = deque()
        self.told = ""
        self.page: Page | None = None
        self.drawn_at: float | None = None

    def run(self) -> bool:
        """Ask until the end; return whether somebody ended it from outside."""
        self._show()
        while self.session.turn() is not None:
            key = self._key()
            if key == ENDED:
                return True
            if key in (QUIT_KEY, ESCAPE):
                return False
            if self._obey(key):
                self._show()
        return False

    def _obey(self, key: str) -> bool:
        """Do what a key says; return whether the screen has to be drawn anew."""
        if key == HELP_KEY:
            self._help()
        elif key in (UNDO_KEY, BACKSPACE):
            try:
                _, was = self.session.undo()
                self.told = f"taken back: {was}. Once more:"
            except NothingError:
                self.told = "nothing to take back"
        elif key == WOKEN:
            return self.page is not None and self.drawn_at is None
        elif key != RESIZED:
            return self._answered(key)
        return True

    def _answered(self, key: str) -> bool:
        if self.drawn_at is None:  # nobody has seen the picture yet
            return False
        seconds = time.monotonic() - self.drawn_at
        if key == SKIP_KEY:
            self.session.skip(seconds=seconds, shown=self.shown)
            self.told = "skipped"
        elif key in self.answers:
            self.session.answer(self.answers[key], seconds=seconds, shown=self.shown)
            self.told = f"answered {self.answers[key]}"
        else:
            return False
        return True

    def _key(self) -> str:
        """Return the next key, or what else happened."""
        if not self.pressed:
            # while the person looks: the next ones, and a chooser that may take its time
            self._prepare()
            self.pressed += self.screen.wait()
        return self.pressed.popleft()

    def _prepare(self) -> None:
        turn = self.session.turn()
        if self.page and turn:
            items = [turn.item, *self.session.ahead(_AHEAD)]
            self.pictures.want(items, self._place(self.page))

    def _place(self, page: Page) -> Place:
        return Place(self.screen.terminal, page.at, page.room)

    def _show(self) -> None:
        """Draw the question, when its picture is ready; what can't be read is passed over."""
        from ..show.terminal import erase

        terminal = self.screen.terminal
        self.drawn_at = None
        self.page = page_for(terminal.columns, terminal.rows, self.keys)
        if self.page is None:
            self.screen.draw(
                erase(terminal) + too_small(terminal.columns, terminal.rows, self.keys)
            )
            return
        while (turn := self.session.turn()) is not None:
            self.pictures.want([turn.item], self._place(self.page))
            picture = self._picture(self.page)
            if isinstance(picture, PictureError):
                self.session.pass_over(turn.item.content, str(picture))
                self.told = "a picture can't be read: passed over"
                continue
            if isinstance(picture, Exception):
                raise picture
            shown = alone(self.page, "reading ...") if picture is None else picture
            frame = words(self.page, self.session, printable(self.told))
            self._forget_answers()
            self.screen.draw(erase(terminal) + frame + shown)
            if picture is not None:
                self.drawn_at = time.monotonic()
            return

    def _picture(self, page: Page) -> bytes | Exception | None:
        """Return the picture of this turn; None where it takes long, or something is pressed."""
        turn = self.session.turn()
        assert turn is not None
        until = time.monotonic() + _SOON
        while (picture := self.pictures.get(turn.item)) is None:
            left = until - time.monotonic()
            if left <= 0:
                break
            happened = [one for one in self.screen.wait(left) if one != WOKEN]
            self.pressed += happened
            if RESIZED in happened or ENDED in happened:
                break
        return picture

    def _forget_answers(self) -> None:
        """Leave out answers that were pressed before this picture was there to be seen."""
        self.pressed += self.screen.wait(0)
        commands = (QUIT_KEY, ESCAPE, UNDO_KEY, BACKSPACE, HELP_KEY, ENDED, RESIZED)
        self.pressed = deque(key for key in self.pressed if key in commands)

    def _help(self) -> None:
        from ..show.terminal import erase

        if self.page is None:
            return
        content = help_page(self.page, self.session, self.keys)
        self.screen.draw(erase(self.screen.terminal) + content)
        while not self.pressed:
            self.pressed += [key for key in self.screen.wait() if key != WOKEN]
        if self.pressed[0] not in (ENDED, RESIZED):
            self.pressed.popleft()
