"""Asking one person a set's question, item after item: what comes next, and what was said.

Nothing here reads a key or draws: a terminal and a page ask in the same way. Each answer is on the
disk before the next item is given.
"""

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..db.catalogue import Catalogue
from ..db.exemplars import SKIP, Event, StoredSet, events_of, new_event, write_down
from ..db.items import Item
from ..errors import NothingError, UsageError
from .agreement import Agreement, with_oneself
from .choosing import Chooser, Choosing
from .record import REPEAT, check_writable, origin_of, standing, undo
from .sets import RATINGS, SECOND

ASKED_TWICE = 0.05
"""Share of the contents that are asked a second time, to see whether the answer stays."""
LATER = 10
"""Answers that lie between the two, where there are so many."""
CHOSEN = 10
"""Answers after which a chooser is asked again."""
_SPARE = 8
"""More than will be answered: for skips, to prepare ahead, and for as long as a chooser thinks."""
SECOND_PASS = "second"
"""In an event's origin: the item was one of the fives, and rated once more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked now. repeat: it was answered before."""

    item: Item
    repeat: bool = False


class Session:
    """One person, one set, some items: which comes next, until `count` answers were given.

    chooser: decides the order; without one it is random by `seed`. practice: nothing is kept, and
    items that have an answer come too. second: only items that this person rated 5, for 5.1 to
    5.5. whence: where answers come from, for their origin. What this person answered or skipped
    before is not asked again, so a new session goes on where another ended. Raises LibraryError
    where answers could not be kept, UsageError for a second pass over what is no rating.
    """

    def __init__(
        self,
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
        whence: str = "terminal",
    ) -> None:
        if second and exemplar_set.kind != "rating":
            raise UsageError(f"{exemplar_set.name} holds no ratings: there is no second pass")
        if not practice:
            check_writable(catalogue)
        self.catalogue = catalogue
        self.exemplar_set = exemplar_set
        self.who = who
        self.count = count
        self.practice = practice
        self.second = second
        self.answered = self.skipped = self.repeated = self.undone = 0
        self.unreadable: dict[int, str] = {}
        self._whence = whence
        self._choosing = Choosing(chooser) if chooser else None
        self._items: dict[int, Item] = {}
        for item in items:  # of copies the first stands for all: labels follow the content
            self._items.setdefault(item.content, item)
        said = events_of(catalogue, exemplar_set, who=who)
        self._events = [] if practice else standing(said)
        self._labels = {e.content: e.answer for e in standing(said) if e.answer not in (None, SKIP)}
        wanted = [c for c in self._items if not second or self._labels.get(c) == RATINGS[-1]]
        self.before = len(self._mine())
        done = {event.content for event in self._mine()}
        self._left = dict.fromkeys(c for c in wanted if c not in done)
        self._open_repeats: dict[int, int] = self._unrepeated()
        random.Random(seed).shuffle(wanted)  # with those done: the same order when it goes on
        self._order = wanted
        self._queue = deque(c for c in wanted if c in self._left and not chooser)
        self._since_choice = 0
        self._turn: Turn | None = None

    # --- what is asked ------------------------------------------------------------------------

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers that are possible now."""
        return SECOND if self.second else self.exemplar_set.answers

    @property
    def given(self) -> int:
        """How many answers were given in this session, repeated ones too."""
        return self.answered + self.repeated

    @property
    def left(self) -> int:
        """How many items have not been asked about."""
        return len(self._left)

    @property
    def finished(self) -> bool:
        """Whether as many answers were given as were asked for."""
        return self.count is not None and self.given >= self.count

    def turn(self) -> Turn | None:
        """Return what is to be answered now, None at the end; the same until it is answered."""
        if self.finished:
            return None
        while self._turn is None:
            following = next(self._coming(), None)
            if following is None:
                return None
            if following.repeat or not self._answered_elsewhere(following.item.content):
                self._turn = following
            else:
                self._forget(following.item.content)
        return self._turn

    def ahead(self, n: int) -> list[Item]:
        """Return up to n items that will probably be asked about after this one.

        Asks the chooser where it is time to, and does not wait for it: call it while the person
        looks, and again when `when_chosen` says so.
        """
        self._choose(early=True)
        now = self._turn.item.content if self._turn else None
        found = [self._items[c] for c in self._due(after=1) if c != now][:1]
        for turn in self._coming():
            if len(found) >= n:
                break
            if turn.item.content != now and turn.item not in found:
                found.append(turn.item)
        return found

    def when_chosen(self, call: Callable[[], None]) -> None:
        """Let something be called, from another thread, when the chooser has chosen."""
        if self._choosing:
            self._choosing.on_ready = call

    def _coming(self) -> Iterator[Turn]:
        """Yield what comes next, if nothing were answered meanwhile."""
        due = [] if self._events and self._events[-1].origin.get(REPEAT) else list(self._due())
        for content in due[:1]:
            yield Turn(self._items[content], repeat=True)
        self._choose()
        for content in self._queue:
            if content in self._left:
                yield Turn(self._items[content])
        last = self._events[-1].content if self._events else None
        for content in self._open_repeats:  # at the end they need not wait, but never directly
            if content != last and content not in due[:1]:
                yield Turn(self._items[content], repeat=True)

    def _choose(self, *, early: bool = False) -> None:
        """Fill the queue by the chooser, every so many answers; early: the person still looks.

        What was answered leaves the queue. The chooser thinks while the person looks; only where
        there is nothing left to ask is it waited for.
        """
        while self._queue and self._queue[0] not in self._left:
            self._queue.popleft()
        if self._choosing is None or not self._left:
            return
        now = self._turn.item.content if self._turn else None
        more = len(self._left) - (now in self._left) > len(self._queue)
        short = more and len(self._queue) <= int(early)
        if not self._choosing.asked and (
            short or (early and self._since_choice >= CHOSEN - 1) or self._since_choice >= CHOSEN
        ):
            passed = {c: SKIP for c in self._items if c not in self._left}
            self._choosing.ask(passed | self._labels, CHOSEN + _SPARE)
            self._since_choice = -int(early)
        if not self._choosing.asked or not (
            (early and self._choosing.ready) or (more and not self._queue and not early)
        ):
            return
        chosen = [c for c in self._choosing.take() if c in self._left and c != now]
        # near-duplicates and neighbours are never chosen: they come when nothing else is left
        fresh = chosen or [c for c in self._order if c in self._left and c != now]
        # the next one stays: its picture is ready
        self._queue = deque(dict.fromkeys([*list(self._queue)[:1], *fresh]))

    # --- what was said ------------------------------------------------------------------------

    def answer(
        self, answer: str, *, seconds: float | None = None, shown: str | None = None
    ) -> None:
        """Write down an answer to the turn; when this returns it is on the disk.

        seconds: how long it took. shown: the encoder or scorer by which the item was chosen.
        Raises UsageError for an answer that is not possible, LibraryError where it can't be kept.
        """
        if answer not in self.answers:
            raise UsageError(f"no answer {answer}: one of {', '.join(self.answers)}")
        repeat = self._write(answer, seconds, shown)
        if repeat:
            self.repeated += 1
        else:
            self.answered += 1
            self._since_choice += 1

    def skip(self, *, seconds: float | None = None, shown: str | None = None) -> None:
        """Write down that the person saw the item and gave no answer."""
        self._write(SKIP, seconds, shown)
        self.skipped += 1

    def pass_over(self, content: int, why: str) -> None:
        """Leave out an item that can't be shown; nothing is written."""
        self.unreadable[content] = why
        self._forget(content)
        self._open_repeats.pop(content, None)
        if self._turn and self._turn.item.content == content:
            self._turn = None

    def undo(self) -> tuple[Turn, str]:
        """Take the last answer back; it is asked again, and returned with what was answered.

        Also one of an earlier session, if it was about these items. Raises NothingError where
        there is none.
        """
        last = next(
            (event for event in reversed(self._mine()) if event.content in self._items), None
        )
        if last is None:
            raise NothingError("nothing to take back")
        before: str | None = None
        if self.practice:
            said = [e for e in self._mine() if e.content == last.content and e is not last]
            before = next((e.answer for e in reversed(said) if e.answer != SKIP), None)
        else:
            _, before = undo(self.catalogue, self.exemplar_set, self.who, event=last.name)
        if self._turn is not None and not self._turn.repeat:
            self._queue.appendleft(self._turn.item.content)
        self._events.remove(last)
        self._count_back(last)
        if before is None:
            self._labels.pop(last.content, None)
        else:
            self._labels[last.content] = before
        repeat = bool(last.origin.get(REPEAT))
        if not repeat:
            self._left[last.content] = None
        self._open_repeats = self._unrepeated()
        self._turn = Turn(self._items[last.content], repeat)
        return self._turn, str(last.answer)

    def agreement(self) -> Agreement:
        """Return how well this person, asked twice, agrees, in all sessions so far."""
        events = self._events if self.practice else events_of(
            self.catalogue, self.exemplar_set, who=self.who
        )  # fmt: skip
        return with_oneself(self.exemplar_set, events)

    def _write(self, answer: str, seconds: float | None, shown: str | None) -> bool:
        turn = self.turn()
        if turn is None:
            raise NothingError("nothing is asked: the session is at its end")
        content = turn.item.content
        about: dict[str, Any] = {"from": self._whence, "shown": shown}
        about["seconds"] = None if seconds is None else round(seconds, 2)
        about[REPEAT] = True if turn.repeat else None
        about[SECOND_PASS] = True if self.second else None
        event = new_event(content, answer, self.who, origin_of(turn.item, **about))
        if not self.practice:
            write_down(self.catalogue, self.exemplar_set, [event])
        self._events.append(event)
        self._turn = None
        if answer != SKIP:
            self._labels[content] = answer
        self._forget(content)
        if turn.repeat:
            self._open_repeats.pop(content, None)
        elif self._is_repeated(event):
            self._open_repeats[content] = len(self._events)
        return turn.repeat

    def _forget(self, content: int) -> None:
        self._left.pop(content, None)

    def _count_back(self, event: Event) -> None:
        """Undo the counting of an event, where it was given in this session."""
        if len(self._mine()) < self.before:
            self.before -= 1
            return
        self.undone += 1
        if event.answer == SKIP:
            self.skipped -= 1
        elif event.origin.get(REPEAT):
            self.repeated -= 1
        else:
            self.answered -= 1

    # --- asking twice -------------------------------------------------------------------------

    def _mine(self) -> list[Event]:
        """Return the events of this pass that were not taken back."""
        return [event for event in self._events if _is_second(event) == self.second]

    def _is_repeated(self, event: Event) -> bool:
        """Say whether a content is one of those that are asked about twice.

        Decided by a digest, not by a die: so the share stays, however often somebody pauses.
        """
        if event.answer == SKIP or event.origin.get("from") != self._whence:
            return False
        told = f"{self.exemplar_set.name}|{self.who}|{event.content}".encode()
        fraction = int.from_bytes(hashlib.blake2b(told, digest_size=8).digest()) / 2**64
        return fraction < ASKED_TWICE

    def _unrepeated(self) -> dict[int, int]:
        """Return the contents to be asked about once more, and after how many events each was."""
        found: dict[int, int] = {}
        for place, event in enumerate(self._events, 1):
            if _is_second(event) != self.second or event.content not in self._items:
                found.pop(event.content, None)  # rated among the fives since: no plain 5 again
            elif event.origin.get(REPEAT):
                found.pop(event.content, None)
            elif self._is_repeated(event):
                found[event.content] = place
        return found

    def _due(self, after: int = 0) -> Iterator[int]:
        """Yield the contents whose second question has waited long enough."""
        given = len(self._events) + after
        return (c for c, place in self._open_repeats.items() if given - place >= LATER)

    def _answered_elsewhere(self, content: int) -> bool:
        """Say whether the same person has answered in another window."""
        if self.practice:
            return False
        events = standing(
            events_of(self.catalogue, self.exemplar_set, who=self.who, content=content)
        )
        return any(_is_second(event) == self.second for event in events)


def _is_second(event: Event) -> bool:
    return event.answer in SECOND or bool(event.origin.get(SECOND_PASS))
