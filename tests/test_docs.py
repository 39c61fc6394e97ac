"""Every example in README.md and docs/ runs, and prints what the page says.

Blocks marked `console` hold commands after "$ " and what they print (both streams; an exit status
other than 0 as a last line "[exit 1]"). Blocks marked `python` run in one session a page. Numbers
may differ in places where machines differ, so digits are not compared; words are.
To write the real output into the pages: SEEING_UPDATE_DOCS=1 pytest tests/test_docs.py
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seeing.samples.demo import prepare

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
UPDATE = bool(os.environ.get("SEEING_UPDATE_DOCS"))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    prepare(folder)
    return folder


def shell(command: str, folder: Path) -> str:
    """Run a command as a user would; return what it prints, with its exit status when not 0."""
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("Q_", "OMP_"))
    } | {"PATH": search, "HOME": str(folder), "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
    )  # fmt: skip
    told = done.stdout.replace(str(folder), "/home/you")
    return told + (f"[exit {done.returncode}]\n" if done.returncode else "")


def words(text: str) -> str:
    """Return text without what may differ between machines: digits, signs, runs of blanks."""
    return re.sub(r"\s+", " ", re.sub(r"-?\d[\d.:TZ-]*", "N", text)).strip()


def run_console(block: str, folder: Path) -> str:
    """Run the commands of a block; return the block with their real output."""
    out = []
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, _ = entry.partition("\n")
        out.append(f"$ {command}\n{shell(command, folder)}")
    return "".join(out)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_page(page: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    if not blocks:
        return  # a page of prose: nothing to run
    folder = tmp_path / "you"
    shutil.copytree(drawn, folder)
    monkeypatch.chdir(folder)
    session: dict[str, object] = {}
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, str(page), "exec"), session)
            continue
        real = run_console(block, folder)
        if UPDATE:
            text = text.replace(f"```console\n{block}```", f"```console\n{real}```", 1)
            page.write_text(text, encoding="utf-8")
        else:
            assert words(real) == words(block), f"{page.name} says:\n{block}\nreally:\n{real}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
