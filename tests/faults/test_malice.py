"""What strangers hand over runs no code, and a condition can only read."""

import hashlib
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
Refused = Callable[..., str]
Pictures = Callable[..., list[Path]]


class Evil:
    def __init__(self, file: Path) -> None:
        self.call = f"touch '{file}'"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.call,)


def plain_pickle(proof: Path) -> bytes:
    return pickle.dumps({"state_dict": Evil(proof)}, protocol=2)


def saved_by_torch(proof: Path) -> bytes:
    import io

    import torch

    out = io.BytesIO()
    torch.save({"state_dict": {"weight": torch.zeros(2), "bias": Evil(proof)}}, out)
    return out.getvalue()


def absurd_header(_proof: Path) -> bytes:
    return struct.pack("<Q", 2**62) + b'{"a":' + b" " * 1000


def absurd_shapes(_proof: Path) -> bytes:
    header = json.dumps(
        {"weight": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 16]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


def other_network(_proof: Path) -> bytes:
    header = json.dumps(
        {"weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


def nothing(_proof: Path) -> bytes:
    return b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "ending"),
    [(plain_pickle, "safetensors"), (saved_by_torch, "pt"), (absurd_header, "safetensors"),
     (absurd_shapes, "pt"), (other_network, "safetensors"), (nothing, "pt")],
)  # fmt: skip
def test_malicious_weights_run_nothing(
    refused: Refused, pictures: Pictures, make: Callable[[Path], bytes], ending: str, tmp_path: Path
) -> None:
    pictures(tmp_path, 2)
    proof = tmp_path / "proof"
    weights = tmp_path / f"weights.{ending}"
    weights.write_bytes(make(proof))
    told = refused(
        "index", "-e", "timm:mobilenetv2_100", "--weights", str(weights), ".", cwd=tmp_path
    )
    assert str(weights) in told
    assert not proof.exists()


CONDITIONS = [
    "1); DROP TABLE items; --",
    "1; DELETE FROM items",
    "1) UNION SELECT 1 --",
    "id IN (SELECT load_extension('/tmp/evil.so'))",
    "writefile('owned', 'x')",
    "readfile('/etc/passwd') IS NOT NULL",
    "edit('x')",
    "(SELECT count(*) FROM pragma_database_list)",
    "(SELECT count(*) FROM sqlite_master)",
    "(SELECT count(*) FROM encoders)",
    "(SELECT count(*) FROM vectors)",
    "1) ; ATTACH DATABASE 'owned' AS owned; --",
    "1) ; VACUUM INTO 'owned'; --",
    "PRAGMA writable_schema = 1",
    "id = (INSERT INTO scores VALUES (1, 1, 1, ''))",
    "id IN (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n)",
    "length(zeroblob(2000000000)) > 1",
    "length(printf('%2000000000d', 1)) > 1",
    "length(hex(randomblob(900000000))) > 1",
    "fts3_tokenizer('simple') IS NOT NULL",
    "'unclosed",
    "(((((",
    "\0",
    "no_such_column = 1",
    "1 /* never closed",
    "id = ?",
    "id = :name",
    "abs(-9223372036854775808)",
    "(" * 2000 + "1" + ")" * 2000,
    "",
    "é = \udcff",
]


@pytest.mark.slow  # one of them is stopped after its ten seconds
def test_no_condition_can_change_or_reach_anything(
    q: Run, pictures: Pictures, tmp_path: Path
) -> None:
    pictures(tmp_path / "all", 60)
    q("index", "-e", "thumbnail", "all", cwd=tmp_path)
    q("find-similar", "all/picture 1.png", cwd=tmp_path, status=None)

    def state() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in tmp_path.rglob("*") if path.is_file()
        }  # fmt: skip

    before = state()
    for condition in CONDITIONS:
        if "\0" in condition:
            continue  # no program can be given one
        call = ("find-similar", "all/picture 1.png", "--where", condition)
        done = q(*call, cwd=tmp_path, status=None, timeout=30)
        assert done.returncode in (0, 1, 2), (condition, done.stderr)
        if done.returncode == 2:
            assert len(done.stderr.splitlines()) == 1, (condition, done.stderr)
            assert not done.stdout
        else:
            assert condition.startswith(("1 /*", "length", "abs")) or not condition, condition
    assert state() == before


def test_a_configuration_can_not_surprise(q: Run, pictures: Pictures, tmp_path: Path) -> None:
    """A library from a stranger brings a config.toml: at worst a line on standard error."""
    pictures(tmp_path, 5)
    q("index", "-e", "thumbnail", ".", cwd=tmp_path)
    config = tmp_path / ".q" / "config.toml"
    for held in (
        b"\xff\xfe", b"n = [1, 2]\n", b"n = 'many'\n", b"[find-similar]\nsheet = 7\n", b"n = ",
        b"unknown = 1\n", b"[no-such-command]\na = 1\n", b"library = '/no/where'\n",
        b"n = nan\n", b"debug = true\n", b"help = true\n", b"where = '1; DROP TABLE items'\n",
    ):  # fmt: skip
        config.write_bytes(held)
        done = q("find-similar", "picture 1.png", cwd=tmp_path, status=None, timeout=20)
        assert done.returncode in (0, 2), (held, done.stderr)
        assert len(done.stderr.splitlines()) <= 1, (held, done.stderr)
    config.write_bytes(b"")
    assert "pictures  5" in q("status", cwd=tmp_path).stdout
