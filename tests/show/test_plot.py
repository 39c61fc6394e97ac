"""Plots show what they are given, in three formats, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import ShapeError, UsageError
from seeing.show.plot import check_plot_path, plot_agreement, plot_bars, plot_ranking

BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def ranking(path: Path, count: int = 120, **other: object) -> Path:
    rng = np.random.default_rng(0)
    scores = np.exp(rng.normal(0, 0.5, count)) * 1e-6
    flagged = np.zeros(count, bool)
    flagged[5:50:15] = True
    given = {"flagged": flagged, "advised": 20, "half": 12, "title": "mars.ser"} | other
    given = {"scores": scores, "frames": np.arange(count)} | given
    plot_ranking(path, **given)  # type: ignore[arg-type]
    return path


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def near(image: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Which pixels have about this colour."""
    away = np.abs(np.asarray(image).astype(int) - colour)
    return np.asarray((away < 12).all(axis=2))


def text_of(svg: Path) -> str:
    """The words of an SVG: matplotlib tells each in a comment beside its outlines."""
    return svg.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_every_format_is_what_its_name_says(tmp_path: Path, suffix: str) -> None:
    heads = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    path = tmp_path / f"a{suffix}"
    ranking(path)
    plot_agreement(tmp_path / f"b{suffix}", [1, 2, 3], [2, 1, 3], names=("a", "b"), spearman=0.5)  # type: ignore[arg-type]
    plot_bars(tmp_path / f"c{suffix}", [("pipp", 0.9, 0.8, 0.95)], label="Spearman")
    for file in sorted(tmp_path.iterdir()):
        assert file.read_bytes().startswith(heads[suffix.lower()]), file


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_plot_is_the_same_file(tmp_path: Path, suffix: str) -> None:
    one, other = (ranking(tmp_path / f"{name}{suffix}") for name in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_a_ranking_shows_frames_flags_and_advice(tmp_path: Path) -> None:
    image = opened(ranking(tmp_path / "a.png"))
    assert 1200 <= image.width <= 2000, "readable at half the size"
    assert near(image, (255, 255, 255)).mean() > 0.6, "dark on white"
    assert near(image, BLUE).sum() > 1500
    assert near(image, ORANGE).sum() > 300
    said = text_of(ranking(tmp_path / "a.svg"))
    for words in ("mars.ser", "score", "frame", "frames, best first", "flagged (3)",
                  "advised: best 20 (17 %)", "half-fall: 12 frames"):  # fmt: skip
        assert f"<!-- {words} -->" in said, words


def test_times_are_told_in_their_unit(tmp_path: Path) -> None:
    start = np.datetime64("2026-03-20T21:00:00", "us")
    short = start + np.arange(120) * np.timedelta64(10_000, "us")
    said = text_of(ranking(tmp_path / "a.svg", times=short))
    assert "<!-- seconds from the first frame -->" in said
    long = start + np.arange(120) * np.timedelta64(60_000_000, "us")
    said = text_of(ranking(tmp_path / "b.svg", times=long))
    assert "<!-- minutes from the first frame -->" in said
    gaps = short.copy()
    gaps[3] = np.datetime64("NaT")
    assert "<!-- frame -->" in text_of(ranking(tmp_path / "c.svg", times=gaps))


def test_flagged_frames_do_not_squeeze_the_others(tmp_path: Path) -> None:
    scores = np.linspace(1, 2, 120)
    wild = scores.copy()
    wild[5] = 1e9
    spread = []
    for name, given in (("a.png", scores), ("b.png", wild)):
        pixels = np.asarray(opened(ranking(tmp_path / name, scores=given))).astype(int)
        bluish = pixels[..., 2] - pixels[..., 0] > 60
        spread.append(np.ptp(np.flatnonzero(bluish[:, 150:900].any(axis=1))))
    assert spread[0] == spread[1] > 300


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_any_number_of_frames(tmp_path: Path, count: int) -> None:
    none = np.zeros(count, bool)
    ranking(tmp_path / "a.png", count, flagged=none, advised=0, half=0)
    ranking(tmp_path / "b.png", count, flagged=~none, advised=count, half=count)
    ranking(tmp_path / "c.png", count, flagged=none, scores=np.full(count, np.nan))
    ranking(tmp_path / "d.png", count, flagged=none, scores=np.ones(count))
    places = np.arange(1, count + 1)
    plot_agreement(tmp_path / "e.png", places, places, names=("a", "b"), spearman=1.0)
    plot_bars(tmp_path / "f.png", [("a", 0.5, None, None)] * min(count, 9), label="x")


def test_many_frames_do_not_make_a_huge_file(tmp_path: Path) -> None:
    path = ranking(tmp_path / "a.svg", 50_000, flagged=np.zeros(50_000, bool))
    assert path.stat().st_size < 4_000_000


def test_agreement_names_both_and_their_correlation(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    rng = np.random.default_rng(1)
    places = [rng.permutation(90) + 1 for _ in range(2)]
    plot_agreement(path, *places, names=("self", "fidelity"), spearman=-0.0312, title="v.csv")
    said = text_of(path)
    for words in ("rank by self", "rank by fidelity", "Spearman -0.031", "v.csv"):
        assert f"<!-- {words} -->" in said or f"{words}\n" in said or words in said, words


def test_bars_show_names_and_figures(tmp_path: Path) -> None:
    bars = [("pipp", 0.912, 0.85, 0.95), ("x" * 80, 0.999, None, None)]
    plot_bars(tmp_path / "a.svg", bars, label="Spearman", title="three nights")
    said = text_of(tmp_path / "a.svg")
    for words in ("pipp", "0.912", "0.999", "Spearman", "three nights"):
        assert f"<!-- {words} -->" in said, words
    assert "x" * 80 not in said
    assert "…" in said


@pytest.mark.parametrize("title", ["a $5 $ b", r"\frac{", "x" * 500, "a\nb\x00c", "火星", "%d {0}"])
def test_any_title_is_only_text(tmp_path: Path, title: str) -> None:
    ranking(tmp_path / "a.png", title=title)
    plot_bars(tmp_path / "b.png", [(title, 0.5, 0.4, 0.6)], label=title, title=title)


@pytest.mark.parametrize("name", ["a.gif", "a", "no/a.png", "folder.png"])
def test_a_path_that_can_not_be_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError):
        check_plot_path(tmp_path / name)
    with pytest.raises(UsageError):
        ranking(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_plot_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    path = ranking(tmp_path / "a.png")
    before = path.read_bytes()

    def full(self: Figure, file: object, **options: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(UsageError, match="No space left"):
        ranking(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_what_does_not_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError):
        ranking(tmp_path / "a.png", flagged=np.zeros(3, bool))
    with pytest.raises(ShapeError):
        ranking(tmp_path / "a.png", times=np.zeros(3))
