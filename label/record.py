"""Writing labels down, and taking the last ones back."""

import getpass
import os
from collections.abc import Sequence
from typing import Any

from ..db.catalogue import Catalogue, readable
from ..db.exemplars import SKIP, Event, StoredSet, events_of, new_event, write_down
from ..db.items import Item
from ..errors import LibraryError, NothingError

UNDOES = "undoes"
"""In an event's origin: the name of the event that it takes back."""
REPEAT = "repeat"
"""In an event's origin: the person was asked a second time, to see whether the answer stays."""


def person(who: str | None = None) -> str:
    """Return who labels: as named, else $Q_WHO, else the user's name."""
    named = who or os.environ.get("Q_WHO")
    if named:
        return readable(named)
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a user without a name, as in some containers
        return "somebody"


def check_writable(catalogue: Catalogue) -> None:
    """Raise LibraryError, before anybody answers, where answers could not be kept."""
    if not catalogue.writable:
        raise LibraryError(
            f"{catalogue.folder} can't be written: answers would be lost. "
            "Copy the library to where it can"
        )


def origin_of(item: Item, **shown: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return what an event keeps of an item: where it lay, and what was shown."""
    return {"item": str(item), **{key: value for key, value in shown.items() if value is not None}}


def label_items(
    catalogue: Catalogue, exemplar_set: StoredSet, items: Sequence[Item], answer: str | None,
    who: str, **shown: Any,  # noqa: ANN401 - JSON
) -> int:  # fmt: skip
    """Give items an answer (None takes theirs back); copies count as one; return how many.

    When this returns the answers are on the disk.
    """
    check_writable(catalogue)
    by_content = {item.content: item for item in items}
    write_down(
        catalogue, exemplar_set,
        [new_event(c, answer, who, origin_of(item, **shown)) for c, item in by_content.items()],
    )  # fmt: skip
    return len(by_content)


def standing(events: Sequence[Event]) -> list[Event]:
    """Return what of a person's events was not taken back, without what took back."""
    undone = {event.origin.get(UNDOES) for event in events}
    return [e for e in events if e.name not in undone and UNDOES not in e.origin]


def undo(
    catalogue: Catalogue, exemplar_set: StoredSet, who: str, *, event: str | None = None
) -> tuple[Event, str | None]:
    """Take the last answer of a person back; return it, and what counts instead (None: nothing).

    Called again, it takes back the one before that. event: the name of another than the last: a
    second window may have answered since. Nothing is deleted: an undo is an event too. Raises
    NothingError when there is nothing left to take back.
    """
    check_writable(catalogue)
    left = standing(events_of(catalogue, exemplar_set, who=who))
    meant = [one for one in left if event in (None, one.name)]
    if not meant:
        raise NothingError(f"nothing of {who} to take back in {exemplar_set.name}")
    last = meant[-1]
    before = [e.answer for e in left if e.content == last.content and e is not last]
    answers = [answer for answer in before if answer != SKIP]
    answer = answers[-1] if answers else None
    origin = {"item": last.origin.get("item"), UNDOES: last.name}
    write_down(catalogue, exemplar_set, [new_event(last.content, answer, who, origin)])
    return last, answer
