"""What the hostile tests share: the real command in a process of its own, and what a library holds.

Nothing here uses the package: files are looked at with sqlite3 and numpy, from outside.
"""

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

COMMAND = Path(sys.executable).parent / "q"
NOBODY = 65534
_PRELOADED = """
import importlib, os, pkgutil, sys
import faiss, filelock, numpy, PIL.Image, sqlite_utils, seeing, seeing.cli, seeing.library
PIL.Image.init()
packages = "db embed flow index label media planet rank show stack train video"
for package in packages.split():
    for module in pkgutil.iter_modules([os.path.join(os.path.dirname(seeing.__file__), package)]):
        importlib.import_module(f"seeing.{package}.{module.name}")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(seeing.cli.run(sys.argv[1:]))
"""


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment without what steers the command; None takes a variable away."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("Q_")}
    kept["OMP_NUM_THREADS"] = "1"
    for name, value in changes.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
    return kept


def _decoded(told: bytes) -> str:
    return told.decode("utf-8", "surrogateescape")


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The installed command, for tests that start and stop processes themselves."""
    return [str(COMMAND)]


@pytest.fixture(scope="session")
def surroundings() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture(scope="session")
def q() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command; a hang or a traceback fails the test, and so does another exit status.

    Called as q(*arguments, status=0, env={...}, timeout=60, and what subprocess.run takes); text
    is UTF-8 with surrogate escapes, so that every byte can be looked at.
    """

    def run(
        *arguments: str | bytes | Path,
        status: int | None = 0,
        env: dict[str, str | None] | None = None,
        timeout: float = 60,
        prefix: tuple[str, ...] = (),
        **more: Any,
    ) -> subprocess.CompletedProcess[str]:
        if not {"stdout", "stderr"} & more.keys():
            more["capture_output"] = True
        if isinstance(more.get("input"), str):
            more["input"] = more["input"].encode("utf-8", "surrogateescape")
        done = subprocess.run(
            [*prefix, *([] if prefix else [COMMAND]), *arguments],
            env=environment(**(env or {})), timeout=timeout, check=False, **more,
        )  # fmt: skip
        # not text=True: it would turn carriage returns in names into line feeds
        done.stdout = None if done.stdout is None else _decoded(done.stdout)
        done.stderr = None if done.stderr is None else _decoded(done.stderr)
        told = f"{arguments}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in (done.stderr or ""), told
        assert "Warning" not in (done.stderr or ""), told
        assert status is None or done.returncode == status, told
        return done

    return run


@pytest.fixture(scope="session")
def refused(
    q: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., str]:
    """Run a command that must end with status 2 and one line on standard error; return it."""

    def run(*arguments: str | bytes | Path, **more: Any) -> str:
        done = q(*arguments, status=2, **more)
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("q: "), done.stderr
        assert not done.stdout, done.stdout
        return lines[0]

    return run


@pytest.fixture
def q_as_nobody(
    q: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a user without rights: `nobody` when we are root, else ourselves."""
    if os.geteuid() != 0:
        return q
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        direct = subprocess.run([str(COMMAND), "--help"], capture_output=True, check=False, **user)
        reachable = direct.returncode == 0
    except OSError:
        reachable = False  # the environment lies in a folder that is closed to others

    def run(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        if reachable:
            return q(*arguments, **user, **more)
        return q(*arguments, prefix=(sys.executable, "-c", _PRELOADED), **more)

    return run


@pytest.fixture
def open_tmp_path() -> Iterator[Path]:
    """An empty folder that other users may enter too; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def draw(folder: Path, count: int, *, seed: int = 0, first: int = 0) -> list[Path]:
    """Write small pictures, all different, the same in every run."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    written = []
    for number in range(first, first + count):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        path = folder / f"picture {number}.png"
        Image.fromarray(coarse).resize((32, 32)).save(path)
        written.append(path)
    return written


@pytest.fixture(scope="session")
def pictures() -> Callable[..., list[Path]]:
    """Write `count` small pictures into a folder: pictures(folder, count, seed=0, first=0)."""
    return draw


class Content(NamedTuple):
    """All that matters of a library: independent of the order in which it was written."""

    items: dict[bytes, tuple[Any, ...]]
    """By path: (item, content, digest, state, frame, width, height)."""
    vectors: dict[tuple[int, str], bytes]
    """By item and encoder: the float16 bytes."""


def library_content(folder: Path) -> Content:
    with closing(sqlite3.connect(folder / "catalogue.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute(
            "SELECT sources.path, items.id, items.content, sources.digest, sources.state, "
            "items.frame, items.width, items.height FROM sources "
            "LEFT JOIN items ON items.source = sources.id"
        ).fetchall()
        items = {row[0]: row[1:] for row in rows}
        assert len(items) == len(rows), "a picture is here twice"
        vectors = {}
        for number, name, file, dimension, used in connection.execute(
            "SELECT id, name, file, dimension, rows FROM encoders"
        ).fetchall():
            path = folder / "vectors" / file
            stored = path.read_bytes() if path.is_file() else b""
            stride = 2 * dimension
            places = connection.execute(
                "SELECT item, row FROM vectors WHERE encoder = ?", (number,)
            ).fetchall()
            assert all(row < used for _, row in places), "a vector lies in the unused tail"
            for item, row in places:
                vectors[item, name] = stored[row * stride : (row + 1) * stride]
                assert len(vectors[item, name]) == stride, "a vector lies beyond its file"
    return Content(items, vectors)


@pytest.fixture(scope="session")
def content() -> Callable[[Path], Content]:
    return library_content


def fingerprint(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Digest, time and mode of every regular file below a folder, libraries left out."""
    found = {}
    for top, folders, names in os.walk(os.fsencode(folder)):
        if b".q" in folders:
            folders.remove(b".q")
        for name in names:
            path = os.path.join(top, name)  # noqa: PTH118 - bytes
            about = os.lstat(path)
            if stat.S_ISREG(about.st_mode):
                with open(path, "rb") as file:  # noqa: PTH123 - bytes
                    told = hashlib.file_digest(file, "sha256").hexdigest()
                found[os.fsdecode(path)] = (told, about.st_mtime_ns, about.st_mode)
    return found


@pytest.fixture(scope="session")
def untouched() -> Callable[[Path], AbstractContextManager[None]]:
    """Check that all files below a folder are after the block what they were before it."""

    @contextmanager
    def checked(folder: Path) -> Iterator[None]:
        before = fingerprint(folder)
        yield
        assert fingerprint(folder) == before

    return checked


class Mount(NamedTuple):
    folder: Path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Mount]]:
    """Mount a small disk in memory: small_disk("2m"). Skips where mounting is not allowed."""
    mounted: list[Path] = []

    def mount(size: str) -> Mount:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)],
                check=True, capture_output=True,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as problem:
            pytest.skip(f"needs the right to mount a disk: {problem}")
        mounted.append(folder)
        return Mount(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)
