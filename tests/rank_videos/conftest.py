"""Videos to rank, and `q` run beside them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seeing.cli import run as run_command
from seeing.samples.night import Night, simulated

WriteSer = Callable[..., Path]
Told = tuple[int, str, str]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_ser: WriteSer) -> Path:
    """Three videos of a planet, one after another, with times; one without; one of another size."""
    folder = tmp_path_factory.mktemp("films")
    night = Night("giant", 120, seed=4, size=96, drift=0.1)
    frames, times = simulated(night)[0], night.times()
    write_ser(folder / "mars.ser", frames, times=times)
    for part in range(3):
        piece = slice(40 * part, 40 * part + 40)
        write_ser(folder / f"part{part}.ser", frames[piece], times=times[piece])
    write_ser(folder / "untimed.ser", frames[:60])
    write_ser(folder / "small.ser", np.ascontiguousarray(frames[:20, 8:-8, 8:-8]))
    Image.fromarray(frames[0]).save(folder / "still.png")
    (folder / "broken.ser").write_bytes((folder / "mars.ser").read_bytes()[:500])
    return folder


@pytest.fixture
def q(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Callable[..., Told]:
    """Run a command beside the videos; (status, standard output, standard error)."""
    monkeypatch.chdir(films)
    for name in [name for name in os.environ if name.startswith("Q_")]:
        monkeypatch.delenv(name)
    library = tmp_path / "library"

    def run(*arguments: str | Path, status: int | None = 0) -> Told:
        capfd.readouterr()
        found = run_command([*map(str, arguments), "--library", str(library)])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        assert status is None or found == status, (found, out, err)
        assert "Traceback" not in err
        return found, out, err

    return run


@pytest.fixture
def refused(q: Callable[..., Told]) -> Callable[..., str]:
    def run(*arguments: str | Path) -> str:
        _, out, err = q(*arguments, status=2)
        assert out == ""
        assert len(err.splitlines()) == 1, err
        return err

    return run
