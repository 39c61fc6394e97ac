"""Sequences for Siril: both forms written and read, and what Siril makes of ours."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from seeing.errors import PictureError, ShapeError, UsageError
from seeing.samples.night import Night, Truth, simulated
from seeing.stack.siril import Form, read_sequence, sequence, sequence_text, write_sequence
from seeing.stack.siril_export import export_selection, export_siril, unseen_by_siril
from seeing.stack.stack import Chosen, stack
from seeing.video.base import Video
from seeing.video.open import open_video
from seeing.video.ser_write import SerWriter, make_header

FORMS: tuple[Form, Form] = ("1.0", "1.4")


def test_what_is_written() -> None:
    """Content 3 to the right and 2 below the reference, in both forms (the notes, section 3)."""
    told = sequence(
        "my mars", np.array([0, 2.0, np.nan]), np.array([0, 3.0, 0]), np.array([5, 4, 9])
    )
    head = "#Siril sequence file, written by seeing: selection, shifts and quality of its ranking\n"
    assert sequence_text(told, "1.0") == head + (
        "S 'my mars' 0 3 2 5 0 3\nTS\nL 1\nI 0 1\nI 1 1\nI 2 0\n"
        "R0 0 0 0 0 0 1\nR0 -3 2 0 0 0 0\nR0 0 0 0 0 0 1\n"
    )
    assert sequence_text(told, "1.4") == head + (
        "S 'my mars' 0 3 2 5 0 7 0 0 0\nTS\nL 1\nI 0 1\nI 1 1\nI 2 0\n"
        "R0 0 0 0 1 0 0 H 1 0 0 0 1 0 0 0 1\nR0 0 0 0 0 0 0 H 1 0 -3 0 1 -2 0 0 1\n"
        "R0 0 0 0 1 0 0 H 0 0 0 0 0 0 0 0 0\n"
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("layers", "mosaic"), [(1, False), (3, False), (1, True)])
def test_both_forms_are_read_again(tmp_path: Path, form: Form, layers: int, mosaic: bool) -> None:
    random = np.random.default_rng(1)
    dy, dx, scores = random.normal(0, 300, (3, 40))
    use = random.random(40) < 0.5
    told = sequence(
        "a name with blanks", dy, dx, scores, included=use, layers=layers, mosaic=mosaic
    )
    assert told.included[told.reference]
    assert (scores[told.reference], told.quality[told.reference]) == (scores[use].max(), 1)
    path = tmp_path / "a.seq"
    write_sequence(path, told, form)
    again = read_sequence(path)
    for name in ("name", "reference", "layers", "single", "mosaic"):
        assert getattr(again, name) == getattr(told, name), name
    np.testing.assert_array_equal(again.included, use)
    np.testing.assert_allclose(again.dy, dy - dy[told.reference], atol=1e-5)
    np.testing.assert_allclose(again.dx, dx - dx[told.reference], atol=1e-5)
    np.testing.assert_allclose(again.quality, told.quality, atol=1e-8)
    with pytest.raises(UsageError, match="there already"):
        write_sequence(path, told, form)
    write_sequence(path, told, form, force=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.seq"]


def test_what_others_write_is_read(tmp_path: Path) -> None:
    """As Siril 1.0.6 and 1.4 write it, with statistics, and lines that mean nothing to us."""
    path = tmp_path / "a.seq"
    old = (
        "#Siril sequence file. Contains list of images, selection, and statistics\n"
        "#S 'sequence_name' start_index nb_images nb_selected fixed_len reference_image version\n"
        "S 'mars' 0 2 1 5 1 3\nTS\nL 1\nI 0 1\nI 1 0\nR0 -1.5 2 3.1 3.2 0.9 0.7\nR0 0 0 0 0 0 -1\n"
        "M0-0 9216 9216 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0 1 1 0.1\n"
    )
    path.write_text(old)
    found = read_sequence(path)
    assert (found.name, found.reference, found.included.tolist()) == ("mars", 1, [True, False])
    np.testing.assert_array_equal(found.dy, [2, 0])
    np.testing.assert_array_equal(found.dx, [1.5, 0])
    np.testing.assert_array_equal(found.quality, [0.7, np.nan])
    path.write_text(
        "S 'a' 1 2 2 5 0 6 1 0 0\nL 3\nI 1 1 96,96\nI 2 1 96,96\nQ\n"
        "R1 2 2 1 0.5 0 12 H 1 0 4 0 1 -5 0 0 1\nR1 2 2 1 0.5 0 12 H 0.9 0.1 4 -0.1 1 5 0 0 1\n"
    )
    found = read_sequence(path)
    assert found.numbers is not None
    assert (found.single, found.layers, found.numbers.tolist()) == ("", 3, [1, 2])
    np.testing.assert_array_equal(found.dy, [5, np.nan])
    np.testing.assert_array_equal(found.dx, [-4, np.nan])


@pytest.mark.parametrize(
    "text",
    ["", "hello", "S 'a'\n", "S 'a' 0 2 1 5 1 3\nI 0 1\n", "S 'a' 0 x 1 5 1 3\n", "S 'a' b\nI\n",
     "S 'a' 0 1 1 5 0 3\nI 0 1\nR0 1\n", "S 'a' 0 1 1 5 0 1\nI 0 1\nR0 1 2 3 4 5\n",
     "S 'a' 0 2 1 5 0 3\nI 0 1\nI 1 1\nR0 1 2 3 4 5 6\n"],
)  # fmt: skip
def test_what_is_no_sequence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.seq"
    path.write_text(text)
    with pytest.raises(PictureError, match="no sequence"):
        read_sequence(path)
    with pytest.raises(PictureError, match="No such file"):
        read_sequence(tmp_path / "b.seq")


def test_names_and_scores_that_do_not_fit() -> None:
    nothing = np.zeros(3)
    for name in ("", "a'b", "a\nb"):
        with pytest.raises(UsageError, match="name"):
            sequence_text(sequence(name, nothing, nothing, nothing), "1.0")
    alike = sequence("a", nothing, nothing, nothing)
    assert (alike.reference, alike.quality.tolist()) == (0, [1, 1, 1])
    unknown = sequence("a", nothing, nothing, np.full(3, np.nan))
    assert unknown.reference == 0
    assert " -1\n" in sequence_text(unknown, "1.0")
    with pytest.raises(ShapeError):
        sequence("a", nothing, nothing[:1], nothing)
    with pytest.raises(ShapeError):
        sequence_text(replace(alike, dx=nothing[:1]), "1.0")


# --- Siril itself -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def siril() -> str:
    found = shutil.which("siril-cli")
    if found is None:
        pytest.skip("needs Siril: apt-get install siril")
    told = subprocess.run([found, "--version"], capture_output=True, check=False, text=True).stdout
    if not told.startswith(("siril 1.0", "siril 1.2")):
        pytest.skip(f"the form of version 3 is for Siril 1.0 and 1.2, here is {told.strip()}")
    return found


def stacked_by(siril: str, name: str, home: Path) -> NDArray[np.float64]:
    """Return Siril's own stack (h, w, planes) of what is included, on the file's scale."""
    out = home / "out.fit"
    out.unlink(missing_ok=True)
    (home / "run.ssf").write_text(
        "requires 1.0.0\nsetext fit\nset32bits\n"
        f'stack "{name}" mean none -nonorm -filter-incl -out=out\nclose\n'
    )
    done = subprocess.run(
        [siril, "-d", str(home), "-s", str(home / "run.ssf")],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, capture_output=True, check=False,
        text=True, timeout=120,
    )  # fmt: skip
    assert out.is_file(), done.stdout[-1500:]
    pixels = np.asarray(fits.getdata(out), np.float64) * 65535
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    return np.moveaxis(pixels, 0, -1)[::-1]


def width(picture: NDArray[Any]) -> float:
    """Pixels over which the limb falls: the range of levels by the steepest slopes (1 %)."""
    down, across = np.gradient(picture)
    return float(np.ptp(picture) / np.quantile(np.hypot(down, across), 0.99))


def correlation(one: NDArray[Any], two: NDArray[Any]) -> float:
    middle = np.s_[14:-14, 14:-14]
    return float(np.corrcoef(one[middle].ravel(), two[middle].ravel())[0, 1])


def grey(picture: NDArray[Any]) -> NDArray[Any]:
    """The mean of 2 x 2, in which a mosaic shows no colours."""
    rows = picture[0::2] + picture[1::2]
    return np.asarray((rows[:, 0::2] + rows[:, 1::2]) / 4)


def taken(path: Path, kind: str) -> Truth:
    night = Night(
        "giant", 60, 96, seeing=4.0, drift=1.2, seed=4, colour=kind == "colour",
        bayer="RGGB" if kind == "mosaic" else None,
    )  # fmt: skip
    frames, truth = simulated(night)
    header = make_header(96, 96, planes=3 if kind == "colour" else 1, pattern=night.bayer)
    with SerWriter(path, header) as writer:
        writer.write(frames)
    return truth


def ours(video: Video, chosen: NDArray[np.int64], truth: Truth) -> NDArray[Any]:
    """Our stack on the best frame's place, as Siril's lies on its reference."""
    dy, dx = (shift[chosen] - shift[chosen[0]] for shift in (truth.shift_y, truth.shift_x))
    return stack(video, Chosen(chosen, dy, dx)).picture


@pytest.mark.parametrize("kind", ["grey", "colour", "mosaic"])
def test_siril_stacks_our_choice_by_our_shifts(siril: str, tmp_path: Path, kind: str) -> None:
    """Not registered again. Siril 1.0 moves by whole pixels: as good, but not as sharp as ours.

    The same file without shifts is stacked too: had Siril ignored ours, the test would see it.
    """
    truth = taken(tmp_path / "night of mars.ser", kind)
    order = np.argsort(-truth.fidelity, kind="stable")[:25]
    with open_video(tmp_path / "night of mars.ser") as video:
        expected = ours(video, order, truth)
        columns = (truth.shift_y[order], truth.shift_x[order], truth.fidelity[order])
        listed = export_selection(video, order, *columns, form="1.0")
        found = stacked_by(siril, listed.stem, tmp_path)
        still = np.zeros(len(order))
        export_selection(video, order, still, still, columns[2], form="1.0", force=True)
        ignored = stacked_by(siril, listed.stem, tmp_path)
    assert found.shape[2] == (3 if kind == "colour" else 1)
    pictures = [expected.mean(2), found.mean(2), ignored.mean(2)]
    if kind == "mosaic":
        pictures = [grey(picture) for picture in pictures]
    right, theirs, wrong = pictures
    assert correlation(right, theirs) > 0.9995
    assert correlation(right, wrong) < 0.995
    # measured: peaks 185.9 and 185.5, unaligned 166.4; widths 10.8 and 11.0, unaligned 15.4
    assert theirs.max() == pytest.approx(right.max(), rel=0.01)
    assert wrong.max() < 0.94 * right.max()
    assert width(theirs) == pytest.approx(width(right), rel=0.04)
    assert width(wrong) > 1.15 * width(right)


@pytest.mark.parametrize(
    "listed", ["other.seq", "there/night.seq", pytest.param("night.seq", id="upper case")]
)
def test_siril_finds_the_video_where_it_is_told_to_be(
    siril: str, tmp_path: Path, listed: str
) -> None:
    """A .seq elsewhere, or of another name, works once the command that is told was run."""
    (tmp_path / "there").mkdir()
    film = tmp_path / ("night.SER" if listed == "night.seq" else "night.ser")
    truth = taken(film, "grey")
    order = np.argsort(-truth.fidelity, kind="stable")[:20]
    with open_video(film) as video:
        columns = (truth.shift_y[order], truth.shift_x[order], truth.fidelity[order])
        made = export_selection(video, order, *columns, form="1.0", path=tmp_path / listed)
        said = unseen_by_siril(video, made)
        with pytest.raises(AssertionError, match="failed"):
            stacked_by(siril, made.stem, made.parent)
        command = said.partition("as by ")[2]
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
        assert unseen_by_siril(video, made) == ""
        found = stacked_by(siril, made.stem, made.parent)
        expected = ours(video, order, truth)
    assert correlation(expected.mean(2), found.mean(2)) > 0.9995


def test_another_video_is_not_stacked_by_our_choice(tmp_path: Path) -> None:
    taken(tmp_path / "night.ser", "grey")
    (tmp_path / "other.ser").write_bytes(b"another")
    with open_video(tmp_path / "night.ser") as video, pytest.raises(UsageError) as refused:
        export_selection(
            video, np.arange(3), *np.zeros((3, 3)), form="1.4", path=tmp_path / "other.seq"
        )
    assert "other.ser beside it, which is another video than night.ser" in str(refused.value)


def test_siril_takes_an_exported_ser(siril: str, tmp_path: Path) -> None:
    """Chosen frames, best first, in a SER of their own, debayered; every one is included."""
    truth = taken(tmp_path / "a.ser", "mosaic")
    order = np.argsort(-truth.fidelity, kind="stable")[:20]
    with open_video(tmp_path / "a.ser") as video:
        expected = ours(video, order, truth)
        path, listed = export_siril(
            video, order, truth.shift_y[order], truth.shift_x[order], truth.fidelity[order],
            tmp_path / "the best.ser", form="1.0", debayer=True,
        )  # fmt: skip
    told = read_sequence(listed)
    assert (told.reference, int(told.included.sum()), len(told)) == (0, 20, 20)
    found = stacked_by(siril, path.stem, tmp_path)
    for plane in range(3):
        assert correlation(expected[..., plane], found[..., plane]) > 0.998, plane


def test_siril_1_0_does_not_align_by_the_later_form(siril: str, tmp_path: Path) -> None:
    """Why the form has to be said: no error, and an unaligned stack."""
    truth = taken(tmp_path / "a.ser", "grey")
    order = np.argsort(-truth.fidelity, kind="stable")[:25]
    with open_video(tmp_path / "a.ser") as video:
        expected = ours(video, order, truth)
        columns = (truth.shift_y[order], truth.shift_x[order], truth.fidelity[order])
        export_selection(video, order, *columns, form="1.4")
    found = stacked_by(siril, "a", tmp_path)
    assert correlation(expected[..., 0], found[..., 0]) < 0.997
