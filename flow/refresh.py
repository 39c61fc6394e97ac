"""Bring a library up to date with the files: read what is new, encode it, write it down."""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..db import sources
from ..db.catalogue import Catalogue, now, readable
from ..db.contents import Contents, Fate
from ..db.items import count_items
from ..db.plan import Pending, Plan, known_sources
from ..db.vectors import StoredEncoder, VectorFile
from ..embed.encoder import Encoder, Vectors
from ..errors import PictureError
from ..media.address import Address
from ..media.digest import digest as digest_of
from ..media.digest import read_content
from ..media.picture import Picture
from ..video.item import read
from .pipeline import Workers

KEEP_CONTENT = 8 << 20
"""Bytes of a file held between digest and decoding; a larger file is read again, from the cache."""
BLANK_NAMED = 5
COMMIT_SECONDS = 1.0
COMMIT_ITEMS = 512


@dataclass(slots=True)
class Report:
    """What a refresh did."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    copied: int = 0
    vanished: int = 0
    lost: int = 0
    """Pictures whose files are gone, since now or earlier: what --prune forgets."""
    returned: int = 0
    unchanged: int = 0
    encoded: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of the pictures that failed in this call and had not failed before."""
    failed_before: int = 0
    seconds: float = 0.0
    stopped: bool = False
    """The user asked to stop; what was in hand was finished, and the next call goes on."""
    remarks: list[str] = field(default_factory=list)

    def count_same(self, pending: Pending) -> None:
        """Count a file that is as it was, but for its time."""
        back = bool(pending.known and pending.known.state == "vanished")
        self.returned += back
        self.unchanged += not back

    def count_fresh(self, pending: Pending) -> None:
        """Count a picture whose content the library did not know."""
        known = pending.known
        again = known is not None and (known.size, known.mtime_ns) != (
            pending.found.size, pending.found.mtime_ns
        )  # fmt: skip
        self.changed += again
        self.new += not again


@dataclass(frozen=True, slots=True)
class _Read:
    """A file's content, known by its digest; or why it could not be read."""

    pending: Pending
    digest: str | None
    content: bytes | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Decoded:
    read: _Read
    picture: Picture | None
    """Without its samples: they are not needed once the picture is prepared."""
    prepared: NDArray[Any] | None
    error: str | None = None
    blank: bool = False


