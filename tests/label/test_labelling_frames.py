"""Frames of a video asked about at a terminal, chosen by what is known of them."""

import json
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from at_terminal import COMMAND, Person, events_in
from numpy.typing import NDArray

Sit = Callable[..., Person]
_HEADER = 178
_FRAMES, _SIDE = 60, 64
_BLACK = (7, 21, 40)


def frames_of(path: Path) -> NDArray[np.float64]:
    """Return (n, h, w) of a grey SER file, by its header alone."""
    content = path.read_bytes()
    colour, _little, width, height, depth, count = struct.unpack_from("<6i", content, 18)
    assert colour == 0
    kind = np.uint8 if depth <= 8 else np.dtype("<u2")
    values = np.frombuffer(content, kind, count * width * height, _HEADER)
    return values.reshape(count, height, width).astype(np.float64)


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A video some of whose frames are black."""
    subprocess.run(
        [COMMAND, "simulate", "night.ser", "--frames", str(_FRAMES), "--size", str(_SIDE)],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    path = tmp_path / "night.ser"
    content = bytearray(path.read_bytes())
    size = _SIDE * _SIDE * (1 if struct.unpack_from("<i", content, 34)[0] <= 8 else 2)
    for frame in _BLACK:
        start = _HEADER + frame * size
        content[start : start + size] = bytes(size)
    path.write_bytes(bytes(content))
    return tmp_path


def frame_shown(person: Person, frames: NDArray[np.float64]) -> int:
    """Return the frame that is most like the picture on the screen."""
    cells = person.screen.picture_cells()
    wide = len({column for _, column, _ in cells})
    colours = [[float(part.split(";")[2]) for part in (c.ink, c.ground)] for _, _, c in cells]
    seen = np.array(colours).reshape(-1, wide, 2).transpose(0, 2, 1).reshape(-1, wide)
    rows = np.linspace(0, _SIDE - 1, len(seen)).round().astype(int)
    columns = np.linspace(0, _SIDE - 1, wide).round().astype(int)
    like = [
        np.corrcoef(seen.ravel(), frame[rows][:, columns].ravel())[0, 1] if frame.any() else -1
        for frame in frames
    ]
    return int(np.argmax(like))


def flagged(folder: Path) -> set[int]:
    """Return the frames that ranking holds for broken."""
    done = subprocess.run(
        [COMMAND, "rank", "night.ser", "--json"], cwd=folder, check=True, capture_output=True
    )
    return {one["frame"] for one in json.loads(done.stdout)["results"] if one["flags"]}


def numbers(folder: Path) -> list[int]:
    found = [re.fullmatch(r"night\.ser#(\d+)", event.item) for event in events_in(folder)]
    return [int(one[1]) for one in found if one]


def test_frames_are_shown_answered_taken_back_and_gone_on_with(sit: Sit, night: Path) -> None:
    frames, bad = frames_of(night / "night.ser"), flagged(night)
    assert bad >= set(_BLACK)
    person = sit("label", "night.ser", "--set", "sharp", columns=160, rows=50)
    person.see()
    assert f"{_FRAMES - len(bad)} left" in person.screen.line(0)
    shown = []
    for n in range(13):  # past the tenth, where it is chosen anew
        shown.append(frame_shown(person, frames))
        person.answer("12345"[n % 5])
    assert numbers(night) == shown, "what was answered is what was seen"
    person.answer("u")
    assert frame_shown(person, frames) == shown[-1]
    person.answer("2")
    person.press("q")
    person.end()
    assert numbers(night) == [*shown, shown[-1], shown[-1]]
    person = sit("label", "night.ser", "--set", "sharp", columns=160, rows=50)
    person.see()
    first = frame_shown(person, frames)
    assert first not in shown, "it goes on"
    while True:
        person.press("3")
        if b"\x1b[?1049l" in (heard := person.hear(b"\x1b[?2026l")):
            break
        while b"reading ..." in heard:
            heard = person.hear(b"\x1b[?2026l")
    person.end()
    asked = set(numbers(night))
    assert asked == set(range(_FRAMES)) - bad, "all but those that are flagged"
