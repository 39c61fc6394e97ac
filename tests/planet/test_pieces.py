"""Files given as one capture: told apart where they show different things, and only there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seeing.library import open_library
from seeing.samples.night import Night, simulated

NIGHTS = {
    "jupiter": Night("giant", 40, 96, seed=1),
    "jupiter later": Night("giant", 40, 96, seed=2, longitude=3.0, seeing=7.0, light=200),
    "mars": Night("rocky", 40, 96, seed=1),
    "moon": Night("moon", 40, 96, seed=1),
    "moon later": Night("moon", 40, 96, seed=2, light=200),
    "little": Night("rocky", 4, 96, seed=3),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_ser: Callable[..., Path]) -> Path:
    """Each night an hour after the one before: no times overlap."""
    folder = tmp_path_factory.mktemp("films")
    for hour, (name, night) in enumerate(NIGHTS.items()):
        times = night.times() + np.timedelta64(hour, "h")
        write_ser(folder / f"{name}.ser", simulated(night)[0], times=times)
    return folder


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["jupiter", "jupiter later"], []),
        (["moon", "moon later"], []),
        (["jupiter", "mars"], ["jupiter.ser and mars.ser show different things"]),
        (["mars", "moon"], ["mars.ser and moon.ser show different things"]),
        (["jupiter", "jupiter later", "mars"], ["jupiter later.ser and mars.ser show different"]),
        (["jupiter", "little"], []),  # four frames say too little
    ],
)
def test_files_that_show_different_things_are_told(
    films: Path, tmp_path: Path, names: list[str], said: list[str]
) -> None:
    with open_library(tmp_path, create=True) as library:
        ranking = library.rank_frames([films / f"{name}.ser" for name in names], keep=False)
        ranking.video.close()
    told = [text for text in ranking.remarks if "one capture?" in text]
    assert len(told) == len(said), ranking.remarks
    for text, start in zip(told, said, strict=True):
        assert text.startswith(start)
        assert text.endswith("--best N ranks each by itself")
