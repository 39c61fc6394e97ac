"""The house stands as it was designed: who imports whom, what is heavy, what is packed."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROWS: list[list[str]] = [
    ["cli", "commands"],
    ["library"],
    ["rank", "label", "train"],
    ["stack"],
    ["planet"],
    ["flow"],
    ["networks"],
    ["embed"],
    ["index"],
    ["show"],
    ["db"],
    ["video"],
    ["media"],
    ["samples"],
    ["errors"],
]
"""From the top: a folder or module imports only from rows below it, within a row from its right."""
OUTSIDE = {"tests", "docs", "build", "dist", "demo"}
HEAVY = ("torch", "torchvision", "open_clip", "timm", "faiss", "scipy", "astropy", "PIL", "av",
         "cv2", "matplotlib",
         "tifffile", "imagecodecs", "numpy", "sklearn", "sqlite_utils", "rich")  # fmt: skip
LINES = 400


def folders() -> list[str]:
    """Return the package's folders, by what lies on the disk."""
    return sorted(
        file.parent.name
        for file in ROOT.glob("*/__init__.py")
        if file.parent.name not in OUTSIDE and not file.parent.name.startswith(".")
    )


def modules() -> Iterator[Path]:
    for folder in [ROOT, *(ROOT / name for name in folders())]:
        yield from sorted(folder.glob("*.py" if folder == ROOT else "**/*.py"))


MODULES = list(modules())
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]


def place(path: Path) -> str:
    """Return the folder of a module, or the module at the root."""
    inside = path.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, folder or root module) of every import from the package itself."""
    depth = len(path.relative_to(ROOT).parts) - 1
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        assert node.level <= 2, f"{path}:{node.lineno}: at most two dots"
        names = [node.module] if node.module else [alias.name for alias in node.names]
        for name in names:
            above = path.relative_to(ROOT).parts[: depth - node.level + 1]
            yield node.lineno, [*above, *name.split(".")][0]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_imports_go_down_the_house(path: Path) -> None:
    order = {
        name: (row, column) for row, names in enumerate(ROWS) for column, name in enumerate(names)
    }
    here = place(path)
    if here in ("__init__", "__main__"):
        return
    assert here in order, "give it a row in ROWS"
    for line, there in imported(path):
        if there != here:
            assert order[there] > order[here], f"{path.name}:{line}: {here} must not know {there}"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LINES


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_own_folders_are_imported_relatively(path: Path) -> None:
    own = {"seeing", "cli", "library", "errors", *folders()}
    for node in ast.walk(ast.parse(path.read_text())):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found = [node.module or ""]
        for name in found:
            assert name.partition(".")[0] not in own, f"{path.name}: write from .{name}"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.name != "__main__.py" and (path.name != "__init__.py" or path.parent == ROOT):
        assert ast.get_docstring(tree), f"{path.name} says nothing"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}:{node.lineno}: {node.name} says nothing"


PRINTING = {"cli", "commands", "samples"}
"""samples: its demo is a program of its own."""


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_only_commands_print(path: Path) -> None:
    if place(path) in PRINTING:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_error_is_swallowed_and_nothing_is_left_to_do(path: Path) -> None:
    source = path.read_text()
    assert "TODO" not in source
    assert "FIXME" not in source
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            silent = all(isinstance(line, ast.Pass) for line in node.body)
            assert not (broad and silent), f"{path.name}:{node.lineno}"
        assert not isinstance(node, ast.Global), f"{path.name}: changes a global"


def loaded(statement: str) -> set[str]:
    """Return the top-level modules that a statement brings into a new process."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
        cwd=ROOT.parent, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import seeing", "import seeing.cli"])
def test_starting_is_light(statement: str) -> None:
    assert loaded(statement).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["embed", "index", "db", "media", "rank", "show"])
def test_engines_stay_apart(name: str) -> None:
    """torch only where a network is made, FAISS only in index/ and what stands on it."""
    files = [f.stem for f in sorted((ROOT / name).glob("*.py")) if f.stem != "__init__"]
    found = loaded("; ".join(f"import seeing.{name}.{file}" for file in files))
    assert found.isdisjoint({"torch", "torchvision", "open_clip", "timm", "astropy", "scipy"})
    if name in ("db", "media", "show"):
        assert "faiss" not in found


# --- packaging --------------------------------------------------------------------------------


def settings() -> dict[str, object]:
    told: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return told


def test_the_root_holds_no_stray_modules() -> None:
    """Each *.py at the root is packed, and may hide a standard module of the same name."""
    assert {path.name for path in ROOT.glob("*.py")} == {
        "__init__.py", "__main__.py", "cli.py", "errors.py", "library.py"
    }  # fmt: skip


def test_every_folder_is_packed() -> None:
    """A forgotten folder works from the checkout and fails for users."""
    told = settings()["tool"]["setuptools"]  # type: ignore[index]
    assert sorted(told["packages"]) == ["seeing", *(f"seeing.{name}" for name in folders())]
    deeper = [p for name in folders() for p in (ROOT / name).glob("*/**/__init__.py")]
    assert deeper == [], "sub-folders would have to be packed too"


def test_every_folder_has_a_row_and_is_not_imported_bare() -> None:
    drawn = {name for row in ROWS for name in row} - {"cli", "library", "errors"}
    assert drawn == set(folders())
    banned = settings()["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]  # type: ignore[index]
    assert set(banned) == {"cli", "errors", "library", *folders()}


def test_both_names_of_the_command() -> None:
    scripts = settings()["project"]["scripts"]  # type: ignore[index]
    assert scripts == {"q": "seeing.cli:main", "seeing": "seeing.cli:main"}


def test_types_are_for_others_too() -> None:
    assert (ROOT / "py.typed").is_file()


def test_tests_have_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_nothing_made_by_machines_is_kept() -> None:
    """Neither an environment nor what building leaves is under version control."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if done.returncode:
        pytest.skip("not a checkout")
    kept = {name.partition("/")[0] for name in done.stdout.splitlines()}
    made = {".venv", "build", "dist", ".lint", "seeing.egg-info", ".pytest_cache", ".mypy_cache"}
    assert kept & made == set()
