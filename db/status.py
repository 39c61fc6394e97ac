"""What a library holds, counted."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import Catalogue
from .closeness import close_from
from .models import stored_models
from .place import FRAMES
from .vectors import FOLDER, StoredEncoder, stored_encoders


@dataclass(frozen=True, slots=True)
class EncoderStatus:
    """An encoder, how much of the library it has seen, and what its cosines mean."""

    encoder: StoredEncoder
    vectors: int
    megabytes: float
    close_from: float | None
    index: str
    """"exact, up to date", "exact, made again at the next search", "none yet"."""


@dataclass(frozen=True, slots=True)
class Run:
    """One indexing run."""

    started_at: str
    seconds: float
    items: int
    failed: int


@dataclass(frozen=True, slots=True)
class Status:
    """What `q status` tells."""

    folder: Path
    items: int
    sources: dict[str, int]
    """How many files are present, vanished, unreadable."""
    copies: int
    """Items whose content another item has too."""
    kinds: dict[str, int]
    unreadable: list[tuple[str, str]]
    """(path, reason), in order of paths."""
    vanished: list[str]
    encoders: list[EncoderStatus]
    scores: dict[str, int]
    last_runs: list[Run]
    catalogue_megabytes: float
    models: list[tuple[str, str]]
    """(name, kind) of what was learned, by name."""
    frames_megabytes: float
    """What is kept of the frames of videos, so that ranking again reads none."""

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON-able document."""
        return {
            "command": "status",
            "version": 1,
            "library": str(self.folder),
            "items": self.items,
            "sources": self.sources,
            "copies": self.copies,
            "kinds": self.kinds,
            "unreadable": [{"path": path, "reason": why} for path, why in self.unreadable],
            "vanished": self.vanished,
            "encoders": [
                {
                    "name": e.encoder.name,
                    "identity": e.encoder.identity,
                    "default": e.encoder.is_default,
                    "dimension": e.encoder.dimension,
                    "vectors": e.vectors,
                    "megabytes": round(e.megabytes, 2),
                    "close_from": e.close_from,
                    "index": e.index,
                }
                for e in self.encoders
            ],
            "scores": self.scores,
            "models": [{"name": name, "kind": kind} for name, kind in self.models],
            "runs": [
                {"started_at": r.started_at, "seconds": round(r.seconds, 3), "items": r.items,
                 "failed": r.failed}
                for r in self.last_runs
            ],
            "catalogue_megabytes": round(self.catalogue_megabytes, 2),
            "frames_megabytes": round(self.frames_megabytes, 2),
            "remarks": [],
        }  # fmt: skip


def status_of(catalogue: Catalogue) -> Status:
    """Count what the catalogue holds."""
    with catalogue.reading() as connection:
        counted = dict.fromkeys(("present", "vanished", "unreadable"), 0) | dict(
            connection.execute("SELECT state, count(*) FROM sources GROUP BY state").fetchall()
        )
        (items, contents) = connection.execute(
            "SELECT count(*), count(DISTINCT content) FROM items JOIN sources "
            "ON sources.id = source AND state = 'present'"
        ).fetchone()
        kinds = dict(
            connection.execute(
                "SELECT kind, count(*) FROM items JOIN sources ON sources.id = source "
                "WHERE state = 'present' GROUP BY kind ORDER BY count(*) DESC"
            ).fetchall()
        )
        unreadable = connection.execute(
            "SELECT path_text, error FROM sources WHERE state = 'unreadable' ORDER BY path"
        ).fetchall()
        vanished = [
            path
            for (path,) in connection.execute(
                "SELECT path_text FROM sources WHERE state = 'vanished' ORDER BY path"
            )
        ]
        scores = dict(
            connection.execute(
                "SELECT name, count(*) FROM scores JOIN scorers ON scorers.id = scorer "
                "GROUP BY name"
            ).fetchall()
        )
        runs = connection.execute(
            "SELECT started_at, seconds, items, failed FROM runs ORDER BY id DESC LIMIT 5"
        ).fetchall()
    file = catalogue.folder / "catalogue.db"
    return Status(
        catalogue.folder, items, counted, items - contents, kinds, unreadable, vanished,
        [_encoder_status(catalogue, e) for e in stored_encoders(catalogue)], scores,
        [Run(*run) for run in runs], file.stat().st_size / 1e6,
        [(model.name, model.kind) for model in stored_models(catalogue)],
        folder_bytes(catalogue.folder / FRAMES) / 1e6,
    )  # fmt: skip


def known_digests(catalogue: Catalogue) -> set[str]:
    """Return the digests of all files that the library knows."""
    with catalogue.reading() as connection:
        return {digest for (digest,) in connection.execute("SELECT digest FROM sources")}


def folder_bytes(folder: Path) -> int:
    """Return how much the files in a folder take, 0 where there is none."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _encoder_status(catalogue: Catalogue, encoder: StoredEncoder) -> EncoderStatus:
    with catalogue.reading() as connection:
        (vectors,) = connection.execute(
            "SELECT count(*) FROM vectors WHERE encoder = ?", (encoder.id,)
        ).fetchone()
        close = connection.execute(
            "SELECT close, quantiles FROM similarities WHERE encoder = ?", (encoder.id,)
        ).fetchone()
        threshold = close_from(close[0], json.loads(close[1])) if close else None
        made = connection.execute(
            "SELECT kind, made_from, file, size FROM indexes WHERE encoder = ?", (encoder.id,)
        ).fetchone()
    path = catalogue.folder / FOLDER / encoder.file
    state = "none yet; made at the next search"
    if made:
        file = catalogue.folder / "index" / made[2]
        fits = made[1] == encoder.generation and file.is_file() and file.stat().st_size == made[3]
        state = f"{made[0]}, {'up to date' if fits else 'made again at the next search'}"
    size = path.stat().st_size / 1e6 if path.is_file() else 0.0
    return EncoderStatus(encoder, vectors, size, threshold, state)


def card_of(encoder: StoredEncoder) -> str:
    """Return an encoder's card as indented JSON."""
    return json.dumps(encoder.card, indent=2, sort_keys=True)
