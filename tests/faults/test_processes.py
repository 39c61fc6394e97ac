"""No fork after FAISS or torch have worked: their threads would not be there, and locks would."""

import ast
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [p.parent for p in ROOT.glob("*/__init__.py")] + [ROOT]


def forks(tree: ast.AST) -> list[str]:
    """What a module names that can fork, or start processes that might."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] == "multiprocessing"]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if (node.module or "").split(".")[0] == "multiprocessing" and not node.level:
                found.append(str(node.module))
            found += [n for n in names if n in ("ProcessPoolExecutor", "fork", "forkpty")]
        elif isinstance(node, ast.Attribute):
            if node.attr in ("fork", "forkpty", "ProcessPoolExecutor", "multiprocessing"):
                found.append(node.attr)
        elif isinstance(node, ast.keyword) and node.arg == "num_workers":
            found.append("num_workers")
    return found


def test_the_scan_finds_forks() -> None:
    told = "import os\nfrom concurrent.futures import ProcessPoolExecutor\nos.fork()\n"
    assert forks(ast.parse(told)) == ["ProcessPoolExecutor", "fork"]


def test_no_module_forks() -> None:
    modules = [path for folder in FOLDERS for path in folder.glob("*.py")]
    assert len(modules) > 40
    for path in modules:
        assert forks(ast.parse(path.read_text(encoding="utf-8"))) == [], path


def _work(folder: str, number: int) -> list[str]:
    """Index, then search in threads of their own; in a new process."""
    import seeing

    with seeing.open(Path(folder) / f"library {number}" / ".q", create=True) as library:
        library.index([folder], encoder="builtin")
        place = library.folder

    def search(name: str) -> list[str]:
        with seeing.open(place) as own:
            return [str(m.item.path.name) for m in own.find_similar(f"{folder}/{name}", n=3)]

    names = [f"picture {n}.png" for n in range(6)]
    with ThreadPoolExecutor(3) as threads:
        return [name for found in threads.map(search, names) for name in found]


def test_indexing_and_searching_in_threads_of_spawned_processes(
    pictures: object, tmp_path: Path
) -> None:
    assert callable(pictures)
    pictures(tmp_path, 30)
    context = multiprocessing.get_context("spawn")
    import importlib.util
    import sys

    # the module has a name that a new process can't import: hand it over by its file
    assert importlib.util.find_spec("seeing") is not None
    told = []
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        runs = [pool.submit(_run_file, __file__, str(tmp_path), n) for n in range(3)]
        told = [run.result(timeout=120) for run in runs]
    assert "faiss" in sys.modules or told
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 18


def _run_file(file: str, folder: str, number: int) -> list[str]:
    import runpy

    return list(runpy.run_path(file)["_work"](folder, number))
