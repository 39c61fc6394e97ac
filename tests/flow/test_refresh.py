"""One refresh: the files it is about, several encoders, progress, stopping."""

import shutil
from typing import Any

import pytest

from seeing.errors import UsageError

World = Any  # see conftest.py


# --- which files ----------------------------------------------------------------------------------


def test_a_file_named_alone(world: World) -> None:
    a = world.put("a.png", 1)
    world.put("b.png", 2)
    assert world.told(lambda: world.refresh(a)) == {"new": 1, "encoded": 1}
    assert world.told(world.refresh) == {"new": 1, "unchanged": 1, "encoded": 1}
    with pytest.raises(UsageError, match="no such file"):
        world.refresh(world.folder / "c.png")


def test_a_picture_named_twice_is_taken_once(world: World) -> None:
    a = world.put("a.png", 1)
    told = world.told(lambda: world.refresh(a, world.folder, f"{world.folder}/*.png"))
    assert told == {"new": 1, "encoded": 1}


def test_only_what_lies_below_the_given_paths_can_vanish(world: World) -> None:
    a, b = world.put("one/a.png", 1), world.put("two/b.png", 2)
    world.refresh()
    a.unlink()
    b.unlink()
    assert world.told(lambda: world.refresh(world.folder / "one")) == {"vanished": 1}
    assert world.told(lambda: world.refresh(world.folder)) == {"vanished": 1}


def test_files_that_are_passed_over_have_not_vanished(world: World) -> None:
    """Hidden, excluded, oddly named: what a walk does not come across but exists stays as it is."""
    world.put("a.png", 1)
    world.put("out/b.png", 2)
    world.put(".hidden/c.png", 3)
    odd = world.put("d.png", 4)
    odd = odd.rename(odd.with_suffix(".picture"))
    world.refresh(world.folder, odd, hidden=True)
    assert world.library.status().items == 4
    assert world.told(world.refresh) == {"unchanged": 2}
    assert world.told(lambda: world.refresh(exclude=["out"])) == {"unchanged": 1}
    assert world.library.prune() == 0
    assert world.library.status().items == 4
    for path in (odd, world.folder / "out" / "b.png", world.folder / ".hidden" / "c.png"):
        path.unlink()
    assert world.told(world.refresh) == {"unchanged": 1, "vanished": 3}
    assert world.library.prune() == 3


# --- several encoders -----------------------------------------------------------------------------


def test_several_encoders_side_by_side(world: World) -> None:
    for seed in range(4):
        world.put(f"{seed}.png", seed)
    world.refresh()
    library = world.library
    assert world.counts(library.index(world.folder, encoder="colour")) == {
        "unchanged": 4,
        "encoded": 4,
    }
    assert world.counts(library.index(world.folder, encoder="colour")) == {"unchanged": 4}
    assert [e.name for e in library.encoders()] == [world.encoder, "colour"]
    assert library.vectors(encoder="colour")[0].tolist() == library.vectors()[0].tolist()
    assert library.vectors(encoder="colour")[1].shape[1] < library.vectors()[1].shape[1] == 769
    target = world.folder / "0.png"
    by_colour = library.find_similar(target, encoder="colour")
    assert by_colour.encoder.startswith("colour@")
    assert len(by_colour) == len(library.find_similar(target)) == 3
    # what one encoder has seen of a moved or copied file, the other needs not see again
    target.rename(world.folder / "z.png")
    shutil.copy(world.folder / "1.png", world.folder / "y.png")
    assert world.told(world.refresh) == {"moved": 1, "copied": 1, "unchanged": 3}
    assert world.counts(library.index(world.folder, encoder="colour")) == {"unchanged": 5}
    world.put("new.png", 9)
    world.refresh()
    assert world.counts(library.index(world.folder, encoder="colour")) == {
        "encoded": 1,
        "unchanged": 6,
    }
    library.set_default_encoder("colour")
    assert library.encoders()[0].name == "colour"


def test_a_copy_of_what_another_encoder_knows(world: World) -> None:
    path = world.put("a.png", 1)
    world.library.index(world.folder, encoder="colour")
    shutil.copy(path, world.folder / "b.png")
    world.refresh()
    world.check_whole()
    assert len(world.library.items()) == 2
    assert world.counts(world.library.index(world.folder, encoder="colour")) == {"unchanged": 2}


# --- progress and stopping ------------------------------------------------------------------------


def test_progress_counts_to_the_end(world: World) -> None:
    path = world.put("a.png", 1)
    shutil.copy(path, world.folder / "copy.png")
    (world.folder / "broken.png").write_bytes(b"no picture")
    told: list[tuple[int, int]] = []
    world.refresh(progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_stopping_keeps_what_is_done_and_the_next_call_goes_on(world: World) -> None:
    for seed in range(12):
        world.put(f"{seed}.png", seed)
    stopped = world.refresh(batch=4, should_stop=lambda: True)
    assert stopped.stopped
    assert 0 < stopped.encoded < 12
    done = stopped.encoded
    assert world.told(world.refresh) == {
        "new": 12 - done, "unchanged": done, "encoded": 12 - done
    }  # fmt: skip
    world.check_whole()
