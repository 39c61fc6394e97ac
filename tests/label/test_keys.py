"""Keys, and what is none, in whatever pieces they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing.commands.keys import BACKSPACE, ESCAPE, split_keys

WHOLE = [
    (b"a", ["a"]), (b"\x7f", [BACKSPACE]), (b"\x08", [BACKSPACE]), (b"\r\n\t\x00", []),
    ("éß日🪐".encode(), ["é", "ß", "日", "🪐"]), (b"\xff\x80", []),
    (b"\x1b[A\x1b[1;5C", []), (b"\x1bOP", []), (b"\x1bx", []),
    (b"\x1b[?62;4c", []), (b"\x1b_Gi=31;OK\x1b\\", []), (b"\x1b]11;rgb:0/0/0\x07", []),
    (b"\x1b[200~1234\n\x1b[A5\x1b[201~", []), (b"\x1b\x1b[A", [ESCAPE]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "keys"), WHOLE)
def test_keys(sent: bytes, keys: list[str]) -> None:
    assert split_keys(sent, final=False) == (keys, b"")
    assert split_keys(sent + b"3", final=True) == ([*keys, "3"], b"")


def test_escape_is_a_key_only_when_nothing_follows() -> None:
    assert split_keys(b"4\x1b", final=False) == (["4"], b"\x1b")
    assert split_keys(b"\x1b", final=True) == ([ESCAPE], b"")
    assert split_keys(b"\x1b[", final=False) == ([], b"\x1b[")
    assert split_keys(b"\x1b[", final=True) == ([], b"")


def test_what_is_pasted_is_waited_for() -> None:
    """A paste that comes in pieces must not be taken for answers."""
    assert split_keys(b"\x1b[200~123", final=True) == ([], b"\x1b[200~123")


@given(st.lists(st.sampled_from(WHOLE)), st.data())
def test_pieces_give_the_same_keys(
    parts: list[tuple[bytes, list[str]]], data: st.DataObject
) -> None:
    sent = b"".join(part for part, _ in parts if part != b"\xff\x80")
    wanted = [key for part, keys in parts if part != b"\xff\x80" for key in keys]
    rest, got = b"", []
    while sent:
        n = data.draw(st.integers(1, len(sent)))
        keys, rest = split_keys(rest + sent[:n], final=False)
        got += keys
        sent = sent[n:]
    keys, rest = split_keys(rest, final=True)
    assert got + keys == wanted and rest == b""


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_taken(sent: bytes, final: bool) -> None:
    keys, rest = split_keys(sent, final=final)
    assert all(key in (ESCAPE, BACKSPACE) or len(key) == 1 for key in keys)
    assert sent.endswith(rest)
