"""What the tests of the command `q` share: a small library, and calls with their answers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seeing.cli import run
from seeing.library import open_library

Draw = Callable[..., Path]
BIN = Path(sys.executable).parent


class Answer(NamedTuple):
    status: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        told: dict[str, Any] = json.loads(self.out, parse_constant=refuse)
        return told


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """ask("status", ...) runs `q status ...` here and returns status, output and errors."""

    def asked(*arguments: str | Path) -> Answer:
        capfdbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Answer(status, os.fsdecode(out), os.fsdecode(err))

    return asked


@pytest.fixture
def home(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: five pictures in pictures/, indexed by `thumbnail`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith("Q_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    for seed in range(5):
        draw(home / "pictures" / f"{seed}.png", seed, width=30 + seed)
    monkeypatch.chdir(home)
    with open_library(create=True) as library:
        library.index("pictures", encoder="thumbnail")
    return home


@pytest.fixture(scope="session")
def q() -> Callable[..., Answer]:
    """q(*arguments, cwd, name="q", **environment) runs the installed command in a process."""

    def ran(*arguments: str, cwd: Path, name: str = "q", **environment: str) -> Answer:
        done = subprocess.run(
            [BIN / name, *arguments], cwd=cwd, capture_output=True, check=False,
            env={**os.environ, "XDG_CONFIG_HOME": str(cwd / "none"), **environment},
        )  # fmt: skip
        return Answer(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    return ran
