"""What several tests share: where the real pictures and weights lie."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def seeing_data() -> Path:
    """The folder with `data/` and `weights/`: $SEEING_DATA, else `shared` beside the checkout."""
    named = os.environ.get("SEEING_DATA")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"needs real pictures: no data/ in {folder}; set SEEING_DATA")
    return folder
