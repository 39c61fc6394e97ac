"""Names and weights: the closest name is offered, and what is said when a hub is out of reach."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seeing.embed.table import make_encoder
from seeing.errors import EncoderError
from seeing.media.picture import Picture
from seeing.networks.hub import unreachable


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("timm:mobilnetv2_100", "did you mean mobilenetv2_100?"),
        ("timm:resnet50.a1_in1", "did you mean a1_in1k?"),
        ("timm:", "names no network; name one as in timm:"),
        ("torchvision:resnet5", "did you mean resnet50?"),
        ("torchvision:resnet50/V3", "there is IMAGENET1K_V1"),
        ("torchvision:fasterrcnn_resnet50_fpn", "torchvision has no network"),
    ],
)
def test_unknown_names_are_told_the_closest(name: str, hint: str) -> None:
    with pytest.raises(EncoderError) as caught:
        make_encoder(name)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


OFFLINE = """
import sys, time
from seeing.embed.table import make_encoder
from seeing.networks.torch_ready import ensure_torchvision
from seeing.errors import EncoderError
ensure_torchvision()
import timm, torchvision
for name in sys.argv[1:]:
    begun = time.perf_counter()
    try:
        make_encoder(name)
    except EncoderError as problem:
        print(problem)
    if time.perf_counter() - begun > 6:
        print(name, "took", time.perf_counter() - begun)
"""


def test_without_a_network_one_line_says_what_would_work(tmp_path: Path) -> None:
    """The hub is a port where nobody listens; the proxy of all other addresses too."""
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path / "hf"),
        "TORCH_HOME": str(tmp_path / "torch"),
    }
    names = ["timm:mobilenetv2_100", "timm:hf_hub:owner/name", "torchvision:vgg16"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OFFLINE, *names],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == len(names), done.stdout
    for name, line in zip(names, lines, strict=True):
        assert line.startswith(f"can't fetch the weights of {name} from http")
        assert "--weights FILE" in line
        assert "builtin" in line


def test_the_user_may_ask_to_stay_offline(tmp_path: Path) -> None:
    code = "from seeing.embed.table import make_encoder; make_encoder('timm:test_vit')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "HF_HUB_OFFLINE is set" in last
    assert "EncoderError" in last


def test_a_host_that_is_not_there_is_told_in_seconds() -> None:
    assert "refused" in unreachable("http://127.0.0.1:9").lower()
    assert unreachable("http://name.invalid")


@pytest.mark.live
@pytest.mark.parametrize(
    "name",
    [
        "timm:mobilenetv2_100",
        "timm:vit_small_patch14_dinov2.lvd142m",
        "timm:vit_base_patch16_224.mae",
        "timm:hf_hub:mwalmsley/zoobot-encoder-convnext_nano",
        "torchvision:resnet18",
        "torchvision:squeezenet1_1/IMAGENET1K_V1",
    ],
)
def test_weights_come_from_their_hub(name: str) -> None:
    encoder = make_encoder(name)
    assert encoder.card.download_mb > 0
    assert encoder.card.weights_path is None
    pictures = np.random.default_rng(0).integers(0, 256, (2, 300, 400, 3), dtype=np.uint8)
    vectors = encoder.encode([encoder.prepare(Picture(one, 255.0, 8)) for one in pictures])
    assert vectors.shape == (2, encoder.dimension)
