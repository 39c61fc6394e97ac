"""Odd surroundings: closed streams, no home, no folder, another language."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]
Surroundings = Callable[..., dict[str, str]]


@pytest.fixture
def library(q: Run, pictures: Pictures, tmp_path: Path) -> Path:
    pictures(tmp_path, 60)
    (tmp_path / "é Ω.png").write_bytes((tmp_path / "picture 7.png").read_bytes() + b"\0")
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    return tmp_path


CALLS = [
    ("find-similar", "picture 7.png", "-n", "60"),
    ("find-similar", "picture 7.png", "--json"),
    ("find-similar", "picture 7.png", "--paths", "-0"),
    ("rank", "--reference", "picture 7.png"),
    ("status",),
    ("doctor",),
    ("encoders",),
    ("index", "."),
    ("--version",),
    ("--help",),
]


@pytest.mark.parametrize(
    "changes",
    [{"HOME": None}, {"HOME": "/dev/null"}, {"HOME": "/no/where"}, {"HOME": ""},
     {"PATH": ""}, {"TERM": "dumb"}, {"COLUMNS": "1"}, {"COLUMNS": "-5"}, {"TMPDIR": "/no/where"},
     {"XDG_CONFIG_HOME": "/dev/full"}],
)  # fmt: skip
def test_odd_variables_change_nothing(
    q: Run, library: Path, changes: dict[str, str | None]
) -> None:
    for call in CALLS[::3]:
        assert q(*call, cwd=library, env=changes, status=None).returncode in (0, 1)


@pytest.mark.parametrize(
    "changes",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
     {"LC_ALL": "xx_XX.nonsense"}, {"PYTHONIOENCODING": "ascii"},
     {"PYTHONIOENCODING": "latin-1:strict"}],
)  # fmt: skip
def test_other_languages_keep_names_exact(
    q: Run, library: Path, changes: dict[str, str | None]
) -> None:
    for call in CALLS:
        q(*call, cwd=library, env=changes, status=None)
    exact = q(
        "find-similar", "picture 7.png", "-n", "1", "--paths", cwd=library, env=changes, status=None
    )
    assert exact.stdout == "é Ω.png\n"
    assert "unchanged" in q("index", ".", cwd=library, env=changes).stdout
    json.loads(q("find-similar", "picture 7.png", "--json", cwd=library, env=changes).stdout)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
def test_closed_streams(
    library: Path, command: list[str], surroundings: Surroundings, closed: str
) -> None:
    vectors = (library / ".q" / "vectors" / "1.f16").read_bytes()
    for call in CALLS:
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {closed}', *command, *call],
            cwd=library, env=surroundings(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), (call, closed, done)
        assert b"Traceback" not in done.stderr
        if call[-1] == "--json" and ">&-" not in closed.replace("2>&-", ""):
            json.loads(done.stdout)  # and no remarks in between
    (library / "new.png").write_bytes((library / "picture 3.png").read_bytes() + b"\1")
    (library / "broken.png").write_bytes(b"broken")
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" index . {closed}', *command],
        cwd=library, env=surroundings(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done
    held = (library / ".q" / "vectors" / "1.f16").read_bytes()
    assert held[: len(vectors)] == vectors and len(held) == len(vectors) + 2 * 769
    doctor = subprocess.run(
        [*command, "doctor"], cwd=library, env=surroundings(), capture_output=True, check=True
    )
    assert b"wrong" not in doctor.stdout


def test_standard_error_that_is_full(q: Run, library: Path) -> None:
    with Path("/dev/full").open("w") as full:
        q("find-similar", "no such.png", cwd=library, status=2, stdout=-1, stderr=full)
        (library / "broken.png").write_bytes(b"broken")
        q("index", ".", cwd=library, status=3, stdout=-1, stderr=full)


def test_a_working_directory_that_is_gone(
    command: list[str], surroundings: Surroundings, library: Path
) -> None:
    gone = library / "gone"
    for call in [*CALLS, ("index", "-e", "thumbnail", "x"), ("forget", "x")]:
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", 'rmdir ../gone; exec "$0" "$@"', *command, *call],
            cwd=gone, env=surroundings(), capture_output=True, timeout=60, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, (call, done.stderr)
        if call[0] in ("--help", "--version"):
            assert done.returncode == 0
        elif call[0] != "encoders":
            assert done.returncode == 2, (call, done)
            assert len(done.stderr.splitlines()) == 1, done.stderr
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir ../gone; exec "$0" "$@"', *command,
         "find-similar", str(library / "picture 1.png"), "--library", str(library)],
        cwd=gone, env=surroundings(), capture_output=True, timeout=60, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr, done


@pytest.mark.parametrize(
    "call",
    [("find-similar",), ("find-similar", "picture 1.png", "-n", "0"),
     ("find-similar", "picture 1.png", "-n", "-3"), ("find-similar", "picture 1.png", "-n", "x"),
     ("find-similar", "picture 1.png", "-e", "thumbnial"), ("find-similar", "--nonsense"),
     ("find-similar", "0:picture 1.png"), ("find-similar", "picture 1.png#3"),
     ("find-similar", "picture 1.png[SCI]"), ("find-similar", "--text", "a spiral"),
     ("find-similar", "picture 1.png", "--min-similarity", "high"),
     ("find-similar", "--from", "no such list"), ("find-similar", "--from", "/"),
     ("find-similar", "picture 1.png", "--sheet", "sheet.xyz"),
     ("find-similar", "picture 1.png", "--sheet", "/"),
     ("find-similar", "picture 1.png", "--csv", "/"),
     ("index",), ("index", ".", "-e", "no such"), ("index", ".", "-e", "timm:no_such"),
     ("index", ".", "-e", "thumbnail:x"), ("index", ".", "-e", ":"), ("index", ".", "-e", ""),
     ("index", ".", "--batch", "0"), ("index", ".", "--threads", "-1"),
     ("index", ".", "-e", "builtin", "--arithmetic", "fp7"),
     ("index", ".", "-e", "timm:mobilenetv2_100", "--weights", "no such"),
     ("index", ".", "-e", "timm:mobilenetv2_100", "--weights", "."),
     ("rank",), ("rank", "--reference", "picture 1.png", "--by", "nonsense"),
     ("rank", "--reference", "no such.png"), ("forget",), ("forget", "no such"), ("nonsense",), (),
     ("encoders", "--default", "no such"), ("status", "too", "many"),
     ("status", "--library", "")],
)  # fmt: skip
def test_wrong_calls_are_one_line(q: Run, library: Path, call: tuple[str, ...]) -> None:
    done = q(*call, cwd=library, status=None, timeout=120)
    if not call:
        assert done.returncode in (0, 2)  # help
        return
    if call[:2] == ("status", "--library"):
        assert done.returncode in (0, 2)
        return
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("q: ")
    assert "pictures  61" in q("status", cwd=library).stdout


def test_lists_that_are_no_lists(q: Run, library: Path) -> None:
    for held in (
        b"",
        b"\0\0\0",
        b"\n\n",
        b"\xff\n",
        b"no such\n",
        os.urandom(3000),
        b"a" * 100_000,
    ):
        for nul in ((), ("-0",)):
            done = q("find-similar", "--from", "-", *nul, cwd=library, status=None, input=held)
            assert done.returncode == 2, (held[:20], done)
            assert len(done.stderr.splitlines()) == 1


def test_more_matches_than_there_can_be(q: Run, library: Path) -> None:
    for n in ("1000000000000", "9" * 30):
        found = q("find-similar", "picture 1.png", "-n", n, "--paths", cwd=library, status=None)
        assert len(found.stdout.splitlines()) == 60
