"""`--sheet` draws beside the answer, and never in its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeing.errors import EXIT_ERROR

Draw = Callable[..., Path]
Ask = Callable[..., Any]


def test_a_sheet(home: Path, ask: Ask) -> None:
    answer = ask("find-similar", "pictures/0.png", "--sheet", "sheet.png")
    assert answer.err == "q: contact sheet: sheet.png\n"
    assert (home / "sheet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sheet", ["sheet.xyz", "sheet", "no/folder/sheet.png", "pictures"])
def test_a_sheet_that_cannot_be_is_told_before_any_work(
    home: Path, ask: Ask, draw: Draw, sheet: str
) -> None:
    draw(home / "more" / "new.png", 70)
    answer = ask("rank", "more", "--reference", "pictures/0.png", "--sheet", sheet)
    assert (answer.status, answer.out) == (EXIT_ERROR, "")
    assert answer.err.count("\n") == 1
    assert ask("status", "--json").document()["items"] == 5, "nothing was indexed"


def test_a_sheet_that_fails_does_not_take_the_answer_with_it(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seeing.show import sheet

    small = sheet._FORMATS[".webp"]._replace(longest=100)
    monkeypatch.setitem(sheet._FORMATS, ".webp", small)
    answer = ask("find-similar", "pictures/0.png", "--sheet", "s.webp", "--paths")
    assert answer.status == EXIT_ERROR
    assert len(answer.out.splitlines()) == 4
    assert "holds 100 pixels" in answer.err.splitlines()[-1]
