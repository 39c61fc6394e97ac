"""Refreshing: whatever happened to the files, the library is as if made from scratch."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from seeing.db.items import Item, items_below
from seeing.errors import UsageError
from seeing.flow.refresh import Report
from seeing.library import Library, open_library

Draw = Callable[..., Path]
ENCODER = "counting"


class World:
    """A folder of pictures, its library, and what was encoded."""

    def __init__(self, root: Path, draw: Draw, counter: ModuleType) -> None:
        self.root = root
        self.folder = root / "pictures"
        self.folder.mkdir(parents=True)
        self.draw = draw
        self.counter = counter
        self.clock = 1_000_000_000
        self.library = open_library(root, create=True)

    def put(self, name: str, seed: int, **size: int) -> Path:
        """Write a picture, at a time of its own, so that every change is seen."""
        return self.at_new_time(self.draw(self.folder / name, seed, **size))

    def at_new_time(self, path: Path) -> Path:
        self.clock += 10
        os.utime(path, (self.clock, self.clock))
        return path

    def refresh(self, *paths: str | Path, **options: Any) -> Report:
        return self.library.index(list(paths) or [self.folder], encoder=ENCODER, **options)

    def encoded(self, work: Callable[[], Report]) -> tuple[Report, int]:
        before = self.counter.encoded
        return work(), self.counter.encoded - before

    def told(self, work: Callable[[], Report]) -> dict[str, int]:
        """Return what a refresh reports, without what is zero; checks what it encoded."""
        report, encoded = self.encoded(work)
        assert report.encoded == encoded
        return counts(report)


def counts(report: Report) -> dict[str, int]:
    told = {k: v for k, v in asdict(report).items() if isinstance(v, int) and v and k != "lost"}
    if report.failed:
        told["failed"] = len(report.failed)
    return told


def content_of(library: Library) -> dict[str, tuple[str, int | None, str | None, bytes]]:
    """Return (digest, frame, part, vector) of every searchable item, by address."""
    ids, vectors = library.vectors(encoder=ENCODER)
    found = {}
    for number, vector in zip(ids.tolist(), vectors, strict=True):
        item = library.item(number)
        found[str(item.address)] = (item.digest, item.frame, item.part, vector.tobytes())
    return found


def check_whole(library: Library) -> None:
    """Every present item has a vector, is found by it, and nothing is wrong with the library."""
    if not library.encoders():
        return
    ids, vectors = library.vectors(encoder=ENCODER)
    assert sorted(ids.tolist()) == sorted(item.id for item in library.items())
    assert [f for f in library.doctor(deep=True) if f.level == "wrong"] == []
    for number, vector in zip(ids.tolist(), vectors, strict=True):
        item = library.item(number)
        matches = library.find_similar(item.path, n=len(ids), encoder=ENCODER)
        assert item.path not in [m.item.path for m in matches]
        assert len(matches) + sum(bool(np.array_equal(vector, v)) for v in vectors) >= len(ids)


@pytest.fixture
def world(tmp_path: Path, draw: Draw, counting: ModuleType) -> Iterator[World]:
    made = World(tmp_path / "home", draw, counting)
    yield made
    made.library.close()


def test_new_then_nothing_to_do(world: World) -> None:
    for seed in range(5):
        world.put(f"{seed}.png", seed)
    assert world.told(world.refresh) == {"new": 5, "encoded": 5}
    assert world.told(world.refresh) == {"unchanged": 5}
    world.put("more/5.png", 5)
    assert world.told(world.refresh) == {"new": 1, "unchanged": 5, "encoded": 1}
    check_whole(world.library)


def test_changed(world: World) -> None:
    world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = content_of(world.library)
    world.put("a.png", 3)
    assert world.told(world.refresh) == {"changed": 1, "unchanged": 1, "encoded": 1}
    after = content_of(world.library)
    assert after.keys() == before.keys()
    a, b = str(world.folder / "a.png"), str(world.folder / "b.png")
    assert after[b] == before[b]
    assert after[a][0] != before[a][0]
    assert after[a][3] != before[a][3]
    check_whole(world.library)


def test_touched(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    before = content_of(world.library)
    world.at_new_time(path)
    assert world.told(world.refresh) == {"unchanged": 1}
    assert content_of(world.library) == before
    assert world.told(world.refresh) == {"unchanged": 1}


def test_moved_and_its_folder_renamed(world: World) -> None:
    for seed in range(4):
        world.put(f"old/{seed}.png", seed)
    world.refresh()
    ids = {item.path.name: item.id for item in world.library.items()}
    (world.folder / "old" / "0.png").rename(world.folder / "first.png")
    assert world.told(world.refresh) == {"moved": 1, "unchanged": 3}
    (world.folder / "old").rename(world.folder / "new")
    assert world.told(world.refresh) == {"moved": 3, "unchanged": 1}
    now = {item.path.name: item.id for item in world.library.items()}
    assert now == {"first.png": ids.pop("0.png"), **ids}, "items keep their ids"
    assert sorted(p.parent.name for p in (i.path for i in world.library.items())) == [
        "new", "new", "new", "pictures"
    ]  # fmt: skip
    check_whole(world.library)


def test_copied(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    shutil.copy(path, world.folder / "b.png")
    shutil.copy(path, world.folder / "c.png")
    assert world.told(world.refresh) == {"copied": 2, "unchanged": 1}
    assert len(world.library.items()) == 3
    assert len({item.content for item in world.library.items()}) == 1
    path.unlink()
    assert world.told(world.refresh) == {"vanished": 1, "unchanged": 2}
    check_whole(world.library)


def test_equal_files_are_encoded_once(world: World) -> None:
    path = world.put("a.png", 1)
    for name in ("b.png", "c.png", "d.png"):
        shutil.copy(path, world.folder / name)
    assert world.told(world.refresh) == {"new": 1, "copied": 3, "encoded": 1}
    check_whole(world.library)


def test_vanished_and_returned(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = content_of(world.library)
    path.rename(world.root / "aside.png")
    assert world.told(world.refresh) == {"vanished": 1, "unchanged": 1}
    assert list(content_of(world.library)) == [str(world.folder / "b.png")]
    assert world.told(world.refresh) == {"unchanged": 1}
    (world.root / "aside.png").rename(path)
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}
    assert content_of(world.library) == before
    check_whole(world.library)


def test_returned_at_another_time_is_found_again(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    before = content_of(world.library)
    path.rename(world.root / "aside.png")
    world.refresh()
    world.library.find_similar(world.folder / "b.png", encoder=ENCODER)  # an index without a.png
    world.at_new_time((world.root / "aside.png").rename(path))
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}
    assert content_of(world.library) == before
    found = world.library.find_similar(world.folder / "b.png", encoder=ENCODER)
    assert [match.item.path for match in found] == [path]


def test_vanished_and_returned_elsewhere(world: World) -> None:
    path = world.put("a.png", 1)
    world.refresh()
    path.rename(world.root / "aside.png")
    world.refresh()
    (world.root / "aside.png").rename(world.folder / "z.png")
    assert world.told(world.refresh) == {"moved": 1}
    check_whole(world.library)


@pytest.mark.parametrize("keep_times", [True, False])
def test_two_files_exchanged(world: World, keep_times: bool) -> None:
    a = world.put("a.png", 1)
    b = world.put("b.png", 2, width=40)
    world.refresh()
    before = content_of(world.library)
    a.rename(world.folder / "x")
    b.rename(a)
    (world.folder / "x").rename(b)
    if not keep_times:
        world.at_new_time(a)
        world.at_new_time(b)
    report, encoded = world.encoded(world.refresh)
    assert encoded == 2, "what a changed file held is never taken for an original"
    assert not report.failed
    after = content_of(world.library)
    assert after[str(a)][3] == before[str(b)][3]
    assert after[str(b)][3] == before[str(a)][3]
    check_whole(world.library)
    assert world.told(world.refresh) == {"unchanged": 2}


def test_a_ring_of_files(world: World) -> None:
    paths = [world.put(f"{seed}.png", seed) for seed in range(6)]
    world.refresh()
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
        world.at_new_time(path)
    world.refresh()
    assert len(world.library.items()) == 6
    same_as_from_scratch(world)


def test_written_over_by_a_move_after_being_copied(world: World) -> None:
    # c is a copy of what a was; a is now what b was
    a, b, c = world.put("a.png", 1), world.put("b.png", 2), world.put("c.png", 3)
    world.refresh()
    shutil.copy(a, c)
    world.at_new_time(c)
    b.rename(a)
    world.refresh()
    same_as_from_scratch(world)


def test_broken_then_healed(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2] + bytes(20))
    world.at_new_time(path)
    assert world.told(world.refresh) == {"failed": 1, "unchanged": 1}
    assert [str(item.path.name) for item in world.library.items()] == ["b.png"]
    assert world.told(world.refresh) == {"failed_before": 1, "unchanged": 1}
    world.at_new_time(path)
    assert world.told(world.refresh) == {"failed_before": 1, "unchanged": 1}
    path.write_bytes(good)
    world.at_new_time(path)
    assert world.told(world.refresh) == {"changed": 1, "unchanged": 1, "encoded": 1}
    check_whole(world.library)


def test_unreadable_files_are_recorded_once_and_retried_only_when_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.folder / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    report = world.refresh()
    assert [name for name, _ in report.failed] == ["pictures/a.png"]
    assert world.library.status().unreadable[0][0] == "pictures/a.png"
    from seeing.flow import refresh

    def never(*_arguments: object) -> None:
        raise AssertionError("an unchanged broken file was read again")

    with monkeypatch.context() as patched:
        patched.setattr(refresh, "_read", never)
        assert world.told(world.refresh) == {"failed_before": 1}
    path.write_bytes(b"GIF89a" + bytes(50))
    world.at_new_time(path)
    assert world.told(world.refresh) == {"failed": 1}, "broken in another way"


def test_many_equal_broken_files_are_tried_once(world: World) -> None:
    for number in range(40):
        (world.folder / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    rounds: list[tuple[int, int]] = []
    report = world.refresh(progress=lambda done, total: rounds.append((done, total)))
    assert len(report.failed) == 40
    assert rounds == [(done, 40) for done in range(1, 41)]
    assert world.told(world.refresh) == {"failed_before": 40}


def test_a_broken_file_that_was_away_is_still_broken(world: World) -> None:
    path = world.folder / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    world.put("b.png", 2)
    world.refresh()
    path.rename(world.root / "aside")
    assert world.told(world.refresh) == {"vanished": 1, "unchanged": 1}
    (world.root / "aside").rename(path)
    assert world.told(world.refresh) == {"failed_before": 1, "unchanged": 1}
    assert [name for name, _ in world.library.status().unreadable] == ["pictures/a.png"]


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


def test_a_link_to_nowhere_has_vanished(world: World) -> None:
    behind = world.draw(world.root / "behind.png", 1)
    (world.folder / "link.png").symlink_to(behind)
    world.refresh()
    behind.unlink()
    assert counts(world.refresh()) == {"vanished": 1}


def test_prune_never_forgets_a_file_that_is_back(world: World) -> None:
    path = world.put("a.png", 1)
    world.put("b.png", 2)
    world.refresh()
    path.rename(world.root / "aside.png")
    world.refresh()
    (world.root / "aside.png").rename(path)
    assert world.library.prune() == 0
    assert world.told(world.refresh) == {"returned": 1, "unchanged": 1}


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


def test_several_encoders_side_by_side(world: World) -> None:
    for seed in range(4):
        world.put(f"{seed}.png", seed)
    world.refresh()
    library = world.library
    assert counts(library.index(world.folder, encoder="colour")) == {"unchanged": 4, "encoded": 4}
    assert counts(library.index(world.folder, encoder="colour")) == {"unchanged": 4}
    assert [e.name for e in library.encoders()] == [ENCODER, "colour"]
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
    assert counts(library.index(world.folder, encoder="colour")) == {"unchanged": 5}
    world.put("new.png", 9)
    world.refresh()
    assert counts(library.index(world.folder, encoder="colour")) == {"encoded": 1, "unchanged": 6}
    library.set_default_encoder("colour")
    assert library.encoders()[0].name == "colour"


def test_a_copy_of_what_another_encoder_knows(world: World) -> None:
    path = world.put("a.png", 1)
    world.library.index(world.folder, encoder="colour")
    shutil.copy(path, world.folder / "b.png")
    world.refresh()
    check_whole(world.library)
    assert len(world.library.items()) == 2
    assert counts(world.library.index(world.folder, encoder="colour")) == {"unchanged": 2}


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
    check_whole(world.library)


def test_progress_counts_to_the_end(world: World) -> None:
    path = world.put("a.png", 1)
    shutil.copy(path, world.folder / "copy.png")
    (world.folder / "broken.png").write_bytes(b"no picture")
    told: list[tuple[int, int]] = []
    world.refresh(progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# --- pruning and forgetting -------------------------------------------------------------------


def sizes(library: Library) -> int:
    return sum(path.stat().st_size for path in (library.folder / "vectors").iterdir())


def test_prune_gives_back_space_and_keeps_the_rest(world: World) -> None:
    for seed in range(10):
        world.put(f"{seed}.png", seed)
    world.refresh()
    full = sizes(world.library)
    for seed in (0, 3, 9):
        (world.folder / f"{seed}.png").unlink()
    world.refresh()
    before = content_of(world.library)
    assert sizes(world.library) == full, "what vanished may come back"
    assert world.library.prune() == 3
    assert sizes(world.library) == full * 7 // 10
    assert content_of(world.library) == before
    assert world.library.prune() == 0
    check_whole(world.library)
    world.put("new.png", 77)
    assert world.told(world.refresh) == {"new": 1, "unchanged": 7, "encoded": 1}
    assert sizes(world.library) == full * 8 // 10
    check_whole(world.library)


def test_forget_a_folder_and_index_it_again(world: World) -> None:
    for seed in range(6):
        world.put(f"{'keep' if seed % 2 else 'drop'}/{seed}.png", seed)
    world.refresh()
    full, before = sizes(world.library), content_of(world.library)
    assert world.library.forget(world.folder / "drop") == 3
    assert sizes(world.library) == full // 2
    assert {Path(name).parent.name for name in content_of(world.library)} == {"keep"}
    check_whole(world.library)
    assert world.told(world.refresh) == {"new": 3, "unchanged": 3, "encoded": 3}
    assert content_of(world.library) == before
    with pytest.raises(UsageError, match="knows nothing at"):
        world.library.forget([world.folder / "keep", world.folder / "nowhere"])
    assert content_of(world.library) == before, "nothing went"


def test_forget_one_of_two_copies(world: World) -> None:
    path = world.put("a.png", 1)
    shutil.copy(path, world.folder / "b.png")
    world.refresh()
    size = sizes(world.library)
    world.library.forget(path)
    assert sizes(world.library) == size, "the copy needs the row"
    assert [item.path.name for item in world.library.items()] == ["b.png"]
    check_whole(world.library)
    world.library.forget(world.folder)
    assert sizes(world.library) == 0
    assert world.library.items() == []


def test_forget_whats_broken_and_whats_gone(world: World) -> None:
    (world.folder / "bad.png").write_bytes(b"no picture")
    gone = world.put("gone.png", 1)
    world.refresh()
    gone.unlink()
    assert world.library.forget([world.folder / "bad.png", gone]) == 1
    assert world.library.status().unreadable == []


# --- where items lie --------------------------------------------------------------------------


def names(items: list[Item]) -> list[str]:
    return sorted(item.path.name for item in items)


def test_items_below(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("a.png", 1)
    world.put("sub/b.png", 2)
    world.put("sub-other/c.png", 3)
    world.put("sub/deep/d.png", 4)
    outside = world.draw(tmp_path / "elsewhere" / "e.png", 5)
    world.refresh(world.folder, outside)
    catalogue = world.library.catalogue

    def below(*paths: str | Path) -> list[str]:
        return names(items_below(catalogue, [Path(p) for p in paths]))

    everything = ["a.png", "b.png", "c.png", "d.png", "e.png"]
    assert below(world.folder / "sub") == ["b.png", "d.png"]
    assert below(f"{world.folder}/sub/") == ["b.png", "d.png"]
    assert below(world.folder / "sub" / "b.png") == ["b.png"]
    assert below(world.folder / "su") == []
    assert below(world.root) == everything[:4]
    assert below(tmp_path) == below("/") == everything
    assert below(outside) == below(outside.parent) == ["e.png"]
    assert below(outside, world.folder / "a.png", outside.parent) == ["a.png", "e.png"]
    monkeypatch.chdir(world.folder / "sub")
    assert below(".") == ["b.png", "d.png"]
    assert below("..") == everything[:4]
    assert below("deep", "../a.png") == ["a.png", "d.png"]


def test_a_library_moved_with_its_pictures_encodes_nothing(world: World) -> None:
    for seed in range(4):
        world.put(f"{seed}.png", seed)
    world.refresh()
    before = {Path(k).name: v for k, v in content_of(world.library).items()}
    world.library.close()
    moved = world.root.rename(world.root.with_name("moved away"))
    with open_library(moved) as library:
        encoded = world.counter.encoded
        report = library.index(moved / "pictures", encoder=ENCODER)
        assert counts(report) == {"unchanged": 4}
        assert world.counter.encoded == encoded
        assert {Path(k).name: v for k, v in content_of(library).items()} == before
        assert all(item.path.is_file() for item in library.items())
        found = library.find_similar(moved / "pictures" / "0.png", encoder=ENCODER)
        assert len(found) == 3
        assert world.counter.encoded == encoded


# --- FITS parts -------------------------------------------------------------------------------


def write_fits(path: Path, *seeds: int) -> Path:
    """Write a FITS file with one image extension for each seed: A, B, C, ..."""
    units: list[Any] = [fits.PrimaryHDU()]
    for seed, name in zip(seeds, "ABC", strict=False):
        sky = np.random.default_rng(seed).random((20, 24), np.float32)
        units.append(fits.ImageHDU(sky, name=name))
    fits.HDUList(units).writeto(path, overwrite=True)
    return path


def addresses(library: Library) -> list[str]:
    return [item.address.path.name + str(item.address)[len(str(item.path)) :] for item in
            library.items()]  # fmt: skip


def test_parts_of_a_fits_file(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    assert world.told(lambda: world.refresh(f"{path}[B]")) == {"new": 1, "encoded": 1}
    assert addresses(world.library) == ["m.fits[B]"]
    assert world.told(lambda: world.refresh(f"{path}[B]")) == {"unchanged": 1}
    assert world.told(lambda: world.refresh(f"{path}[A]")) == {"new": 1, "encoded": 1}
    assert world.told(world.refresh) == {"new": 1, "encoded": 1}, (
        "the file itself was not yet there"
    )
    assert addresses(world.library) == ["m.fits", "m.fits[A]", "m.fits[B]"]
    assert world.told(world.refresh) == {"unchanged": 1}
    found = world.library.find_similar(f"{path}[B]", encoder=ENCODER)
    assert {str(match.item.address) for match in found} == {str(path), f"{path}[A]"}
    check_parts(world)


def test_names_of_one_part_are_one_content(world: World) -> None:
    """`m.fits`, `m.fits[A]` and `m.fits[A,1]` are the same image: none is found by another."""
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    world.put("a.png", 3)
    world.refresh(world.folder, f"{path}[A]", f"{path}[A,1]", f"{path}[B]", f"{path}[2]")
    contents = {str(item.address)[len(str(path)) :]: item.content for item in world.library.items()
                if item.path == path}  # fmt: skip
    assert set(contents) == {"", "[A]", "[A,1]", "[B]", "[2]"}
    assert contents[""] == contents["[A]"] == contents["[A,1]"]
    assert contents["[B]"] == contents["[2]"] != contents[""]
    found = world.library.find_similar(path, encoder=ENCODER)
    assert {str(match.item.address) for match in found} == {
        str(world.folder / "a.png"), f"{path}[B]", f"{path}[2]"
    }  # fmt: skip
    # a name that was never indexed
    unknown = world.library.find_similar(f"{path}[B,1]", encoder=ENCODER)
    assert not {f"{path}[B]", f"{path}[2]"} & {str(match.item.address) for match in unknown}


def test_scores_by_two_parts_of_a_file_are_kept_apart(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    world.put("a.png", 3)
    world.refresh(world.folder)
    by = {
        part: world.library.rank_pictures(reference=f"{path}[{part}]", encoder=ENCODER)
        for part in "AB"
    }
    assert by["A"].scorer != by["B"].scorer
    assert [r.score for r in by["A"]] != [r.score for r in by["B"]]


def check_parts(world: World) -> None:
    ids, _ = world.library.vectors(encoder=ENCODER)
    assert sorted(ids.tolist()) == sorted(item.id for item in world.library.items())


def test_a_file_and_its_parts_in_one_call(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    names = [str(path), f"{path}[A]", f"{path}[B]"]
    world.refresh(*names)
    assert addresses(world.library) == ["m.fits", "m.fits[A]", "m.fits[B]"]
    assert world.told(lambda: world.refresh(*names))["unchanged"] == 3
    check_parts(world)


def test_a_part_of_a_copy(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    world.refresh(path)
    copy = world.folder / "copy.fits"
    shutil.copy(path, copy)
    world.refresh(f"{copy}[B]")
    assert addresses(world.library) == ["copy.fits[B]", "m.fits"]
    check_parts(world)


def test_a_part_that_is_not_there_harms_nothing(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1))
    world.refresh(path)
    report = world.refresh(f"{path}[NOPE]")
    assert [name for name, _ in report.failed] == ["pictures/m.fits[NOPE]"]
    assert addresses(world.library) == ["m.fits"]
    assert world.told(world.refresh) == {"unchanged": 1}
    check_parts(world)


def test_parts_of_a_touched_file(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    world.refresh(path, f"{path}[B]")
    world.at_new_time(path)
    assert world.told(lambda: world.refresh(path, f"{path}[B]", f"{path}[A]"))["encoded"] == 1
    assert addresses(world.library) == ["m.fits", "m.fits[A]", "m.fits[B]"]
    check_parts(world)


# --- against a library made from scratch ------------------------------------------------------


def same_as_from_scratch(world: World) -> None:
    """Compare with a new library over the same files: same paths, digests and vectors."""
    fresh_root = world.root.parent / f"fresh-{world.clock}"
    with open_library(fresh_root / ".q", create=True) as fresh:
        report = fresh.index(world.folder, encoder=ENCODER)
        assert content_of(world.library) == content_of(fresh)
        unreadable = [str(world.root / name) for name, _ in world.library.status().unreadable]
        assert unreadable == sorted(str((fresh_root / n).resolve()) for n, _ in report.failed)
    shutil.rmtree(fresh_root)


class Trouble:
    """Does to a folder what people do to theirs, at random."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.seeds = 0
        self.bin = world.root / "bin"
        self.bin.mkdir()

    def files(self) -> list[Path]:
        return sorted(p for p in self.world.folder.rglob("*.png") if p.is_file())

    def some_file(self) -> Path | None:
        files = self.files()
        return self.random.choice(files) if files else None

    def place(self) -> Path:
        folder = self.random.choice([".", "a", "b", "a/b"])
        name = self.random.choice(["1.png", "2.png", "x y.png", "\N{SNOWMAN}.png"])
        path = self.world.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def step(self) -> str:
        deeds = [self.write, self.write, self.touch, self.move, self.copy, self.swap, self.remove,
                 self.spoil, self.restore, self.rename_folder]  # fmt: skip
        deed = self.random.choice(deeds)
        deed()
        return deed.__name__

    def write(self) -> None:
        # few looks, so that equal contents meet; sizes differ now and then
        seed = self.random.randrange(8)
        self.world.put(str(self.place().relative_to(self.world.folder)), seed, width=24 + seed % 3)

    def touch(self) -> None:
        if path := self.some_file():
            self.world.at_new_time(path)

    def move(self) -> None:
        if path := self.some_file():
            path.replace(self.place())

    def copy(self) -> None:
        path, to = self.some_file(), self.place()
        if path and path != to:
            shutil.copy(path, to)
            self.world.at_new_time(to)

    def swap(self) -> None:
        a, b = self.some_file(), self.some_file()
        if a and b and a != b:
            kept = a.read_bytes()
            b.replace(a)
            b.write_bytes(kept)
            self.world.at_new_time(b)

    def remove(self) -> None:
        if path := self.some_file():
            path.replace(self.bin / path.name)

    def restore(self) -> None:
        binned = sorted(self.bin.iterdir())
        if binned:
            self.random.choice(binned).replace(self.place())

    def spoil(self) -> None:
        if path := self.some_file():
            path.write_bytes(path.read_bytes()[:60])
            self.world.at_new_time(path)

    def rename_folder(self) -> None:
        folder = self.world.folder / self.random.choice(["a", "b"])
        other = self.world.folder / self.random.choice(["c", "d"])
        if folder.is_dir() and not other.exists():
            folder.rename(other)


@pytest.mark.parametrize("seed", range(12))
def test_after_any_sequence_of_changes_as_if_made_from_scratch(world: World, seed: int) -> None:
    trouble = Trouble(world, seed)
    for _ in range(6):
        deeds = [trouble.step() for _ in range(trouble.random.randrange(1, 7))]
        foreseen = world.refresh(dry_run=True)
        done, encoded = world.encoded(world.refresh)
        assert done.encoded == encoded
        same_as_from_scratch(world)
        # what can't be read is not foreseen: without any, the dry run says exactly what happens
        if not done.failed and not done.failed_before:
            assert counts(foreseen) == counts(done), deeds
        assert set(counts(world.refresh())) <= {"unchanged", "failed_before"}
    check_whole(world.library)
    if trouble.random.random() < 0.5:
        world.library.prune()
        same_as_from_scratch(world)
        check_whole(world.library)
