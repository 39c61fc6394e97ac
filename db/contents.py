"""What a file's content says about it: only touched, moved, a copy, or new to the library."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .catalogue import Catalogue
from .plan import Pending, Plan, Source
from .vectors import StoredEncoder

Key = tuple[str, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Fate:
    """What has to be done with a file whose content is known by its digest.

    same: the file is as it was, but for its time. moved: `source` lives here now. copied: `source`
    has the same content. waits: its content is being encoded under another name just now. fresh:
    the library does not know this content.
    """

    kind: Literal["same", "moved", "copied", "waits", "fresh"]
    source: int = 0
    encode: bool = True
    """Whether a vector has to be made."""


class Contents:
    """Decides the fate of one file after the other; a dry run, which writes nothing, decides alike.

    Files are to come in the order of `plan.pending`. missing: sources whose files are not where
    they were, by id; one that turns up elsewhere leaves it. A source whose file has changed is
    never taken for an original, since what it held is about to be replaced.
    """

    def __init__(self, catalogue: Catalogue, plan: Plan, encoder: StoredEncoder | None) -> None:
        self.missing: dict[int, Source] = {**plan.lost_before, **plan.vanished}
        self._connection = catalogue.connection
        self._encoder = encoder.id if encoder else -1
        self._in_doubt = {p.known.id for p in plan.changed if p.known}
        self._in_hand: set[Key] = set()

    def fate(self, pending: Pending, digest: str) -> Fate:
        """Decide about a new or changed file."""
        known = pending.known
        key = (digest, pending.frame, pending.part)
        if known and known.digest == digest and self._holds_any(known.id):
            self._in_doubt.discard(known.id)
            return Fate("same", known.id, not self._has_vector(known.id, key))
        if key in self._in_hand:
            return Fate("waits", encode=False)
        alike = [source for source in self._alike(key) if source not in self._in_doubt]
        lost = next((source for source in alike if source in self.missing), None)
        if lost is not None:
            del self.missing[lost]
            found = Fate("moved", lost, not self._has_vector(lost, key))
        elif alike:
            found = Fate("copied", alike[0], not self._content_has_vector(alike[0], key))
        else:
            found = Fate("fresh")
        if found.encode:
            self._in_hand.add(key)
        return found

    def written(self, waiting: Iterable[Pending]) -> None:
        """Note that all is written down but for those that wait."""
        self._in_hand.clear()
        self._in_doubt = {p.known.id for p in waiting if p.known}

    def _holds_any(self, source: int) -> bool:
        return self._found("SELECT 1 FROM items WHERE source = ?", source)

    def _alike(self, key: Key) -> list[int]:
        """Return the sources of a content that hold the picture asked for."""
        return [
            source
            for (source,) in self._connection.execute(
                "SELECT sources.id FROM sources JOIN items ON items.source = sources.id "
                "WHERE digest = ? AND items.frame IS ? AND items.part IS ? ORDER BY sources.id",
                key,
            )
        ]

    def _has_vector(self, source: int, key: Key) -> bool:
        return self._found(
            "SELECT 1 FROM items JOIN vectors ON vectors.item = items.id "
            "WHERE encoder = ? AND source = ? AND frame IS ? AND part IS ?",
            self._encoder, source, *key[1:],
        )  # fmt: skip

    def _content_has_vector(self, source: int, key: Key) -> bool:
        return self._found(
            "SELECT 1 FROM items AS own JOIN items ON items.content = own.content "
            "JOIN vectors ON vectors.item = items.id AND encoder = ? "
            "WHERE own.source = ? AND own.frame IS ? AND own.part IS ?",
            self._encoder, source, *key[1:],
        )  # fmt: skip

    def _found(self, statement: str, *values: object) -> bool:
        return self._connection.execute(statement, values).fetchone() is not None
