"""Remarks, names and statuses of any command: what goes where, and how it ends."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_NOTHING, EXIT_PARTLY

Draw = Callable[..., Path]
Ask = Callable[..., Any]


# --- remarks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["find-similar {} --encoder colour", "index {} --exclude none"])
def test_remarks_in_json_are_those_on_standard_error(home: Path, ask: Ask, call: str) -> None:
    ask("index", "pictures/0.png", "--encoder", "colour")
    answer = ask(*call.format("pictures").split(), "--json") if "index" in call else ask(
        *call.format("pictures/0.png").split(), "--json"
    )  # fmt: skip
    remarks = answer.document()["remarks"]
    assert remarks
    assert answer.err == "".join(f"q: {remark}\n" for remark in remarks)


def test_quiet_says_only_the_result(home: Path, ask: Ask) -> None:
    shutil.copy("pictures/0.png", "elsewhere.png")
    loud = ask("find-similar", "elsewhere.png")
    assert "has the same content as pictures/0.png" in loud.err
    quiet = ask("find-similar", "elsewhere.png", "-q")
    assert quiet == (loud.status, loud.out, "")


def test_cut_vectors_are_told_by_a_search(home: Path, ask: Ask) -> None:
    ask("find-similar", "pictures/0.png")
    (file,) = (home / ".q" / "vectors").iterdir()
    os.truncate(file, file.stat().st_size // 2)
    told = ask("find-similar", "pictures/0.png").err
    assert "of 5 vectors of thumbnail; the search goes on from the index" in told
    assert told.count("\n") == 1


# --- strange names --------------------------------------------------------------------------------


def test_paths_that_begin_with_a_dash_are_no_options(
    home: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home / "pictures")
    draw(home / "pictures" / "-n.png", 9)
    ask("index", ".")
    listed = ask("find-similar", "0.png", "--paths").out.splitlines()
    assert "./-n.png" in listed
    assert ask("find-similar", *(["./-n.png"])).status == EXIT_DONE


def test_names_with_controls_cannot_disturb_the_terminal(home: Path, ask: Ask, draw: Draw) -> None:
    evil = "a\x1b[31m\nb\udcff.png"
    draw(Path(os.fsencode(evil).decode("utf-8", "surrogateescape")), 9)
    ask("index", ".")
    assert ask("find-similar", evil).status == EXIT_DONE
    for answer in (
        ask("find-similar", "pictures/0.png"),
        ask("find-similar", f"{evil}.gone"),
        ask("status", "--verbose"),
    ):
        assert "\x1b" not in answer.out + answer.err
    assert r"\x1b[31m\nb" in ask("find-similar", "pictures/0.png").out


# --- statuses -------------------------------------------------------------------------------------


def test_finding_nothing_ends_with_1_and_says_why(home: Path, ask: Ask) -> None:
    answer = ask("find-similar", "pictures/0.png", "--where", "width > 1000")
    assert answer.status == EXIT_NOTHING
    assert answer.out == ""
    assert answer.err == "q: nothing found: none of the 5 pictures fulfils --where\n"
    assert ask("find-similar", "pictures/0.png", "--min-similarity", "2").status == EXIT_NOTHING


def test_nothing_close_ends_with_1(home: Path, ask: Ask, draw: Draw) -> None:
    for seed in range(100, 150):  # many alike: what is close, is very close
        draw(home / "alike" / f"{seed}.png", 7, width=90 + seed, height=70 + seed)
    for seed in range(5):
        (home / "pictures" / f"{seed}.png").unlink()
    ask("index", ".")
    strange = draw(home.parent / "strange.png", 1000)
    answer = ask("find-similar", strange)
    assert answer.status == EXIT_NOTHING
    assert "nothing here is close" in answer.err
    assert len(answer.out.splitlines()) == 13
    assert ask("find-similar", "alike/120.png").status == EXIT_DONE


def test_an_empty_list_ends_with_1(home: Path, ask: Ask) -> None:
    (home / "none.txt").write_text("")
    for call in (
        ["rank", "--reference", "pictures/0.png"], ["find-similar"], ["index"]
    ):  # fmt: skip
        answer = ask(*call, "--from", "none.txt")
        assert (answer.status, answer.out) == (EXIT_NOTHING, "")
        assert answer.err == "q: nothing to do: none.txt lists no paths\n"


def test_newly_broken_pictures_give_a_ranking_status_3(home: Path, ask: Ask) -> None:
    (home / "pictures" / "broken.png").write_text("no picture")
    call = ["rank", "pictures", "--reference", "pictures/0.png"]
    answer = ask(*call)
    assert answer.status == EXIT_PARTLY
    assert "q: pictures/broken.png: not a picture" in answer.err
    assert "broken.png" in answer.out.splitlines()[-1]
    assert "not a picture that can be read" in answer.out.splitlines()[-1]
    assert ask(*call).status == EXIT_DONE, "as before"
