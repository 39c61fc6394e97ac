# ruff: noqa: PTH104, PTH118, PTH123, PTH208
"""Names as hostile as the system allows: indexed, found again, printed whole, byte for byte."""

import base64
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
Pictures = Callable[..., list[Path]]

NAMES = [
    b"plain.png",
    b"new\nline.png",
    b"\n.png",
    b"tab\tand\rreturn.png",
    b" spaces  .png",
    b"quote'\"`.png",
    b"$(touch owned).png",
    b"; rm -rf x.png",
    b"caf\xe9.png",
    b"\xff\xfe\x80.png",
    "é Ω 🪐.png".encode(),
    b"-n.png",
    b"--help.png",
    b"2:weighted.png",
    b"frame.png#7",
    b"part.png[1]",
    b"part[SCI].png",
    b"star*.png",
    b"question?.png",
    b"[a-z].png",
    b"{a,b}.png",
    b"back\\slash.png",
    b"%s%n%00.png",
    b"\x1b[31mred\x1b[0m.png",
    b"\x07\x7f\x01.png",
    b"\xe2\x80\xaegnp.exe.png",
    b"~.png",
    b"a" * 251 + b".png",
    "ü".encode() * 125 + b".png",
]


@pytest.fixture
def named(pictures: Pictures, tmp_path: Path) -> Path:
    for name, drawn in zip(NAMES, pictures(tmp_path / "drawn", len(NAMES)), strict=True):
        os.rename(drawn, os.path.join(os.fsencode(tmp_path), name))
    (tmp_path / "drawn").rmdir()
    return tmp_path


def spelt(name: bytes) -> bytes:
    """A name as a careful user writes it: a leading dash would be an option."""
    return b"./" + name if name.startswith(b"-") else name


def test_every_name_is_indexed_printed_exactly_and_found_again(q: Run, named: Path) -> None:
    # two of the names have no picture's extension: they are taken when named
    q("index", "-e", "thumbnail", ".", b"frame.png#7", b"part.png[1]", cwd=named)
    done = q(
        "find-similar", "plain.png", "-n", "100", "--paths", "-0",
        cwd=named, stdout=-1, stderr=-1, status=None,
    )  # fmt: skip
    printed = os.fsencode(done.stdout).split(b"\0")
    # what begins with a dash would be taken for an option by the next program
    safe = [b"./" + n if n.startswith(b"-") else n for n in NAMES if n != b"plain.png"]
    assert sorted(printed) == sorted([*safe, b""])

    document = q("find-similar", "plain.png", "-n", "100", "--json", cwd=named, status=None).stdout
    rows = json.loads(document)["results"]
    exact = [
        base64.b64decode(row["item_bytes"]) if "item_bytes" in row else row["item"].encode()
        for row in rows
    ]
    assert sorted(exact) == sorted(n for n in NAMES if n != b"plain.png")
    lossy = {row["item"] for row in rows if row.get("item_bytes")}
    assert len(lossy) == 2, lossy

    table = q("find-similar", "plain.png", "-n", "100", cwd=named, status=None).stdout
    assert len(table.splitlines()) == len(NAMES)  # one line each, and the head
    assert "\x1b" not in table and "\x07" not in table and "\u202e" not in table

    again = q("index", ".", b"frame.png#7", b"part.png[1]", cwd=named)
    assert f"{len(NAMES)} unchanged" in again.stdout
    assert "owned" not in os.listdir(named)


def test_every_name_is_a_target_and_can_be_forgotten(q: Run, named: Path) -> None:
    q("index", "-e", "thumbnail", ".", b"frame.png#7", b"part.png[1]", cwd=named)
    for name in NAMES[::3]:
        found = q("find-similar", spelt(name), "-n", "100", "--paths", "-0", cwd=named, status=None)
        printed = os.fsencode(found.stdout).split(b"\0")
        assert name not in printed and len(printed) == len(NAMES), name
    listed = b"\0".join(NAMES)
    ranked = q(
        "rank", "--reference", "plain.png", "--paths", "-0", "--from", "-", cwd=named,
        input=os.fsdecode(listed),
    )  # fmt: skip
    assert len(ranked.stdout.split("\0")) == len(NAMES) + 1
    q("forget", *map(spelt, NAMES), cwd=named)
    assert "pictures  0" in q("status", cwd=named).stdout
    assert sorted(os.listdir(os.fsencode(named))) == sorted([*NAMES, b".q"])


def test_broken_files_with_hostile_names_take_one_line_each(q: Run, tmp_path: Path) -> None:
    for name in NAMES:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"not a picture" + name)
    done = q(
        "index", "-e", "thumbnail", ".", b"frame.png#7", b"part.png[1]", cwd=tmp_path, status=3
    )
    lines = done.stderr.splitlines()
    assert len(lines) == len(NAMES), lines
    assert all(line.startswith("q: ") and "\x1b" not in line for line in lines)
    told = q("status", "--verbose", cwd=tmp_path).stdout
    assert "\x1b" not in told and "\x07" not in told


def test_names_in_csv_sheets_and_lists(q: Run, named: Path) -> None:
    q("index", "-e", "thumbnail", ".", cwd=named)
    q(
        "find-similar", "plain.png", "-n", "100", "--csv", "all.csv", "--sheet", "all.png",
        cwd=named, status=None,
    )  # fmt: skip
    import csv

    with (named / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(NAMES) - 3, [row["item"] for row in rows]  # target, two of no kind
    assert (named / "all.png").stat().st_size > 1000


def test_folders_deeper_than_a_path_may_be_long(q: Run, pictures: Pictures, tmp_path: Path) -> None:
    (picture,) = pictures(tmp_path, 1)
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for level in range(1200):
            os.mkdir("abc", dir_fd=here)
            below = os.open("abc", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            if level in (50, 900):
                copy = os.open("deep.png", os.O_CREAT | os.O_WRONLY, dir_fd=here)
                os.write(copy, picture.read_bytes() + bytes([level % 256]))
                os.close(copy)
        held = os.open("beyond.png", os.O_CREAT | os.O_WRONLY, dir_fd=here)
        os.close(held)
    finally:
        os.close(here)
    try:
        done = q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    finally:  # not left to pytest, whose clearing up is recursive
        subprocess.run(["rm", "-rf", str(tmp_path / "abc")], check=True)
    assert "3 new" in done.stdout
    assert "File name too long" in done.stderr and len(done.stderr.splitlines()) == 1
    assert len(done.stderr) < 6000


def test_names_of_nothing_are_one_line(
    refused: Callable[..., str], q: Run, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path, 2)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    ways = (
        ("find-similar",), ("index",), ("forget",), ("rank",), ("find-similar", "--unlike"),
        ("rank", "--reference"),
    )  # fmt: skip
    calls = [(*way, name) for way in ways for name in ("", "x" * 300, "a\nb")]
    nothing = ("no such.png", "nowhere/", "*.xyz", "[", "#7", "2:")
    calls += [(way, name) for way in ("find-similar", "index", "forget") for name in nothing]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda call: refused(*call, cwd=tmp_path), calls))
