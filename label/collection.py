"""A library's exemplar sets, as Python users and commands see them: `library.exemplars`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..db.catalogue import Catalogue
from ..db.exemplars import (
    Event,
    Kind,
    StoredSet,
    add_events,
    all_sets,
    bring_back,
    check_events,
    current_labels,
    events_of,
    items_of_contents,
    put_away,
    set_named,
)
from ..db.items import Item, contents_of, items_by_id
from ..errors import NothingError, UsageError
from ..flow.given import paths_in
from .agreement import Agreement, between_people, with_oneself
from .entered import Index, entered
from .exchange import (
    as_csv,
    check_answers,
    is_ours,
    link_folders,
    own_events,
    read_rows,
    write_csv,
)
from .exemplars import brought_together, exemplars_of
from .intake import TakenIn, take_in
from .record import check_writable, label_items, person, undo
from .sets import KEEP, kept, planned_set, set_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..flow.given import Paths


@dataclass(frozen=True, slots=True)
class Summary:
    """A set in numbers.

    labelled: contents with an answer that counts. gone: of those, how many are of no item that the
    library knows (their labels stay). events: everything that was ever said.
    """

    exemplar_set: StoredSet
    labelled: int
    counts: dict[str, int]
    people: dict[str, int]
    contradicted: int
    gone: int
    events: int
    last_at: str | None
    oneself: Agreement
    each_other: Agreement

    def as_json(self) -> dict[str, Any]:
        """Return it for JSON."""
        asked = self.exemplar_set
        return {
            "set": asked.name, "kind": asked.kind, "question": asked.question,
            "answers": list(asked.answers), "labelled": self.labelled, "counts": self.counts,
            "people": self.people, "contradicted": self.contradicted, "gone": self.gone,
            "events": self.events, "last_at": self.last_at,
            "agreement_with_oneself": _agreement(self.oneself),
            "agreement_between_people": _agreement(self.each_other),
        }  # fmt: skip


def _agreement(found: Agreement) -> dict[str, Any]:
    kappa = None if found.kappa is None else round(found.kappa, 4)
    return {"pairs": found.pairs, "kappa": kappa,
            "same": None if found.same is None else round(found.same, 4)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody said of an item; item: None where the library does not know it any more."""

    name: str
    item: Item | None
    who: str
    answer: str
    at: str


