"""What a library has learned: models by name, each a file in `models/` and a card."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import Catalogue, now

FOLDER = "models"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as the catalogue knows it. kind: what it is (`probe`). card: all about it."""

    name: str
    kind: str
    file: str
    card: dict[str, Any]
    created_at: str


def stored_models(catalogue: Catalogue) -> list[StoredModel]:
    """Return all models, by name."""
    with catalogue.reading() as connection:
        rows = connection.execute(
            "SELECT name, kind, file, card, created_at FROM models ORDER BY name"
        ).fetchall()
        return [
            StoredModel(name, kind, file, json.loads(card), at)
            for name, kind, file, card, at in rows
        ]


def model_file(catalogue: Catalogue, file: str) -> Path:
    """Return where a model's file lies."""
    return catalogue.folder / FOLDER / file


def keep_model(
    catalogue: Catalogue, name: str, *, kind: str, file: str, card: dict[str, Any]
) -> None:
    """Enter a model, in place of the one of its name."""
    with catalogue.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO models (name, kind, file, card, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (name, kind, file, json.dumps(card, ensure_ascii=False), now()),
        )


def drop_model(catalogue: Catalogue, name: str) -> None:
    """Take a model out of the catalogue."""
    with catalogue.transaction() as connection:
        connection.execute("DELETE FROM models WHERE name = ?", (name,))
