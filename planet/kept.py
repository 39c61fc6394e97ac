"""Surveys kept in the library: rows appended while a video is read, so that a killed run goes on.

Three files: the scene (`.npz`), the rows (`.rows`, as they come), and a note (`.json`) of how many
rows are synced, with their crc32. All can be made again from the video.
"""

import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..db import forget
from ..db.catalogue import Catalogue
from ..db.lock import writing
from ..db.place import FRAMES
from ..db.status import known_digests
from ..errors import LibraryError
from ..media.whole import whole
from .band import Band
from .locate import Locator
from .scene import Scene
from .survey import Survey, row_type

VERSION = 4
"""Grows when what a survey measures changes; surveys of other versions are not read."""
_CHUNK = 1 << 24


def key_of(digests: list[str], parameters: Mapping[str, Any]) -> str:
    """Return the name of a survey: of which files, in which order, read and measured how."""
    told = json.dumps([VERSION, digests, dict(parameters)], sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is there of a survey: its scene and scale, how many rows count, the next frame."""

    scene: Scene
    scale: NDArray[np.float32]
    rows: int
    next: int


class KeptSurvey:
    """One survey in a library's folder; `folder` is made when something is written."""

    def __init__(self, library: Path, key: str, digests: Sequence[str] = ()) -> None:
        self.folder = library / FRAMES
        self._digests = digests
        self._scene = self.folder / f"{key}.npz"
        self._rows = self.folder / f"{key}.rows"
        self._note = self.folder / f"{key}.json"
        self._crc = 0
        self._count = 0
        self._file: BinaryIO | None = None

    def load(self, frames: int, pixels: int, *, check: bool = True) -> Survey | None:
        """Return the whole survey of a video of so many frames and pixels; None without one.

        Frames that can't be decoded have no row in it. A survey that is not what was written counts
        as none. check: compare its checksum.
        """
        begun = self.beginning()
        note = self._read_note()
        if begun is None or not begun.rows or note.get("frames") != frames:
            return None
        try:
            rows = np.memmap(
                self._rows, row_type(begun.scene.band.dimension), "r", shape=(begun.rows,)
            )
        except (OSError, ValueError):
            return None
        if check and _crc(self._rows, rows.nbytes) != note.get("crc32"):
            return None
        return Survey(begun.scene, rows, begun.scale, pixels)

    def beginning(self) -> Beginning | None:
        """Return what an earlier run has left, None where it left nothing that can be used."""
        note = self._read_note()
        try:
            with np.load(io.BytesIO(self._scene.read_bytes()), allow_pickle=False) as arrays:
                scene, scale = _scene_of(dict(arrays))
            size = self._rows.stat().st_size
        except (OSError, ValueError, KeyError, EOFError, zlib.error):
            return None
        except Exception:  # zipfile fails in many ways; all mean: not usable
            return None
        rows, kind = int(note.get("rows", 0)), row_type(scene.band.dimension)
        if not 0 <= rows * kind.itemsize <= size:
            return None
        # of frames that can't be decoded there are no rows
        if not rows:
            return Beginning(scene, scale, 0, 0)
        last = np.fromfile(self._rows, kind, 1, offset=(rows - 1) * kind.itemsize)
        return Beginning(scene, scale, rows, int(last[0]["number"]) + 1)

    def begin(self, scene: Scene, scale: NDArray[np.float32]) -> None:
        """Start a survey: what was there before is thrown away."""
        self.remove()
        try:
            self.folder.mkdir(exist_ok=True)
            out = io.BytesIO()
            np.savez(out, **_arrays_of(scene, scale))
            _write(self._scene, out.getvalue())
            self._rows.write_bytes(b"")
        except OSError as problem:
            raise _full(self.folder, problem) from problem

    def resume(self, begun: Beginning) -> bool:
        """Cut off what was not synced, so that rows can be added behind those that count.

        Returns False, and changes nothing, when those that count are not what was written.
        """
        size = begun.rows * row_type(begun.scene.band.dimension).itemsize
        crc = _crc(self._rows, size)
        if crc != self._read_note().get("crc32", 0):
            return False
        try:
            os.truncate(self._rows, size)
        except OSError as problem:
            raise _full(self.folder, problem) from problem
        self._crc, self._count = crc, begun.rows
        return True

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows; they count when `sync` has been called."""
        try:
            if self._file is None:
                self._file = self._rows.open("ab")
            content = rows.view(np.uint8).data
            self._file.write(content)
            self._crc = zlib.crc32(content, self._crc)
            self._count += len(rows)
        except OSError as problem:
            raise _full(self.folder, problem) from problem

    def sync(self, *, frames: int | None = None) -> None:
        """Note that all rows so far count. frames: the survey is whole, of a video of so many."""
        try:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
            note = {
                "rows": self._count, "crc32": self._crc, "frames": frames,
                "digests": list(self._digests),
            }  # fmt: skip
            _write(self._note, json.dumps(note).encode())
        except OSError as problem:
            raise _full(self.folder, problem) from problem

    def close(self) -> None:
        """Let the file go; what was not synced does not count."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def remove(self) -> None:
        """Throw the survey away."""
        self.close()
        for file in (self._note, self._rows, self._scene):
            with suppress(OSError):
                file.unlink()

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) and isinstance(note.get("rows"), int) else {}


