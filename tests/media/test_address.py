"""How a user writes which picture of a file is meant."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing.media.address import Address, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m51.fits", Address(Path("m51.fits"))),
        ("jupiter.ser#120", Address(Path("jupiter.ser"), 120)),
        ("m51.fits[SCI]", Address(Path("m51.fits"), None, "SCI")),
        ("m51.fits[SCI,2]", Address(Path("m51.fits"), None, "SCI,2")),
        ("m51.fits[1]#3", Address(Path("m51.fits"), 3, "1")),
        ("a/b c/ä.tif#0", Address(Path("a/b c/ä.tif"), 0)),
        ("C#", Address(Path("C#"))),
        ("#3", Address(Path("#3"))),
        ("[SCI]", Address(Path("[SCI]"))),
        ("a#-1", Address(Path("a#-1"))),
        ("a#007", Address(Path("a#007"))),
        ("a#1#2", Address(Path("a#1"), 2)),
        ("a[]", Address(Path("a[]"))),
        ("a#٣", Address(Path("a#٣"))),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, expected: Address) -> None:
    assert parse(text) == expected
    assert str(expected) == text


def test_a_file_that_really_has_such_a_name_wins(tmp_path: Path) -> None:
    whole = tmp_path / "a.fits[SCI]#3"
    assert parse(whole) == Address(tmp_path / "a.fits", 3, "SCI")
    (tmp_path / "a.fits[SCI]").touch()
    assert parse(whole) == Address(tmp_path / "a.fits[SCI]", 3)
    whole.touch()
    assert parse(whole) == Address(whole)
    (tmp_path / "dangling#7").symlink_to("nowhere")
    assert parse(tmp_path / "dangling#7") == Address(tmp_path / "dangling#7")


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_names_that_are_no_utf_8_go_through(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.ser#12"
    address = parse(raw)
    assert os.fsencode(address.path) == os.fsencode(tmp_path) + b"/caf\xe9.ser"
    assert address.frame == 12
    assert os.fsencode(str(address)) == raw
    assert parse(str(address)) == address


# surrogates as os.fsdecode makes them, for bytes that are no UTF-8
_NAMES = st.text(
    st.one_of(
        st.characters(exclude_characters="\0/", exclude_categories=["Cs"]),
        st.sampled_from([chr(0xDC00 + byte) for byte in range(0x80, 0x100)]),
        st.sampled_from("#[]0123, ."),
    ),
    min_size=1,
).filter(lambda name: name not in (".", ".."))


@given(_NAMES)
def test_text_comes_back_from_any_name(name: str) -> None:
    assert str(parse(name)) == name


_PARTS = st.from_regex(r"[A-Z0-9]{1,8}(,[0-9]+)?", fullmatch=True)


@given(_NAMES, st.none() | st.integers(0, 10**9), st.none() | _PARTS)
def test_addresses_come_back_from_text(name: str, frame: int | None, part: str | None) -> None:
    address = Address(Path("/nowhere/" + name), frame, part)
    again = parse(str(address))
    if frame is not None or part is not None or not ("#" in name or name.endswith("]")):
        # a bare name that looks like an address is taken for one, unless such a file exists
        assert str(again) == str(address)
    if part is not None or (frame is not None and not name.endswith("]")):
        assert again == address


def test_nul_characters_are_no_crash() -> None:
    assert parse("a\0b#3") == Address(Path("a\0b"), 3)
