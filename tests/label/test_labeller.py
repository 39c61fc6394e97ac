"""`q label` as a person meets it: a real process at a real pseudo-terminal."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from at_terminal import COMMAND, Person, events_in

from seeing.library import open_library

Draw = Callable[..., Path]
Sit = Callable[..., Person]


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Twelve pictures, indexed; none of those that bob or kim are asked about twice."""
    for number in range(12):
        draw(tmp_path / "photos" / f"score-{number}.png", number)
    with open_library(tmp_path / ".q", create=True) as library:
        library.index(tmp_path / "photos", encoder="thumbnail")
    return tmp_path


def answers(folder: Path) -> list[str | None]:
    return [event.answer for event in events_in(folder)]


def current(folder: Path) -> dict[str, str]:
    """What counts now, by item: later events over earlier ones, as the documents say."""
    found: dict[str, str] = {}
    for event in events_in(folder):
        if event.answer is None:
            found.pop(event.item, None)
        elif event.answer != "skip":
            found[event.item] = event.answer
    return found


def lines_of_words(person: Person) -> str:
    return "\n".join(line for line in person.screen.lines() if "▀" not in line)


def test_ten_pictures_by_keys(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", "--count", "10", "--seed", "1")
    person.see()
    assert "0 of 10" in person.screen.line(0) and "How good, 1 to 5?" in person.screen.line(0)
    for n, key in enumerate("123451234", 1):
        person.press(key)
        person.see()
        assert len(events_in(photos)) == n, "on the disk before the next picture is shown"
        assert f"{n} of 10" in person.screen.line(0)
        assert f"answered {key}" in lines_of_words(person)
        assert "score" not in "\n".join(person.screen.lines()), "names would tell what to think"
    person.press("5")
    said = person.end()
    assert person.status == 0 and person.gave_back()
    assert said.startswith("10 answered, 2 left")
    events = events_in(photos)
    assert "".join(str(event.answer) for event in events) == "1234512345"
    assert len({event.item for event in events}) == 10
    for event in events:
        assert event.who == "bob" and event.origin["from"] == "terminal"
        assert 0 <= event.origin["seconds"] < 60


def test_the_screen_in_80_by_24(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", "--seed", "1")
    person.see()
    lines = person.screen.lines()
    assert lines[0].startswith(" How good, 1 to 5?") and lines[0].endswith("0 answered, 12 left")
    assert lines[-2] == "  1  worst    2     3     4     5  best"
    assert lines[-1] == " space skip   u undo   ? help   q pause"
    cells = person.screen.picture_cells()
    rows = sorted({row for row, _, _ in cells})
    columns = sorted({column for _, column, _ in cells})
    assert rows[0] == 1 and rows[-1] == 20 and len(rows) == 20
    # 32 x 24 pixels: four thirds; in the middle of the window
    assert len(columns) == round(20 * 2 * 4 / 3)
    assert abs((columns[0] + columns[-1]) / 2 - 39.5) <= 1
    person.answer("?")
    assert "back" in lines_of_words(person) and not person.screen.picture_cells()
    person.answer("x")
    assert len(person.screen.picture_cells()) == len(cells)


def test_undo_skip_and_no_answer(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", "--seed", "2")
    person.see()
    person.answer("u")
    assert "nothing to take back" in lines_of_words(person)
    first = person.screen.picture_cells()
    person.answer("4")
    second = person.screen.picture_cells()
    assert second != first
    person.answer("u")
    assert person.screen.picture_cells() == first, "the same picture again"
    assert "taken back: 4" in lines_of_words(person)
    person.answer("2", " ", "\x7f", "3")
    person.press("x78\x1b[A\x1b[200~55555\x1b[201~q")
    assert person.end().startswith("2 answered, 10 left")
    assert answers(photos) == ["4", None, "2", "skip", None, "3"]
    assert sorted(current(photos).values()) == ["2", "3"]


def test_keep_and_reject(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "keepers", "--keep", "--question", "Print it?")
    person.see()
    assert person.screen.line(0).startswith(" Print it?")
    assert person.screen.line(22) == "  .  keep    ,  reject"
    person.answer(".", ",", "k", "r")
    person.press("\x1b")
    assert "4 answered" in person.end()
    assert answers(photos) == ["keep", "reject", "keep", "reject"]


def test_classes_have_digits_then_letters(sit: Sit, photos: Path) -> None:
    names = "bar,disc,ring,arc,tail,jet,core,halo,pair,group,void,star"
    person = sit("label", "photos", "--set", "kind", "--answers", names, "--seed", "4")
    person.see()
    told = lines_of_words(person)
    assert " 1  bar" in told and " 9  pair" in told and " a  group" in told and " c  star" in told
    person.answer("1", "a", "9", "c")
    person.press("q")
    person.end()
    assert answers(photos) == ["bar", "group", "pair", "star"]


def test_the_same_command_goes_on(sit: Sit, photos: Path) -> None:
    call = ("label", "photos", "--set", "good")
    for _ in range(2):
        person = sit(*call)
        person.see()
        person.answer("3", "4", " ")
        person.press("q")
        person.end()
        assert person.status == 0
    person = sit(*call)
    person.see()
    assert "6 left" in person.screen.line(0)
    person.answer(*"11111")
    person.press("1")
    assert person.end().startswith("6 answered, 0 left")
    assert len({event.item for event in events_in(photos)}) == 12
    assert sit(*call).end().endswith("0 answered, 0 left\n")


def test_practice_keeps_nothing(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", "--practice")
    person.see()
    assert "practice, nothing is kept" in person.screen.line(0)
    person.answer("3", "u", "4", " ")
    person.press("q")
    assert person.end().startswith("practice, nothing was kept: 1 answered, 1 skipped")
    assert events_in(photos) == []


def test_second_pass_over_the_fives(sit: Sit, photos: Path) -> None:
    person = sit("label", "photos", "--set", "good", "--seed", "1")
    person.see()
    person.answer(*"51525")
    person.press("q")
    person.end()
    person = sit("label", "photos", "--set", "good", "--second")
    person.see()
    assert "among the fives" in person.screen.line(0) and "3 left" in person.screen.line(0)
    person.answer("1", "5")
    person.press("3")
    assert person.end().startswith("3 answered, 0 left")
    assert sorted(current(photos).values()) == ["1", "2", "5.1", "5.3", "5.5"]


def test_what_cannot_be_read_is_told_and_passed_over(sit: Sit, photos: Path) -> None:
    for number in (3, 7):
        (photos / "photos" / f"score-{number}.png").write_bytes(b"\x89PNG no more")
    person = sit("label", "--set", "good", "--seed", "3")
    person.see()
    person.answer(*"123451234")
    person.press("5")
    said = person.end()
    assert "score-3.png: " in said and "score-7.png: " in said
    assert "10 answered, 2 can't be read, 0 left" in said
    assert person.status == 0 and person.gave_back()


def test_a_broken_file_named_among_good_ones_is_told(sit: Sit, photos: Path) -> None:
    (photos / "torn.png").write_bytes(b"oops")
    person = sit("label", "torn.png", "photos", "--set", "good", "--count", "1")
    person.see()
    person.press("4")
    assert "torn.png: not a picture" in person.end()


def test_no_set_is_made_for_a_call_that_fails(sit: Sit, photos: Path) -> None:
    (photos / "empty").mkdir()
    for wrong in (["photos", "--encoder", "nosuch"], ["empty"], ["nowhere"]):
        person = sit("label", *wrong, "--set", "good")
        assert "q: no" in person.end() and person.status in (1, 2)
    with open_library(photos / ".q") as library:
        assert list(library.exemplars) == []


def test_labels_of_others_teach_what_to_ask_next(photos: Path) -> None:
    with open_library(photos / ".q") as library:
        for number in range(10):
            answer = str(1 + number // 2)
            library.exemplars.label(
                photos / "photos" / f"score-{number}.png", answer, name="good", who="ann"
            )
        asker = library.asker("good", who="bob")
        assert len(asker.others) == 10
        left = {item.content for item in asker.items(library.catalogue)} - asker.others.keys()
        assert set(asker({}, 2)) == left, "first what nobody has been asked"
        assert not library.asker("good", who="ann").others


def test_frames_of_a_video(sit: Sit, tmp_path: Path) -> None:
    subprocess.run(
        [COMMAND, "simulate", "night.ser", "--frames", "20", "--size", "64"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    person = sit("label", "night.ser", "--set", "sharp", "--count", "3")
    person.see()
    person.answer("1", "2")
    person.press("3")
    assert person.end().rstrip().endswith("3 answered, 17 left")
    assert all(event.item.startswith("night.ser#") for event in events_in(tmp_path))


# --- the terminal -------------------------------------------------------------------------------


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


# --- more than one ------------------------------------------------------------------------------


def test_two_people_at_once(sit: Sit, photos: Path) -> None:
    people = [sit("label", "photos", "--set", "good", Q_WHO=who) for who in ("bob", "kim")]
    for person in people:
        person.see()
    for _ in range(11):
        for person in people:
            person.press("4")
        for person in people:
            person.see()
    for person in people:
        person.press("4")
        assert person.end().startswith("12 answered, 0 left")
        assert person.status == 0
    events = events_in(photos)
    assert len(events) == 24 == len({(event.item, event.who) for event in events})
