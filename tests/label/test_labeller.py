"""`q label` as a person meets it: a real process at a real pseudo-terminal."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from at_terminal import COMMAND, Person, answers, events_in, lines_of_words

from seeing.library import open_library

Draw = Callable[..., Path]
Sit = Callable[..., Person]


def current(folder: Path) -> dict[str, str]:
    """What counts now, by item: later events over earlier ones, as the documents say."""
    found: dict[str, str] = {}
    for event in events_in(folder):
        if event.answer is None:
            found.pop(event.item, None)
        elif event.answer != "skip":
            found[event.item] = event.answer
    return found


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
