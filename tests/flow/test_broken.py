"""Refreshing over broken files: told once, tried again only when changed, healed in place."""

from typing import Any

import pytest

World = Any  # see conftest.py


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
    world.check_whole()


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
