"""What `q label` does with its terminal: sizes, signals, protocols, and giving it back."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from at_terminal import COMMAND, Person, answers, events_in

Draw = Callable[..., Path]
Sit = Callable[..., Person]


def test_not_a_terminal(photos: Path) -> None:
    done = subprocess.run(
        [COMMAND, "label", "photos", "--set", "good"], cwd=photos, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    said = done.stderr.splitlines()[-1]
    assert said == "q: q label: answering needs a terminal; give items and --label"


@pytest.mark.parametrize("how", ["key", "SIGINT", "SIGTERM"])
def test_stopped_from_outside(sit: Sit, photos: Path, how: str) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    person.answer("3", "4")
    if how == "key":
        person.press("\x03")
    else:
        person.signal(getattr(signal, how))
    said = person.end()
    assert person.status == 130 and person.gave_back()
    assert said == "q: interrupted; your 2 answers are kept, the same command goes on\n"
    assert answers(photos) == ["3", "4"]


def test_stopped_before_the_first_answer(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    person.signal(signal.SIGTERM)
    assert "nothing was answered yet" in person.end()
    assert person.status == 130 and person.gave_back()


def test_a_closed_window(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    person.answer("3", "4")
    os.close(person.fd)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        process, status = os.waitpid(person.process, os.WNOHANG)
        if process:
            break
        time.sleep(0.05)
    person.status = os.waitstatus_to_exitcode(status)
    assert process and person.status == 130
    assert answers(photos) == ["3", "4"]


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_a_terminal_that_takes_nothing_more(sit: Sit, photos: Path, how: str) -> None:
    """As after Ctrl-S, or over a line that hangs: it ends, and the answers are kept."""
    person = sit("label", "photos", "--set", "good", columns=300, rows=100)
    person.see()
    person.answer("3")
    for _ in range(3):
        person.press("4")  # nobody reads what this brings
        time.sleep(0.3)
    until = time.monotonic() + 20
    person.signal(getattr(signal, how))
    process = 0
    while not process and time.monotonic() < until:
        process, status = os.waitpid(person.process, os.WNOHANG)
        time.sleep(0.05)
    assert process, "it waits for the terminal for ever"
    person.status = os.waitstatus_to_exitcode(status)
    assert person.status == 130
    assert answers(photos)[:2] == ["3", "4"]
    person.hear(b"the same command goes on")


def test_an_error_in_the_middle_gives_the_terminal_back(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    person.answer("3")
    with closing(sqlite3.connect(photos / ".q" / "catalogue.db")) as connection:
        connection.execute("ALTER TABLE label_events RENAME TO gone")
    person.press("4")
    said = person.end()
    assert person.status == 2 and person.gave_back()
    assert said.startswith("q: the catalogue in") and said.count("\n") == 1


def test_laid_down_and_taken_up_again(sit: Sit, photos: Path) -> None:
    """Ctrl-Z as in a shell with job control: the terminal is its again, and comes back."""
    person = sit("label", "photos", "--set", "good", shell=True)
    person.see()
    person.answer("3")
    picture = person.screen.picture_cells()
    person.press("\x1a")
    person.hear(b"\x1b[?1049l")
    time.sleep(0.5)
    state = Path(f"/proc/{person.command()}/stat").read_text().rpartition(")")[2].split()[0]
    assert state == "T", "it is stopped"
    person.press("fg\n")
    person.see()
    assert person.screen.picture_cells() == picture
    person.answer("4")
    person.press("q")
    person.hear(b"2 answered")
    assert answers(photos) == ["3", "4"]


def test_a_resized_window(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    for columns, rows in ((120, 40), (40, 12), (100, 30)):
        person.resize(columns, rows)
        while not person.screen.picture_cells():
            person.see()
        high = {row for row, _, _ in person.screen.picture_cells()}
        assert min(high) >= 1 and max(high) < rows - 2 and len(high) >= rows - 7
    person.answer("3")
    person.press("q")
    person.end()
    assert person.gave_back() and answers(photos) == ["3"]


def test_a_window_that_is_too_small(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", columns=20, rows=6)
    person.see()
    assert person.screen.line(0) == "too small: 32 x 9 pl"
    person.press("345 ")
    time.sleep(0.3)
    assert events_in(photos) == [], "nobody has seen a picture"
    person.resize(32, 9)
    person.see()
    person.answer("2")
    person.press("q")
    person.end()
    assert answers(photos) == ["2"]


def test_keys_pressed_before_the_picture_is_seen_are_no_answers(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good")
    person.see()
    person.press("333333")
    person.see()
    time.sleep(0.3)
    assert len(events_in(photos)) <= 2
    person.press("q")
    person.end()


@pytest.mark.parametrize(
    ("protocol", "mark"),
    [("kitty", b"\x1b_Ga=T"), ("iterm2", b"\x1b]1337;File="), ("sixel", b"\x1bP0")],
)
def test_pictures_by_protocol(sit: Sit, photos: Path, protocol: str, mark: bytes) -> None:
    person = sit("label", "photos", "--set", "good", "--protocol", protocol, cell=(9, 18))
    assert mark in person.see()
    person.press("4")
    assert mark in person.see()
    if protocol == "kitty":
        assert b"\x1b_Ga=d,d=A" in person.sent
    person.press("q")
    person.end()
    assert person.gave_back() and answers(photos) == ["4"]


def test_a_terminal_is_asked_what_it_can(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", Q_PROTOCOL="")
    person.hear(b"\x1b[c")
    person.press("\x1b[6;20;10t\x1b[?62;4;22c")
    assert b"\x1bP0;1;0q" in person.see()
    person.press("q")
    person.end()
    silent = sit("label", "photos", "--set", "good", Q_PROTOCOL="")
    silent.hear(b"\x1b[c")
    silent.see()
    assert silent.screen.picture_cells(), "half blocks where nothing is answered"
    silent.answer("2")
    silent.press("q")
    silent.end()
    assert answers(photos) == ["2"]
