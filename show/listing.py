"""Results that are lists of items: the same rows as JSON, CSV, paths, table, notebook, sheet."""

import base64
import html
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

from ..db.items import Item
from ..errors import PictureError, SeeingError
from ..media.address import Address
from .lettering import printable
from .names import telling_names
from .rows import rows_as_csv

JSON_VERSION = 1


class Entry(Protocol):
    """One line of a listing."""

    @property
    def rank(self) -> int:
        """Return the place, counted from 1."""
        ...

    @property
    def item(self) -> Item:
        """Return the picture."""
        ...


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table that a person reads."""

    title: str
    text: Callable[[Any], str]
    right: bool = True


class Listing(ABC, Generic[EntryT], Sequence[EntryT]):
    """A list of items in order, which can show itself in every way a user may ask for."""

    command: ClassVar[str]
    entries: Sequence[EntryT]
    remarks: list[str]
    columns: ClassVar[Sequence[Column]]
    """What a person sees beside rank and item."""

    @abstractmethod
    def head(self) -> dict[str, Any]:
        """Return the keys of the JSON document before `results`."""

    @abstractmethod
    def measured(self, entry: EntryT) -> dict[str, Any]:
        """Return the keys of one result that are this command's own."""

    @abstractmethod
    def caption(self, entry: EntryT) -> str:
        """Return the line below a thumbnail."""

    def targets(self) -> Sequence[tuple[str, Address]]:
        """Return what was asked about, shown first on a sheet: (name, where to read it)."""
        return []

    def asked_about(self) -> Sequence[tuple[str, Address]]:
        """Return what a sheet shows first: (what it is, in a word; where to read it)."""
        return [("target", address) for _, address in self.targets()]

    def __repr__(self) -> str:
        """Return one line; the entries themselves are in `entries`."""
        best = f"; first {self.entries[0].item}" if self.entries else ""
        return f"<{type(self).__name__}: {self.title()}; {len(self.entries)} entries{best}>"

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, place: int) -> EntryT: ...
    @overload
    def __getitem__(self, place: slice) -> list[EntryT]: ...
    def __getitem__(self, place: int | slice) -> EntryT | list[EntryT]:
        """Return one entry, or a list of some."""
        return list(self.entries[place]) if isinstance(place, slice) else self.entries[place]

    def __iter__(self) -> Iterator[EntryT]:
        return iter(self.entries)

    def row(self, entry: EntryT) -> dict[str, Any]:
        """Return one result as JSON-able keys and values; stable names."""
        item = entry.item
        row: dict[str, Any] = {"rank": entry.rank, "item": str(item), "frame": item.frame}
        if item.bytes != str(item).encode():
            row["item_bytes"] = base64.b64encode(item.bytes).decode()
        row |= self.measured(entry)
        row |= {"width": item.width, "height": item.height, "labels": item.labels}
        return {key: _finite(value) for key, value in row.items()}

    def as_json(self) -> dict[str, Any]:
        """Return the whole answer as one JSON-able document (docs/json.md)."""
        return {
            "command": self.command,
            "version": JSON_VERSION,
            **self.head(),
            "results": [self.row(entry) for entry in self.entries],
            "remarks": self.remarks,
        }

    def as_csv(self) -> str:
        """Return a table with a line of names; labels are JSON, missing values empty."""
        return rows_as_csv([self.row(entry) for entry in self.entries])

    def to_pandas(self) -> Any:  # noqa: ANN401 - pandas is not required
        """Return a pandas.DataFrame; raises ImportError where pandas is not installed."""
        import pandas

        return pandas.DataFrame([self.row(entry) for entry in self.entries])

    def to_table(self) -> Any:  # noqa: ANN401 - astropy has no types
        """Return an astropy.table.Table."""
        from astropy.table import Table

        rows = [self.row(entry) for entry in self.entries]
        return Table(
            rows=[{k: str(v) if isinstance(v, dict) else v for k, v in r.items()} for r in rows]
        )

    def sheet(self, path: str | Path, *, columns: int | None = None) -> None:
        """Write a contact sheet: the targets, then the entries with rank and value."""
        from .sheet import Tile, draw_sheet, save_sheet
        from .thumbnail import thumbnail

        tiles = []
        asked = self.asked_about()
        names = telling_names([str(a) for _, a in asked] + [str(e.item) for e in self.entries])
        for (word, address), name in zip(asked, names, strict=False):
            tiles.append(_tile(Tile, thumbnail, address, name, "", marked=True, mark=word))
        for entry, name in zip(self.entries, names[len(asked) :], strict=True):
            caption = f"{entry.rank}   {self.caption(entry)}"
            tiles.append(_tile(Tile, thumbnail, entry.item.address, name, caption))
        drawn = draw_sheet(tiles, columns=columns, title=self.title(), footer=self.footnote())
        save_sheet(drawn, Path(path))

    def title(self) -> str:
        """Return the heading of a sheet."""
        return f"q {self.command}"

    def footnote(self) -> str:
        """Return the line at the foot of a sheet: what has to be known to read it."""
        return ""

    def _repr_html_(self) -> str:
        """Return a table with thumbnails, for notebooks."""
        from .thumbnail import data_address, thumbnail

        def shown(address: Address, name: str) -> str:
            try:
                data = data_address(thumbnail(address, 96))
            except PictureError as problem:
                return html.escape(str(problem))
            return f'<img src="{data}" alt="{html.escape(name, quote=True)}">'

        lines = []
        for entry in self.entries:
            cells = [str(entry.rank), *(column.text(entry) for column in self.columns)]
            cells = [html.escape(cell) for cell in [*cells, str(entry.item)]]
            picture = shown(entry.item.address, str(entry.item))
            lines.append(f"<tr><td>{picture}</td>{''.join(f'<td>{c}</td>' for c in cells)}</tr>")
        asked = "".join(
            f"<figure>{shown(address, str(address))}<figcaption>{html.escape(word)}: "
            f"{html.escape(address.path.name)}</figcaption></figure>"
            for word, address in self.asked_about()
        )
        by = f" by {self.head()['encoder']}" if self.head().get("encoder") else ""
        title = html.escape(printable(f"{self.title()}{by}"))
        names = ["", "rank", *(column.title for column in self.columns), "item"]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        return (
            f"<p>{title}</p>{asked}<table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(lines)}</tbody></table>"
        )


def _tile(
    tile: Any,  # noqa: ANN401 - the class, imported late
    thumbnail: Callable[[Address, int], Any],
    address: Address,
    title: str,
    caption: str,
    **marks: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    try:
        return tile(thumbnail(address, 320), title, caption, **marks)
    except SeeingError as problem:
        return tile(None, title, caption, note=str(problem), **marks)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
