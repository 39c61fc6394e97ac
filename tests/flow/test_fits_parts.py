"""Parts of a FITS file: indexed alone or together, copied, touched, and known by any name."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from seeing.library import Library

World = Any  # see conftest.py


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


def check_parts(world: World) -> None:
    ids, _ = world.library.vectors(encoder=world.encoder)
    assert sorted(ids.tolist()) == sorted(item.id for item in world.library.items())


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
    found = world.library.find_similar(f"{path}[B]", encoder=world.encoder)
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
    found = world.library.find_similar(path, encoder=world.encoder)
    assert {str(match.item.address) for match in found} == {
        str(world.folder / "a.png"), f"{path}[B]", f"{path}[2]"
    }  # fmt: skip
    # a name that was never indexed
    unknown = world.library.find_similar(f"{path}[B,1]", encoder=world.encoder)
    assert not {f"{path}[B]", f"{path}[2]"} & {str(match.item.address) for match in unknown}


def test_scores_by_two_parts_of_a_file_are_kept_apart(world: World) -> None:
    path = world.at_new_time(write_fits(world.folder / "m.fits", 1, 2))
    world.put("a.png", 3)
    world.refresh(world.folder)
    by = {
        part: world.library.rank_pictures(reference=f"{path}[{part}]", encoder=world.encoder)
        for part in "AB"
    }
    assert by["A"].scorer != by["B"].scorer
    assert [r.score for r in by["A"]] != [r.score for r in by["B"]]


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
