"""`status`, `doctor`, `encoders`, `forget`: what a library holds, what ails it, what helps."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_DONE, EXIT_NOTHING
from seeing.library import open_library

Ask = Callable[..., Any]


# --- status ---------------------------------------------------------------------------------------


def test_status_does_not_call_an_index_up_to_date_that_is_not_there(home: Path, ask: Ask) -> None:
    ask("find-similar", "pictures/0.png")
    assert "exact, up to date" in ask("status").out
    (file,) = (home / ".q" / "index").iterdir()
    file.unlink()
    assert "exact, made again at the next search" in ask("status").out


def test_status_tells_encoders_of_one_name_apart(home: Path, ask: Ask) -> None:
    with open_library() as library, library.catalogue.transaction() as connection:
        connection.execute(
            "INSERT INTO encoders (id, identity, name, dimension, card, file, created_at) VALUES "
            "(9, 'thumbnail@bf16', 'thumbnail', 769, '{\"arithmetic\": \"bf16\"}', '9.f16', '')"
        )
    told = ask("status").out
    assert "thumbnail@bf16 bf16" in told
    assert re.search(r"thumbnail@[0-9a-f]{12} fp32 \(default\)", told)
    said = ask("find-similar", "pictures/0.png", "-e", "thumbnail").err
    assert "is here more than once, with different" in said


# --- doctor ---------------------------------------------------------------------------------------


def test_doctor(home: Path, ask: Ask) -> None:
    answer = ask("doctor", "--deep")
    assert answer.status == EXIT_DONE
    assert "5 files are as they were indexed" in answer.out
    vectors = home / ".q" / "vectors" / "1.f16"
    content = vectors.read_bytes()
    vectors.write_bytes(bytes(10) + content[10:])
    answer = ask("doctor")
    assert answer.status == EXIT_NOTHING
    assert "thumbnail: 1 of 5 vectors are damaged" in answer.out
    assert ask("doctor", "--mend").status == EXIT_NOTHING
    assert ask("index", "pictures").out.startswith("5 unchanged; 1 encoded")
    assert ask("doctor").status == EXIT_DONE


def test_changed_content_with_old_size_and_time_is_mended(home: Path, ask: Ask) -> None:
    path = home / "pictures" / "1.png"
    held = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert ask("index", "pictures").out == "5 unchanged\n", "it can't be seen without reading"
    told = ask("doctor", "--deep")
    assert told.status == EXIT_NOTHING
    assert "q doctor --deep --mend, then q index pictures/1.png" in told.out
    assert "read anew by: q index pictures/1.png" in ask("doctor", "--deep", "--mend").out
    done = ask("index", "pictures/1.png").out
    assert "1 changed" in done or "1 unreadable" in done, done
    assert "pictures/1.png" not in ask("doctor", "--deep").out


def test_mending_a_library_that_cannot_be_written_says_so(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeing.db.catalogue._can_write", lambda folder: False)
    answer = ask("doctor", "--mend")
    assert answer.status == EXIT_NOTHING
    assert "nothing was mended" in answer.out
    ranked = ask("rank", "pictures", "--reference", "pictures/0.png", "--no-keep")
    assert (ranked.status, len(ranked.out.splitlines())) == (EXIT_DONE, 6)


# --- encoders and forget --------------------------------------------------------------------------


def test_encoders(home: Path, ask: Ask) -> None:
    ask("index", "pictures", "--encoder", "colour")
    answer = ask("encoders")
    assert "thumbnail (default)" in answer.out
    assert "clip:ViT-B-32/openai" in answer.out
    assert ask("encoders", "--default", "colour").status == EXIT_DONE
    assert [e["name"] for e in ask("encoders", "--json").document()["library"]] == [
        "colour", "thumbnail"
    ]  # fmt: skip
    told = ask("find-similar", "pictures/0.png")
    assert told.err == "q: by the library's default encoder, colour\n"
    assert ask("find-similar", "pictures/0.png", "--encoder", "thumbnail").err == ""


def test_forget(home: Path, ask: Ask) -> None:
    assert ask("forget", "pictures/0.png", "pictures/1.png").out == (
        "2 forgotten; their files were not touched\n"
    )
    assert len(list((home / "pictures").iterdir())) == 5
    assert ask("forget", "pictures", "--json").document() == {
        "command": "forget", "version": 1, "forgotten": 3, "paths": ["pictures"],
        "results": [{"path": "pictures"}], "remarks": []
    }  # fmt: skip
