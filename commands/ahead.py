"""Pictures made ready for the screen before they are asked about, in threads."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..db.items import Item
from ..errors import PictureError

if TYPE_CHECKING:
    from ..show.terminal import Terminal

_THREADS = 2
"""The next one, and one that nobody foresaw, as after undoing."""
_KEPT = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where pictures are to stand: a picture made for another place is made anew."""

    terminal: "Terminal"
    at: tuple[int, int]
    room: tuple[int, int]


class PicturesAhead:
    """Makes pictures ready in the order in which they are wanted.

    on_ready() is called from a thread after each. The threads end with the process: a file on a
    disk that does not answer must not keep it.
    """

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._changed = threading.Condition()
        self._wanted: list[Item] = []
        self._place: Place | None = None
        self._working: set[int] = set()
        self._ready: dict[int, bytes | Exception] = {}
        for _ in range(_THREADS):
            threading.Thread(target=self._work, daemon=True).start()

    def want(self, items: Sequence[Item], place: Place) -> None:
        """Say which pictures are wanted where, the most urgent first."""
        with self._changed:
            if place != self._place:
                self._ready.clear()
                self._working.clear()
                self._place = place
            self._wanted = list(items)
            self._changed.notify_all()

    def get(self, item: Item) -> bytes | Exception | None:
        """Return what draws a picture, or why it can't be read; None while it is not ready."""
        with self._changed:
            return self._ready.get(item.content)

    def _work(self) -> None:
        while True:
            with self._changed:
                while (item := self._next()) is None:
                    self._changed.wait()
                place = self._place
                self._working.add(item.content)
            assert place is not None
            made = _made(item, place)
            with self._changed:
                if place != self._place:  # the window has another size since
                    continue
                self._working.discard(item.content)
                self._ready[item.content] = made
                near = {item.content for item in self._wanted}
                for old in list(self._ready):
                    if len(self._ready) > _KEPT and old not in near:
                        del self._ready[old]
            self._on_ready()

    def _next(self) -> Item | None:
        taken = self._ready.keys() | self._working
        return next((item for item in self._wanted if item.content not in taken), None)


def _made(item: Item, place: Place) -> bytes | Exception:
    from ..show.terminal import show
    from ..show.thumbnail import for_the_eye

    try:
        image = for_the_eye(item.address, max(place.terminal.pixels(*place.room)))
        return show(image, place.terminal, at=place.at, room=place.room)
    except PictureError as problem:
        return problem
    except Exception as problem:
        return problem
