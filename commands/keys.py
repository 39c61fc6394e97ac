"""Keys as a terminal sends them: letters, and sequences that are none."""

import re

ESCAPE = "escape"
BACKSPACE = "backspace"

_SEQUENCE = re.compile(
    rb"\x1b\[200~.*?\x1b\[201~"  # what was pasted: nobody answers a hundred questions by that
    rb"|\x1b\[(?!200~)[0-?]*[ -/]*[@-~]"  # CSI: arrows, answers of the terminal (ECMA-48 5.4)
    rb"|\x1bO[ -~]"  # SS3: F1 to F4
    rb"|\x1b[PX^_\]].*?(?:\x1b\\|\x07)",  # strings: answers of the terminal (ECMA-48 5.6)
    re.DOTALL,
)
_BEGUN = re.compile(rb"\x1b(?:\[200~|[PX^_\]])")
_CONTROL = 0x20
_DELETE = 0x7F
_TWO, _THREE, _FOUR, _BEYOND = 0xC0, 0xE0, 0xF0, 0xF8


def split_keys(heard: bytes, *, final: bool) -> tuple[list[str], bytes]:
    """Return the keys in what a terminal sent, and the beginning of one that is not whole yet.

    Letters stand for themselves; ESCAPE and BACKSPACE have names; arrows, Alt with a letter, what
    was pasted and what the terminal answered are left out. final: nothing followed for a while, so
    that an escape is the key and no beginning of a sequence.
    """
    keys: list[str] = []
    place = 0
    while place < len(heard):
        first = heard[place]
        if first == 0x1B:
            found = _SEQUENCE.match(heard, place)
            if found:
                place = found.end()
                continue
            rest = heard[place:]
            if _BEGUN.match(rest) and not (final and len(rest) == 2):
                return keys, rest
            if len(rest) == 1 or rest[1:2] in (b"[", b"O"):
                if not final:
                    return keys, rest
                if len(rest) == 1:
                    keys.append(ESCAPE)
                return keys, b""
            place += 1 if rest[1] == 0x1B else 2  # Escape twice; or Alt and a letter
            if rest[1] == 0x1B:
                keys.append(ESCAPE)
            continue
        if first in (_DELETE, 0x08):
            keys.append(BACKSPACE)
        elif _CONTROL <= first < _DELETE:
            keys.append(chr(first))
        elif _TWO <= first < _BEYOND:
            length = 2 if first < _THREE else 3 if first < _FOUR else 4
            letter = heard[place : place + length]
            if len(letter) < length and not final:
                return keys, letter
            keys += list(letter.decode("utf-8", "ignore"))
            place += length
            continue
        place += 1
    return keys, b""