class ExemplarSets:
    """The sets of one library."""

    def __init__(self, catalogue: Catalogue, index: Index) -> None:
        self._catalogue = catalogue
        self._index = index

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the sets."""
        return iter([found.name for found in all_sets(self._catalogue)])

    def label(
        self,
        items: "Paths",
        answer: str | None,
        *,
        name: str,
        who: str | None = None,
        kind: Kind | None = None,
        question: str | None = None,
        answers: Sequence[str] = (),
        index: Index | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> int:
        """Give items an answer in a set, made where it is new; return how many.

        items: as for `Library.index`, and frames as "mars.ser#120"; indexed first where they are
        new, by `index` instead of the library's own. answer: one of the set's; None takes back what
        `who` said of them. answers: more classes. on_remark(text) is told of files that can't be
        read. Raises UsageError for an answer that the set does not have. When this returns the
        answers are on the disk.
        """
        check_writable(self._catalogue)
        asked, fits = set_for(
            self._catalogue, name, answer, kind=kind, question=question, answers=answers
        )
        found, unread = entered(self._catalogue, paths_in(items), index or self._index)
        if on_remark is not None:
            for text in unread:
                on_remark(text)
        return label_items(self._catalogue, kept(self._catalogue, asked), found, fits, person(who))

    def take_back(self, items: "Paths", *, name: str, who: str | None = None) -> int:
        """Take back what a person said of items; return how many answers that were.

        Raises NothingError where they said nothing of any.
        """
        check_writable(self._catalogue)
        asked, me = set_named(self._catalogue, name), person(who)
        mine = {label.content for label in current_labels(self._catalogue, asked, who=me)}
        found, _ = entered(self._catalogue, paths_in(items), self._index)
        said = [item for item in found if item.content in mine]
        if not said:
            raise NothingError(f"{me} has said nothing of these in {name}")
        return label_items(self._catalogue, asked, said, None, me)

    def take_in(
        self,
        path: str | Path,
        *,
        name: str,
        who: str | None = None,
        kind: Kind | None = None,
        column: str | None = None,
    ) -> TakenIn:
        """Take in labels from a CSV of another program, or a folder for each class."""
        return take_in(
            self._catalogue, Path(path), self._index, name=name, who=person(who), kind=kind,
            column=column,
        )  # fmt: skip

    def summaries(self) -> list[Summary]:
        """Return all sets in numbers, by name."""
        return [self.summary(found.name) for found in all_sets(self._catalogue)]

    def summary(self, name: str) -> Summary:
        """Return a set in numbers; raises UsageError for an unknown one."""
        asked = set_named(self._catalogue, name)
        labels, events = current_labels(self._catalogue, asked), events_of(self._catalogue, asked)
        together = brought_together(asked, labels)
        contents = {label.content for label in labels}
        known = items_of_contents(self._catalogue, contents)
        people: dict[str, int] = {}
        for label in labels:
            people[label.who] = people.get(label.who, 0) + 1
        return Summary(
            asked, len(contents), together.counts(), people, together.contradicted,
            len(contents) - len(known), len(events), events[-1].at if events else None,
            with_oneself(asked, events), between_people(asked, labels),
        )  # fmt: skip

    def labels(self, name: str, *, who: str | None = None) -> list[Label]:
        """Return the answers that count, in order of time."""
        asked = set_named(self._catalogue, name)
        labels = current_labels(self._catalogue, asked, who=who)
        items = self._items({label.content for label in labels})
        told = {e.content: str(e.origin.get("item", "")) for e in events_of(self._catalogue, asked)}
        return [
            Label(
                str(items[label.content]) if label.content in items else told[label.content],
                items.get(label.content), label.who, label.answer, label.at,
            )
            for label in labels
        ]  # fmt: skip

    def weights(self, name: str, ids: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """Return (n,) weights of items by their labels: ratings as they are, keep 1.

        0 of an item without a label, or one that was rejected. Raises UsageError for a set of
        classes, which say nothing of weight.
        """
        import numpy as np

        asked = set_named(self._catalogue, name)
        if asked.kind == "classes":
            raise UsageError(f"{name} holds classes: they are no weights; take ratings or keep")
        entries = exemplars_of(self._catalogue, asked).entries
        worth = {e.content: e.value if e.value is not None else float(e.answer == KEEP[0])
                 for e in entries}  # fmt: skip
        contents = contents_of(self._catalogue)
        return np.array([worth.get(contents.get(item, -1), 0.0) for item in ids.tolist()])

    def history(self, name: str) -> list[Event]:
        """Return everything that was ever said, in order of time."""
        return events_of(self._catalogue, set_named(self._catalogue, name))

    def export(self, name: str) -> str:
        """Return a set as CSV, whole: `add` makes the same set of it."""
        return as_csv(self._catalogue, set_named(self._catalogue, name))

    def export_file(self, name: str, path: str | Path) -> None:
        """Write a set as CSV."""
        write_csv(self.export(name), Path(path))

    def export_folders(self, name: str, folder: str | Path) -> tuple[int, int]:
        """Link the labelled pictures into a folder for each answer.

        Returns how many were linked, and how many could not: frames of videos, and items that are
        gone.
        """
        exemplars = exemplars_of(self._catalogue, set_named(self._catalogue, name))
        items = self._items({entry.content for entry in exemplars.entries})
        linked = sum(link is not None for _, link in link_folders(exemplars, items, Path(folder)))
        return linked, len(exemplars.entries) - linked

    def add(self, path: str | Path, *, name: str | None = None) -> tuple[str, int, int]:
        """Take in a CSV that `export` wrote; return the set, how many events, how many were new.

        What the library has already is passed over, so that sets of several people merge. Raises
        UsageError for a CSV that is not ours.
        """
        check_writable(self._catalogue)
        rows = read_rows(Path(path))
        if not is_ours(rows):
            raise UsageError(f"{path}: not written by q exemplars export")
        head, events = own_events(Path(path), rows)
        planned = planned_set(
            self._catalogue, name or head["name"], kind=head["kind"], question=head["question"],
            answers=head["answers"] if head["kind"] == "classes" else (),
        )  # fmt: skip
        check_answers(Path(path), events, planned)
        check_events(self._catalogue, planned, events)
        asked = kept(self._catalogue, planned)
        return asked.name, len(events), add_events(self._catalogue, asked, events)

    def undo(self, name: str, *, who: str | None = None) -> tuple[Event, str | None]:
        """Take a person's last answer back; return it, and what counts instead (None: nothing)."""
        return undo(self._catalogue, set_named(self._catalogue, name), person(who))

    def remove(self, name: str) -> str:
        """Put a set out of sight; return the name by which `restore` brings it back."""
        check_writable(self._catalogue)
        return put_away(self._catalogue, set_named(self._catalogue, name))

    def restore(self, name: str) -> StoredSet:
        """Bring a removed set back, the last one of that name."""
        check_writable(self._catalogue)
        return bring_back(self._catalogue, name)

    def _items(self, contents: set[int]) -> Mapping[int, Item]:
        """Return an item of each content that the library knows."""
        ids = items_of_contents(self._catalogue, contents)
        items = items_by_id(self._catalogue, ids.values())
        return {content: items[number] for content, number in ids.items()}