@contextmanager
def giving_back_space(
    catalogue: Catalogue, notify: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Forget something, as the only one who writes; then give back its space in every form."""
    with writing(catalogue.folder, notify=notify):
        yield
        forget.give_back_space(catalogue)
        drop_unused(catalogue.folder, known_digests(catalogue))


def drop_unused(library: Path, digests: Collection[str]) -> None:
    """Throw away the surveys of videos whose files (by digest) a library no longer knows."""
    for note in (library / FRAMES).glob("*.json"):
        with suppress(OSError, ValueError, AttributeError):
            made_of = json.loads(note.read_bytes()).get("digests", [])
            if not set(made_of) <= set(digests):
                KeptSurvey(library, note.stem).remove()


def _arrays_of(scene: Scene, scale: NDArray[np.float32]) -> dict[str, Any]:
    usual = scene.locator.usual or (np.nan, np.nan)
    return {
        "kind": np.array(scene.kind), "sizes": np.array([scene.shrink, scene.side]),
        "cutoff": np.array(scene.band.cutoff), "hot": scene.hot, "template": scene.template,
        "block": np.array(scene.locator.side), "usual": np.array(usual),
        "path": np.stack(scene.path), "scale": scale,
    }  # fmt: skip


def _scene_of(arrays: Mapping[str, NDArray[Any]]) -> tuple[Scene, NDArray[np.float32]]:
    shrink, side = (int(n) for n in arrays["sizes"])
    usual = tuple(float(n) for n in arrays["usual"])
    locator = Locator.remembered(int(arrays["block"]), None if np.isnan(usual[0]) else usual)  # type: ignore[arg-type]
    at, y, x = arrays["path"]
    kind = str(arrays["kind"])
    if kind not in ("planet", "surface"):
        raise ValueError(kind)
    band = Band(side, float(arrays["cutoff"]))
    scene = Scene(kind, shrink, side, band, arrays["hot"], locator, arrays["template"], (at, y, x))  # type: ignore[arg-type]
    if arrays["scale"].shape != (band.dimension,) or arrays["template"].shape != (
        band.dimension // 2,
    ):
        raise ValueError("sizes do not fit")
    return scene, arrays["scale"]


def _crc(path: Path, size: int) -> int:
    crc = 0
    with path.open("rb") as file:
        while size > 0:
            content = file.read(min(_CHUNK, size))
            if not content:
                return -1
            crc = zlib.crc32(content, crc)
            size -= len(content)
    return crc


def _write(path: Path, content: bytes) -> None:
    with whole(path) as file:
        file.write(content)


def _full(folder: Path, problem: OSError) -> LibraryError:
    return LibraryError(
        f"can't keep measurements of frames in {folder}: {problem.strerror}; "
        "--no-keep ranks without keeping them"
    )
