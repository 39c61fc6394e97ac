"""A file's digest, and bytes read without blocking."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing.errors import PictureError
from seeing.media.digest import WHOLE_UP_TO, digest, read_content


def test_the_digest_of_a_small_file_covers_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"some bytes")
    # from the definition: BLAKE2b (RFC 7693), 16 bytes, personalised
    expected = hashlib.blake2b(b"some bytes", digest_size=16, person=b"whole").hexdigest()
    assert digest(path) == expected == digest(os.fsencode(path))
    assert digest(tmp_path / "not there", content=b"some bytes") == expected
    assert len(expected) == 32


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_different_contents_have_different_digests(one: bytes, other: bytes) -> None:
    assert (digest("x", content=one) == digest("x", content=other)) == (one == other)


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_above_64_mib_parts_count(tmp_path: Path) -> None:
    size = WHOLE_UP_TO + 10_000_000
    path = sparse(tmp_path / "large", size)
    before = digest(path)
    # the definition, written out once more
    message = size.to_bytes(8, "little") + bytes(2 * 1024**2 + 256 * 4096)
    assert before == hashlib.blake2b(message, digest_size=16, person=b"parts").hexdigest()
    blocks = [i * (size - 4096) // 255 for i in range(256)]
    for place in (0, 1024**2 - 1, size - 1024**2, size - 1, blocks[100], blocks[100] + 4095):
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"\1")
        after = digest(path)
        assert after != before, place
        before = after
    assert digest(sparse(tmp_path / "longer", size + 1)) != digest(sparse(path, size))


def test_the_border_between_the_two_kinds(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a", WHOLE_UP_TO)
    assert digest(path) == digest("x", content=bytes(WHOLE_UP_TO))
    path = sparse(tmp_path / "a", WHOLE_UP_TO + 1)
    whole = bytes(WHOLE_UP_TO + 1)
    assert digest(path) == digest(path, content=whole)
    assert digest(path) != hashlib.blake2b(whole, digest_size=16, person=b"whole").hexdigest()


def test_bytes_are_read_from_regular_files_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert read_content(path) == b"abc"
    (tmp_path / "link").symlink_to("a")
    assert read_content(str(tmp_path / "link")) == b"abc"
    for function in (read_content, digest):
        with pytest.raises(PictureError, match=r"^no such file$"):
            function(tmp_path / "none")
        with pytest.raises(PictureError, match=r"^a folder, not a picture$"):
            function(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for function in (read_content, digest):
        with pytest.raises(PictureError, match=r"^a pipe, not a picture$"):
            function(tmp_path / "pipe")