class Refresh:
    """One run over a plan, with one encoder.

    progress(done, total) is called after each picture; should_stop() is asked between batches.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        encoder: Encoder,
        stored: StoredEncoder,
        *,
        batch: int | None = None,
        threads: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.encoder = encoder
        self.stored = stored
        self.batch = batch or encoder.batch
        self.threads = threads
        self.progress = progress or (lambda done, total: None)
        self.should_stop = should_stop or (lambda: False)
        self.report = Report()
        self._length = stored.rows
        self._done = self._total = 0
        self._lacking: set[int] = set()
        """Pictures (by id()) whose files have not changed: all they lack is a vector."""
        self._counted: set[int] = set()
        """Those of them that the plan has counted as unchanged."""
        self._told: set[int] = set()
        """Pictures (by id()) that the report has counted, as moved or copied, before encoding."""
        self._failures: dict[str, str] = {}
        self._blank: list[str] = []
        self._copies: list[Pending] = []
        self._waiting: list[_Decoded] = []
        self._encoded: list[tuple[list[_Decoded], Vectors]] = []
        self._settled: list[Callable[[sqlite3.Connection], None]] = []
        self._committed_at = time.monotonic()

    def run(self, plan: Plan) -> Report:
        """Carry the plan out; what is committed stays, whatever happens later."""
        started, clock = now(), time.monotonic()
        report = self.report
        report.unchanged = plan.unchanged
        report.failed_before = plan.still_unreadable
        self._lacking = {id(p) for p in [*plan.unencoded, *plan.new_parts]}
        self._counted = {id(p) for p in plan.unencoded}
        contents = Contents(self.catalogue, plan, self.stored)
        if plan.returned or plan.vanished or plan.broken_again:
            with self.catalogue.transaction() as connection:
                sources.record_presence(connection, plan.returned, "present")
                sources.record_presence(connection, plan.broken_again, "unreadable")
                sources.record_presence(connection, plan.vanished, "vanished")
        report.returned = len(plan.returned)
        self._total = len(plan.pending)
        self._stream(plan.pending, contents)
        while self._copies and not report.stopped:
            copies, self._copies = self._copies, []
            contents.written(copies)
            self._stream(copies, contents)
        report.vanished = sum(1 for source in plan.vanished if source in contents.missing)
        report.lost = count_items(self.catalogue, contents.missing)
        if self._blank:
            few = ", ".join(self._blank[:BLANK_NAMED]) + ", ..." * (len(self._blank) > BLANK_NAMED)
            report.remarks.append(f"{len(self._blank)} blank (one value everywhere): {few}")
        report.seconds = time.monotonic() - clock
        if self._total:
            with self.catalogue.transaction() as connection:
                sources.record_run(
                    connection, "index", started, report.seconds,
                    (report.encoded, len(report.failed)),
                    {"encoder": self.stored.identity, "stopped": report.stopped},
                )  # fmt: skip
        return report

    def _stream(self, pending: Sequence[Pending], contents: Contents) -> None:
        workers = Workers(self.threads)
        try:
            reads = workers.map(_read, pending, ahead=2 * workers.threads)
            unknown = self._unknown(reads, contents)
            # beside an encoder that keeps all processors busy decoding would only disturb: its
            # threads wait for each other (on two cores indexing fell to three quarters)
            alone = self.encoder.fills_processors
            ahead = self.batch if alone else 2 * self.batch
            decoded = workers.map(self._decode, unknown, ahead=ahead, in_rounds=alone)
            for result in decoded:
                if result.prepared is None:
                    self._fail(result.read, result.error)
                else:
                    self._waiting.append(result)
                    if result.blank:
                        self._blank.append(_name_of(result.read.pending))
                    self._count()
                if len(self._waiting) >= self.batch:
                    self._encode()
                    if self.should_stop():
                        self.report.stopped = True
                        break
            self._commit()
        finally:
            workers.close()

    def _unknown(self, reads: Iterator[_Read], contents: Contents) -> Iterator[_Read]:
        """Pass on what must be decoded; settle what the catalogue knows by its content."""
        for read_ in reads:
            pending, digest = read_.pending, read_.digest
            if digest is None or read_.error is not None:
                self._fail(read_, read_.error)
            elif digest in self._failures and pending.frame is None and pending.part is None:
                self._fail(read_, self._failures[digest])
            elif id(pending) in self._lacking or self._settle(pending, digest, contents):
                yield read_

    def _settle(self, pending: Pending, digest: str, contents: Contents) -> bool:
        """Plan what a touched, moved or copied file needs; return whether it must be encoded."""
        fate = contents.fate(pending, digest)
        if fate.kind == "waits":
            self._copies.append(pending)
            return False
        if fate.kind == "same":
            self._settled.append(partial(sources.record_touch, pending=pending, source=fate.source))
            self.report.count_same(pending)
        elif fate.kind == "moved":
            self._settled.append(partial(sources.record_move, pending=pending, old=fate.source))
            self.report.moved += 1
        elif fate.kind == "copied":
            self._settled.append(
                partial(sources.record_copy, pending=pending, digest=digest, original=fate.source)
            )
            self.report.copied += 1
        if fate.kind != "fresh":
            self._told.add(id(pending))
            self._commit_when_due()
        if not fate.encode:
            self._count()
        return fate.encode

    def _decode(self, read_: _Read) -> _Decoded:
        """Read and prepare one picture; runs in a thread."""
        pending = read_.pending
        try:
            picture = read(
                pending.found.path,
                part=pending.part,
                frame=pending.frame,
                at_least=self.encoder.reads_at,
                content=read_.content,
            )
            prepared = self.encoder.prepare(picture)
        except PictureError as problem:
            return _Decoded(read_, None, None, str(problem))
        except MemoryError:
            return _Decoded(read_, None, None, "not enough memory to decode it")
        light = replace(picture, samples=picture.samples[:0, :0], mask=None)
        return _Decoded(replace(read_, content=None), light, prepared, blank=picture.is_blank)

    def _fail(self, read_: _Read, error: str | None) -> None:
        reason = error or "can't be read"
        pending = read_.pending
        whole_file = pending.frame is None and pending.part is None
        still_good = pending.known and read_.digest and pending.known.digest == read_.digest
        # a part that is not there says nothing about the file, nor does an encoder that balks
        if whole_file and not (still_good and id(pending) in self._lacking):
            self._settled.append(
                partial(sources.record_failure, pending=pending, digest=read_.digest, reason=reason)
            )
        if whole_file and read_.digest:
            self._failures[read_.digest] = reason  # its copies need not be tried
        if pending.known and pending.known.error == reason:
            self.report.failed_before += 1
        else:
            self.report.failed.append((_name_of(pending), reason))
        self._count()
        self._commit_when_due()

    def _encode(self) -> None:
        """Encode what waits; committed when some time has gone by or much has gathered."""
        if self._waiting:
            vectors = self.encoder.encode(
                [w.prepared for w in self._waiting if w.prepared is not None]
            )
            self._encoded.append((self._waiting, vectors))
            self._waiting = []
        self._commit_when_due()

    def _commit_when_due(self) -> None:
        gathered = len(self._settled) + sum(len(batch) for batch, _ in self._encoded)
        if gathered >= COMMIT_ITEMS or time.monotonic() - self._committed_at > COMMIT_SECONDS:
            self._write()

    def _commit(self) -> None:
        self._encode()
        self._write()

    def _write(self) -> None:
        """Write down what has gathered: vectors first, synced, then all rows in one transaction."""
        batches = [one for batch, _ in self._encoded for one in batch]
        crcs: list[int] = []
        if batches:
            vectors = np.concatenate([vectors for _, vectors in self._encoded])
            crcs = VectorFile(self.catalogue, self.stored).append(vectors, at=self._length)
        if batches or self._settled:
            with self.catalogue.transaction() as connection:
                for action in self._settled:
                    action(connection)
                rows = []
                for place, (one, crc) in enumerate(zip(batches, crcs, strict=True)):
                    if one.picture is None or one.read.digest is None:
                        continue
                    item = sources.record_picture(
                        connection, one.read.pending, one.read.digest, one.picture
                    )
                    rows.append((item, self._length + place, crc))
                length = self._length + len(batches)
                if rows:
                    sources.record_vectors(connection, self.stored, rows, length=length)
            self._length = length
        for one in batches:
            if id(one.read.pending) not in self._told | self._counted:
                self.report.count_fresh(one.read.pending)
        self.report.encoded += len(batches)
        self._encoded, self._settled = [], []
        self._committed_at = time.monotonic()

    def _count(self) -> None:
        self._done += 1
        self.progress(self._done, self._total)


def _name_of(pending: Pending) -> str:
    """Return the address of a picture as the catalogue tells it."""
    place = Address(Path(os.fsdecode(pending.path)), pending.frame, pending.part)
    return readable(str(place))


def preview(catalogue: Catalogue, plan: Plan, encoder: StoredEncoder | None) -> Report:
    """Return what a refresh would do, were every picture readable; nothing is written.

    Only files that have changed, or may have been moved or copied, are read. `encoded` is how
    many would be encoded.
    """
    report = Report(
        unchanged=plan.unchanged,
        returned=len(plan.returned),
        failed_before=plan.still_unreadable,
        encoded=len(plan.unencoded) + len(plan.new_parts),
        new=len(plan.new_parts),
    )
    contents = Contents(catalogue, plan, encoder)
    sizes = Counter(source.size for source in known_sources(catalogue).values())
    sizes.update(pending.found.size for pending in plan.pending)
    for pending in [*plan.changed, *plan.new]:
        one_of_its_size = pending.known is None and sizes[pending.found.size] == 1
        digest = None if one_of_its_size else _read(pending).digest
        fate = Fate("fresh") if digest is None else contents.fate(pending, digest)
        report.encoded += fate.encode
        if fate.kind == "fresh":
            report.count_fresh(pending)
        elif fate.kind == "same":
            report.count_same(pending)
        elif fate.kind == "moved":
            report.moved += 1
        else:
            report.copied += 1
    report.vanished = sum(1 for source in plan.vanished if source in contents.missing)
    report.lost = count_items(catalogue, contents.missing)
    return report


def _read(pending: Pending) -> _Read:
    """Read and digest one file; runs in a thread."""
    try:
        if pending.frame is not None:  # of a file that is asked for many of them
            found = pending.found
            return _Read(pending, _digest_once(found.path, found.size, found.mtime_ns))
        if pending.found.size > KEEP_CONTENT:
            return _Read(pending, digest_of(pending.found.path))
        content = read_content(pending.found.path)
        return _Read(pending, digest_of(pending.found.path, content=content), content)
    except PictureError as problem:
        return _Read(pending, None, error=str(problem))


@lru_cache(maxsize=64)
def _digest_once(path: str, size: int, mtime_ns: int) -> str:
    """Return the digest of a file that is as it was when it was found (size and time tell)."""
    return digest_of(path)
