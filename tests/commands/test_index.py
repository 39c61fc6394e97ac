"""`q index` tells what it did, what it would do, and what had no effect."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_PARTLY

Draw = Callable[..., Path]
Ask = Callable[..., Any]


def test_index_tells_what_it_did(home: Path, ask: Ask, draw: Draw) -> None:
    draw(home / "pictures" / "new.png", 9)
    (home / "pictures" / "0.png").unlink()
    (home / "pictures" / "1.png").rename(home / "pictures" / "moved.png")
    answer = ask("index", "pictures", "--dry-run")
    assert answer == (
        EXIT_DONE, "would be: 1 new, 1 moved, 1 vanished, 3 unchanged; 1 to encode\n", ""
    )  # fmt: skip
    answer = ask("index", "pictures")
    assert re.fullmatch(
        r"1 new, 1 moved, 1 vanished, 3 unchanged; 1 encoded in \d+\.\d s \(\d+ a second\)\n",
        answer.out,
    )
    assert ask("index", "pictures").out == "5 unchanged\n"
    assert ask("index", "pictures", "--prune").out == "1 forgotten, 5 unchanged\n"
    assert ask("index", "--prune").out == "nothing to do\n"


def test_a_new_library_tells_its_encoder_unless_quiet(
    tmp_path: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, options in (("loud", ()), ("quiet", ("--quiet",))):
        folder = draw(tmp_path / name / "a.png", 1).parent
        monkeypatch.chdir(folder)
        answer = ask("index", ".", *options)
        assert answer.out.startswith("1 new")
        assert answer.err.startswith("q: encoder builtin: ") is (name == "loud")
        assert (folder / ".q" / "catalogue.db").is_file()


def test_broken_pictures_are_named_once(home: Path, ask: Ask) -> None:
    (home / "pictures" / "bad.png").write_bytes(b"no picture")
    answer = ask("index", "pictures")
    assert answer.status == EXIT_PARTLY
    assert answer.err.startswith("q: pictures/bad.png: ")
    assert answer.err.count("\n") == 1
    again = ask("index", "pictures")
    assert again == (EXIT_DONE, "5 unchanged, 1 unreadable as before\n", "")
    told = ask("status")
    assert "1 unreadable" in told.out
    assert "pictures/bad.png" in told.out


def test_a_dry_run_makes_no_library(
    tmp_path: Path, ask: Ask, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "a.png", 1)
    monkeypatch.chdir(tmp_path)
    answer = ask("index", ".", "--dry-run")
    assert not (tmp_path / ".q").exists()
    assert (answer.status, answer.out) == (EXIT_DONE, "would be: 1 new; 1 to encode\n")
    assert answer.err == f"q: would make a library in {tmp_path / '.q'}\n"
    document = ask("index", ".", "--dry-run", "--json").document()
    assert document["library"] == str(tmp_path / ".q")
    assert document["remarks"] == [answer.err.removeprefix("q: ").strip()]


def test_a_dry_run_tells_what_prune_would_forget(home: Path, ask: Ask) -> None:
    (home / "pictures" / "0.png").unlink()
    ask("index", "pictures")
    (home / "pictures" / "1.png").unlink()
    told = ask("index", "pictures", "--prune", "--dry-run").out
    assert told == "would be: 1 vanished, 2 forgotten, 3 unchanged\n"
    assert ask("status", "--json").document()["sources"]["vanished"] == 1, "nothing was done"
    assert ask("index", "pictures", "--prune").out == "1 vanished, 2 forgotten, 3 unchanged\n"


def test_arithmetic_without_effect_is_told(home: Path, ask: Ask) -> None:
    told = ask("index", "pictures", "--arithmetic", "bf16").err
    assert told.startswith("q: thumbnail calculates in fp32 here, fixed when it first entered")
    for options in ([], ["--arithmetic", "fp32"], ["--arithmetic", "auto"]):
        assert ask("index", "pictures", *options).err == ""


def test_an_exclusion_that_matches_nothing_is_told(home: Path, ask: Ask) -> None:
    answer = ask("index", "pictures", "--exclude", "pictures/0.png", "--exclude", "1.png")
    assert answer.err == (
        "q: --exclude 'pictures/0.png' matched nothing: it is compared with names, and with paths "
        "below the given folder\n"
    )
