"""Rows of names and values as CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any


def rows_as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return CSV with a line of names; what is not a plain value is JSON, None is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    # csv quotes only the line ends that it writes itself: a lone "\r" would end a line for readers
    quoting = csv.DictWriter(out, names, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if names:
        writer.writeheader()
    for row in rows:
        cells = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
        (quoting if "\r" in "".join(map(str, cells.values())) else writer).writerow(cells)
    return out.getvalue()
