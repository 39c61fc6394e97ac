"""Killed at any moment, labelling keeps every answer that the next picture acknowledged."""

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from at_terminal import DRAWN, Person, events_in

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]
Sit = Callable[..., Person]


def answer_until_killed(person: Person, moment: float, chance: random.Random) -> list[str]:
    """Answer until a kill after so many seconds; return the answers that were acknowledged."""
    acknowledged: list[str] = []
    killer = threading.Timer(moment, person.signal, [signal.SIGKILL])
    killer.start()
    try:
        while True:
            key = chance.choice("12345")
            person.press(key)
            person.see(seconds=10)
            acknowledged.append(key)
    except (AssertionError, OSError):  # it is dead
        killer.join()
    # what was still on its way when it was killed has been drawn too
    return acknowledged


@pytest.mark.slow
def test_thirty_kills_while_labelling(q: Run, sit: Sit, pictures: Pictures, tmp_path: Path) -> None:
    pictures(tmp_path / "all", 600)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    chance = random.Random(7)
    acknowledged: list[str] = []
    for _ in range(30):
        if len(acknowledged) > 500:  # a quick machine: soon there is nothing left to ask
            break
        person = sit("label", "--set", "good", cwd=tmp_path)
        person.see()
        before = len(acknowledged)
        assert len(events_in(tmp_path)) - before in (0, 1) or not before
        held = [str(event.answer) for event in events_in(tmp_path)]
        mine = answer_until_killed(person, chance.uniform(0.0, 0.3), chance)
        person.close()
        now = [str(event.answer) for event in events_in(tmp_path)]
        assert now[: len(held)] == held, "what was there stays"
        new = now[len(held) :]
        assert new[: len(mine)] == mine, "an acknowledged answer is lost"
        assert len(new) <= len(mine) + 1, "at most the one in hand besides"
        acknowledged = now
    assert len(acknowledged) > 50
    first = [e for e in events_in(tmp_path) if not e.origin.get("repeat")]
    assert len({event.item for event in first}) == len(first), "nothing is asked again"
    assert "wrong" not in q("doctor", cwd=tmp_path).stdout


@pytest.mark.parametrize("round_", range(3))
def test_two_windows_of_one_person_while_a_third_indexes(
    q: Run, sit: Sit, pictures: Pictures, tmp_path: Path, round_: int
) -> None:
    pictures(tmp_path / "all", 60)
    pictures(tmp_path / "more", 60, seed=9)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    people = [
        sit("label", "all", "--set", "good", "--count", "25", "--seed", str(n), cwd=tmp_path)
        for n in (2 * round_, 2 * round_ + 1)
    ]
    for person in people:
        person.see()
    done: list[Any] = []
    indexing = threading.Thread(
        target=lambda: done.append(q("index", "--batch", "2", "more", cwd=tmp_path))
    )
    indexing.start()
    for _ in range(24):
        for person in people:
            person.press("4")
        for person in people:
            person.see()
    for person in people:
        person.press("4")
        assert person.end().startswith("2")
        assert person.status == 0
    indexing.join()
    assert done and len(events_in(tmp_path)) == 50


def test_read_only_media_say_so_before_the_first_question(
    q: Run, sit: Sit, pictures: Pictures, small_disk: Callable[[str], Any]
) -> None:
    disk = small_disk("8m")
    pictures(disk.folder / "all", 5)
    q("index", "-e", "thumbnail", "all", cwd=disk.folder)
    person = sit("label", "all", "--set", "good", cwd=disk.folder)
    person.see()
    person.answer("3")
    person.press("q")
    person.end()
    disk.remount("ro")
    person = sit("label", "--set", "good", cwd=disk.folder)
    said = person.end()
    assert person.status == 2 and DRAWN not in person.sent
    assert "answers would be lost" in said
    disk.remount("rw")


def test_a_full_disk_keeps_what_was_acknowledged(
    q: Run, sit: Sit, pictures: Pictures, small_disk: Callable[[str], Any]
) -> None:
    disk = small_disk("6m")
    pictures(disk.folder / "all", 40)
    q("index", "-e", "thumbnail", "all", cwd=disk.folder)
    person = sit("label", "all", "--set", "good", cwd=disk.folder)
    person.see()
    person.answer("3", "4")
    with suppress(OSError), (disk.folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    acknowledged = 2
    said = ""
    for _ in range(38):
        person.press("5")
        try:
            person.see(seconds=20)
        except AssertionError:
            said = person.sent.decode(errors="replace")
            break
        acknowledged += 1
    (disk.folder / "filler").unlink()
    assert acknowledged < 40 and "Traceback" not in said
    assert len(events_in(disk.folder)) == acknowledged


def test_an_unreachable_picture_does_not_hold_the_keys(
    q: Run, sit: Sit, pictures: Pictures, tmp_path: Path
) -> None:
    """A file becomes a pipe that nobody writes to: reading it would wait for ever."""
    import os

    drawn = pictures(tmp_path / "all", 3)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    for path in drawn:
        path.unlink()
        os.mkfifo(path)
    started = time.monotonic()
    person = sit("label", "--set", "good", cwd=tmp_path)
    said = person.end()
    assert time.monotonic() - started < 20
    assert "3 can't be read" in said and person.gave_back()
