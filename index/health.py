"""What can be wrong with a library, and how to mend it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..db.advice import are, counted, index_command
from ..db.catalogue import Catalogue, readable
from ..db.items import from_here
from ..db.sources import record_doubt
from ..db.vectors import (
    StoredEncoder,
    damaged_items,
    drop_vectors,
    searchable_rows,
    stored_encoders,
)
from ..errors import PictureError
from ..media.digest import digest
from .exact import file_crc32
from .store import build_index, index_path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. level: "good", "note" (nothing is lost), or "wrong"."""

    level: Literal["good", "note", "wrong"]
    what: str
    mend: str = ""
    """What to do; "mended" when that has been done."""


def examine(catalogue: Catalogue, *, deep: bool = False, mend: bool = False) -> list[Finding]:
    """Look at everything in a library; mend what can be made again, when asked.

    deep: read every present picture and compare its digest.
    """
    findings = _examine_catalogue(catalogue)
    for encoder in stored_encoders(catalogue):
        findings += _examine_vectors(catalogue, encoder, mend=mend)
        findings += _examine_index(catalogue, encoder, mend=mend)
        findings += _examine_weights(encoder)
    findings += _examine_sources(catalogue)
    if deep:
        findings += _examine_contents(catalogue, mend=mend)
    if mend and not catalogue.writable:
        what = f"nothing was mended: {catalogue.folder} can't be written"
        findings.append(Finding("wrong", what, "run it where the library can be written"))
    return findings


def _examine_catalogue(catalogue: Catalogue) -> list[Finding]:
    with catalogue.reading() as connection:
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = []
    if problems != ["ok"]:
        found.append(
            Finding("wrong", f"catalogue: {'; '.join(problems)}", "sqlite3 catalogue.db .recover")
        )
    if orphans:
        found.append(Finding("wrong", f"catalogue: {len(orphans)} rows refer to nothing"))
    if not catalogue.writable:
        found.append(Finding("note", f"{catalogue.folder} can't be written: searching only"))
    return found or [Finding("good", "catalogue is whole")]


def _examine_vectors(catalogue: Catalogue, encoder: StoredEncoder, *, mend: bool) -> list[Finding]:
    n = len(searchable_rows(catalogue, encoder).items)
    damaged = damaged_items(catalogue, encoder)
    if not damaged:
        return [Finding("good", f"{encoder.name}: {are(n, 'vector')} whole")]
    what = f"{encoder.name}: {len(damaged)} of {n} vectors are damaged"
    again = index_command(catalogue, encoder.name)
    if mend and catalogue.writable:
        drop_vectors(catalogue, encoder, damaged)
        return [Finding("wrong", what, f"forgotten; make them again with: {again}")]
    return [Finding("wrong", what, again)]


def _examine_index(catalogue: Catalogue, encoder: StoredEncoder, *, mend: bool) -> list[Finding]:
    with catalogue.reading() as connection:
        row = connection.execute(
            "SELECT made_from, crc32 FROM indexes WHERE encoder = ?", (encoder.id,)
        ).fetchone()
    path = index_path(catalogue, encoder)
    if row is None or row[0] != encoder.generation:
        problem = Finding("note", f"{encoder.name}: index is not up to date", "by itself")
    elif not path.is_file():
        problem = Finding("note", f"{encoder.name}: index file is missing", "by itself")
    elif file_crc32(path) != row[1]:
        problem = Finding("wrong", f"{encoder.name}: index file {path} is damaged", "by itself")
    else:
        return [Finding("good", f"{encoder.name}: index fits the vectors")]
    if mend and catalogue.writable:
        fresh = next(e for e in stored_encoders(catalogue) if e.id == encoder.id)
        build_index(catalogue, fresh, remark=lambda text: None)
        return [Finding(problem.level, problem.what, "mended")]
    return [Finding(problem.level, problem.what, "mended by the next search, or q doctor --mend")]


def _examine_weights(encoder: StoredEncoder) -> list[Finding]:
    path = encoder.card.get("weights_path")
    if path and not Path(path).is_file():
        return [
            Finding(
                "note",
                f"{encoder.name}: its weights {path} have moved; indexed pictures still work",
                "give them again: --weights FILE",
            )
        ]
    return []


def _examine_sources(catalogue: Catalogue) -> list[Finding]:
    with catalogue.reading() as connection:
        states = dict(
            connection.execute("SELECT state, count(*) FROM sources GROUP BY state").fetchall()
        )
    found = []
    if states.get("unreadable"):
        text = f"{counted(states['unreadable'], 'file')} could not be read"
        found.append(Finding("note", text, "q status names them"))
    if states.get("vanished"):
        text = f"vanished: {counted(states['vanished'], 'file')}"
        found.append(Finding("note", text, "bring them back, or: q index --prune"))
    return found


def _examine_contents(catalogue: Catalogue, *, mend: bool) -> list[Finding]:
    found = []
    doubtful = []
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT id, path, digest FROM sources WHERE state = 'present' ORDER BY path"
        ).fetchall()
    for source, path, known in rows:
        text = readable(str(from_here(catalogue.located(path))))
        again = f"q index {shlex.quote(text)}"
        try:
            now = digest(catalogue.located(path))
        except PictureError as problem:
            found.append(Finding("note", f"{text}: {problem}", again))
            continue
        if now != known:
            doubtful.append(source)
            # size and time are as they were: an index run would pass it by
            advice = f"read anew by: {again}" if mend else f"q doctor --deep --mend, then {again}"
            found.append(Finding("wrong", f"{text}: its content is not what was indexed", advice))
    if doubtful and mend and catalogue.writable:
        with catalogue.transaction() as connection:
            record_doubt(connection, doubtful)
    return found or [Finding("good", f"{are(len(rows), 'file')} as they were indexed")]
