"""`q rank` on videos, called wrongly: one line that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteSer = Callable[..., Path]
Told = tuple[int, str, str]
SIDE = 64


def ranked(out: str) -> list[int]:
    return [row["frame"] for row in json.loads(out)["results"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mars.ser", "small.ser"], "small.ser"),
        (["mars.ser", "still.png"], "apart"),
        (["mars.ser", "missing.ser"], "missing.ser: no such file"),
        (["missing.ser", "--plot", "a.png"], "missing.ser: no such file"),
        (["missing.ser", "--by", "self"], "missing.ser: no such file"),
        (["broken.ser"], "broken.ser"),
        (["mars.ser", "--by", "laplacean"], "laplacian"),
        (["mars.ser", "--compare", "laplacean"], "laplacian"),
        (["mars.ser", "--by", "reference"], "--reference FILE"),
        (["mars.ser", "--by", "dot"], "--reference FILE"),
        (["mars.ser", "--compare", "reference"], "--reference FILE"),
        (["mars.ser", "--by", "pipp-name"], "PIPP"),
        (["mars.ser", "--reference", "missing.png"], "missing.png"),
        (["mars.ser", "--reference", "broken.ser"], "broken.ser"),
        (["mars.ser", "--json", "--paths"], "--"),
        (["mars.ser", "--csv", "no folder/a.csv"], "no folder"),
        (["mars.ser", "--sheet", "a.txt"], "a.txt"),
        (["mars.ser", "--extremes", "a.txt"], "a.txt"),
        (["mars.ser", "--plot", "a.txt"], "a.txt"),
        (["mars.ser", "--plot", "no folder/a.png"], "no folder"),
        (["mars.ser", "--top", "0"], "--top"),
        (["mars.ser", "--best", "0"], "--best"),
        (["mars.ser", "--spread", "0"], "--spread"),
        (["mars.ser", "--kind", "star"], "--kind"),
        (["mars.ser", "--cutoff", "0.9"], "--cutoff"),
        (["mars.ser", "--depth", "17"], "--depth"),
        (["part0.ser", "part1.ser", "--best", "1", "--sheet", "a.png"], "one video at a time"),
        (["still.png", "--best", "1"], "--frames"),
        (["--best", "1"], "name one"),
        (["mars.ser", "--rate", "20"], "--rate does nothing without --spread"),
        (["mars.ser", "--device", "cpu"], "--device does nothing without --by embedding"),
        (["mars.ser", "-0"], "-0 does nothing without --paths or --from"),
        (["still.png", "--reference", "still.png", "--depth", "8"], "nothing without a video"),
    ],
)  # fmt: skip
def test_wrong_calls_are_one_line(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in refused("rank", *arguments)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("simulate x.ser --turn 3 --mirror", "--turn and --mirror do nothing without --reference"),
        ("stack mars.ser --out x.tif --strength 2", "nothing without --sharpened FILE or --sheet"),
        ("export mars.ser --csv x.csv --link", "--link does nothing without --files"),
        ("export mars.ser --ser x.ser --tif", "--tif does nothing without --pictures"),
        ("export mars.ser --seq x.seq --debayer", "without --ser, --siril or --pictures"),
        ("export mars.ser --ser x.ser --siril-version 1.0", "without --siril or --seq"),
        (
            "evaluate ranking x.csv --truth x.csv --percent 5",
            "--percent does nothing without --vid",
        ),
        ("index still.png -0", "-0 does nothing without --from"),
        ("find-similar still.png -0", "-0 does nothing without --paths or --from"),
    ],
)
def test_options_that_change_nothing_are_told(
    refused: Callable[..., str], films: Path, call: str, said: str
) -> None:
    assert said in refused(*call.split())
    assert not list(films.glob("x.*"))


def test_a_config_file_may_say_what_means_nothing_in_a_call(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    (tmp_path / "library" / ".q").mkdir(parents=True)
    config = tmp_path / "library" / ".q" / "config.toml"
    config.write_text('[export]\nsiril-version = "1.0"\n')
    q("export", "mars.ser", "--top", "2", "--ser", tmp_path / "a.ser")
    q("export", "mars.ser", "--top", "2", "--siril", tmp_path / "b.ser")
    assert " 3\n" in (tmp_path / "b.seq").read_text().splitlines(keepends=True)[1]


def test_parts_in_the_wrong_order_are_told(q: Callable[..., Told]) -> None:
    status, _, err = q("rank", "part1.ser", "part0.ser", status=None)
    assert status == 2 or "order" in err, err


def test_a_reference_of_another_object_is_told_and_not_used(
    q: Callable[..., Told], tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (99, 99), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    _, out, err = q("rank", "mars.ser", "--reference", tmp_path / "noise.png", "--json")
    assert "does not show this object" in err
    document = json.loads(out)
    assert document["registration"]["verdict"] == "wrong"
    assert document["scorer"].startswith("self@")
    assert ranked(out) == ranked(q("rank", "mars.ser", "--json")[1])
