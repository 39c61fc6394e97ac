"""Scores, kept with the identity of the scorer that gave them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from .catalogue import Catalogue, now

_CHUNK = 500


def kept_scores(
    catalogue: Catalogue, identity: str, items: Sequence[int]
) -> dict[int, tuple[float | None, str]]:
    """Return (value, reason) by item, of those items that this scorer has seen."""
    found: dict[int, tuple[float | None, str]] = {}
    with catalogue.reading() as connection:
        for start in range(0, len(items), _CHUNK):
            part = items[start : start + _CHUNK]
            for item, value, detail in connection.execute(
                "SELECT item, value, detail FROM scores JOIN scorers ON scorers.id = scorer "
                f"WHERE identity = ? AND item IN ({','.join('?' * len(part))})",
                (identity, *part),
            ):
                found[item] = (value, json.loads(detail).get("reason", "") if detail else "")
    return found


def keep_scores(
    catalogue: Catalogue,
    identity: str,
    *,
    name: str,
    parameters: Mapping[str, Any],
    scores: Mapping[int, tuple[float | None, str]],
) -> None:
    """Keep scores; values must be numbers."""
    with catalogue.transaction() as connection:
        scorer = scorer_number(connection, identity, name, parameters)
        connection.executemany(
            "INSERT OR REPLACE INTO scores (scorer, item, value, detail) VALUES (?, ?, ?, ?)",
            [
                (scorer, item, value, json.dumps({"reason": reason}))
                for item, (value, reason) in scores.items()
            ],
        )


def scorer_number(
    connection: sqlite3.Connection, identity: str, name: str, parameters: Mapping[str, Any]
) -> int:
    """Return the number of a scorer, entered where it is new."""
    connection.execute(
        "INSERT INTO scorers (identity, name, parameters, created_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (identity) DO NOTHING",
        (identity, name, json.dumps(dict(parameters), sort_keys=True), now()),
    )
    (scorer,) = connection.execute(
        "SELECT id FROM scorers WHERE identity = ?", (identity,)
    ).fetchone()
    return int(scorer)
