"""Probes kept in a library: the same numbers come back, and nothing else ever does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as unpacked

from seeing.db.models import keep_model
from seeing.errors import LibraryError, ShapeError, UsageError
from seeing.library import Library, open_library
from seeing.train.fit import Fitted, teach
from seeing.train.store import load, save


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "here", create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def taught() -> Fitted:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 1, (90, 4))
    answers = ["abc"[int(one > 0) + int(one > 1)] for one in vectors[:, 0]]
    return teach(vectors, answers, np.arange(90), kind="logistic", wanted="c")


ABOUT = {"features": "encoder:thumbnail@1", "from": {"labels": "x.csv"}, "seed": 0}


def test_what_is_loaded_is_what_was_saved(library: Library, taught: Fitted) -> None:
    save(library.catalogue, "taste", taught, dict(ABOUT))
    found = load(library.catalogue, "taste")
    vectors = np.random.default_rng(1).normal(0, 1, (50, 4)).astype(np.float32)
    assert found.probe.scores(vectors).tobytes() == taught.probe.scores(vectors).tobytes()
    assert np.array_equal(found.probe.direction, taught.probe.direction)
    assert found.features == "encoder:thumbnail@1"
    assert found.card["labels"] == taught.counts
    assert set(found.card["versions"]) == {"seeing", "numpy", "scikit-learn"}
    assert found.card["figures"]["roc_auc"]["guess"] == 0.5
    arrays = unpacked((library.folder / "models" / "taste.safetensors").read_bytes())
    assert set(arrays) == {"weights", "bias", "calibration"}  # numbers, and nothing that runs


def test_vectors_of_another_length_are_refused(taught: Fitted) -> None:
    with pytest.raises(ShapeError):
        taught.probe.scores(np.zeros((3, 5)))


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "exchanged"])
def test_a_damaged_file_never_answers(library: Library, taught: Fitted, harm: str) -> None:
    save(library.catalogue, "taste", taught, dict(ABOUT))
    path = library.folder / "models" / "taste.safetensors"
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[:-7])
    elif harm == "flipped":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "gone":
        path.unlink()
    else:
        save(library.catalogue, "other", taught, ABOUT | {"seed": 1})
        other = teach(np.eye(4), np.arange(4.0), np.arange(4), kind="ridge")
        save(library.catalogue, "other", other, dict(ABOUT))
        path.write_bytes((path.parent / "other.safetensors").read_bytes())
    with pytest.raises(LibraryError, match="teach it again") as told:
        load(library.catalogue, "taste")
    assert "\n" not in str(told.value)


def test_a_card_that_does_not_fit_is_refused(library: Library, taught: Fitted) -> None:
    save(library.catalogue, "taste", taught, dict(ABOUT))
    with closing(sqlite3.connect(library.folder / "catalogue.db")) as connection, connection:
        connection.execute("UPDATE models SET card = json_remove(card, '$.answers')")
    with pytest.raises(LibraryError, match="does not fit"):
        load(library.catalogue, "taste")


def test_a_probe_is_replaced_listed_and_removed(library: Library, taught: Fitted) -> None:
    first = save(library.catalogue, "taste", taught, dict(ABOUT))
    other = teach(np.eye(4), np.arange(4.0), np.arange(4), kind="ridge")
    second = save(library.catalogue, "taste", other, dict(ABOUT))
    assert first.digest != second.digest
    assert [model.name for model in library.probes] == ["taste"]
    assert library.probes["taste"].probe.kind == "ridge"
    library.probes.remove("taste")
    assert list(library.probes) == []
    assert not list((library.folder / "models").iterdir())
    with pytest.raises(UsageError, match="no probe is called taste"):
        library.probes.remove("taste")


def test_names(library: Library, taught: Fitted) -> None:
    for name in ("", "../x", "a/b", ".hidden", "-n", "a b", "x" * 65):
        with pytest.raises(UsageError, match="no name for a probe"):
            save(library.catalogue, name, taught, dict(ABOUT))
    save(library.catalogue, "taste", taught, dict(ABOUT))
    with pytest.raises(UsageError, match="there is a probe taste already"):
        save(library.catalogue, "Taste", taught, dict(ABOUT))
    with pytest.raises(UsageError, match="did you mean taste"):
        load(library.catalogue, "tast")


def test_models_of_other_kinds_are_left_alone(library: Library, taught: Fitted) -> None:
    keep_model(library.catalogue, "net", kind="autoencoder", file="net.safetensors", card={})
    assert list(library.probes) == []
    for call in (
        lambda: load(library.catalogue, "net"),
        lambda: library.probes.remove("net"),
        lambda: save(library.catalogue, "net", taught, dict(ABOUT)),
    ):
        with pytest.raises(UsageError, match="net is of another kind: autoencoder"):
            call()
