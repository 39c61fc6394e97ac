"""Our one-pass preparation against the libraries' own transforms, on real photos and odd sizes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seeing.media.picture import Picture
from seeing.media.read import read
from seeing.networks.fit import Fit
from seeing.networks.torch_ready import ensure_torchvision

ensure_torchvision()

SIZES = [(180, 240), (240, 180), (224, 224), (37, 500), (500, 31), (1000, 801), (224, 400), (5, 7)]
SHRUNK, ENLARGED = 2.01, 3.01
"""Of 255, at most. torch's filters of bytes have weights of their own precision; Pillow keeps a
box in single precision, so that a value between two may round the other way, and the second of
its two passes enlarges that where a picture is enlarged."""

TIMM = {
    "center": "mobilenetv2_100",
    "center, not cut": "vit_base_patch16_clip_224.openai",
    "bilinear": "resnet18.a1_in1k",
    "squash": "vit_base_patch16_siglip_224.webli",
    "border": "samvit_base_patch16.sa1b",
    "border, small": "samvit_base_patch16_224",
    "518": "vit_small_patch14_dinov2.lvd142m",
    "b7": "tf_efficientnet_b7.ns_jft_in1k",
    "oblong": "vit_base_patch16_sapiens2.fb",
}


def picture_of(height: int, width: int, channels: int = 3) -> Picture:
    rng = np.random.default_rng(height * 7919 + width)
    small = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR)
    samples = np.asarray(image)
    if channels == 1:
        samples = samples[..., :1]
    return Picture(np.ascontiguousarray(samples), 255.0, 8)


def scaled_back(tensor: torch.Tensor, fit: Fit) -> np.ndarray:
    """Undo mean and sd of a library's transform: (height, width, 3) in 0..255."""
    pixels: np.ndarray = tensor.permute(1, 2, 0).numpy() * np.array(fit.sd) + np.array(fit.mean)
    return pixels * 255


def compare(fit: Fit, transform: object, pictures: list[Picture]) -> None:
    for picture in pictures:
        image = Image.fromarray(picture.samples)
        theirs = scaled_back(transform(image), fit)  # type: ignore[operator]
        ours = fit(picture)
        assert ours.shape == theirs.shape == (*fit.size, 3)
        assert ours.dtype == np.uint8
        off = np.abs(ours - theirs)
        shrunk = fit.resized(picture.height, picture.width) <= (picture.height, picture.width)
        told = f"{off.max():.2f} of 255, {off.mean():.4f} in the mean, at {picture.samples.shape}"
        assert off.max() < (SHRUNK if shrunk else ENLARGED), told
        assert off.mean() < 0.25, told


@pytest.mark.parametrize("kind", TIMM)
def test_equals_timms_transform(kind: str) -> None:
    import timm
    from timm.data import create_transform, resolve_data_config

    from seeing.networks.timm_encoder import fit_of

    configuration = timm.get_pretrained_cfg(TIMM[kind]).to_dict()
    fit = fit_of(configuration)
    config = resolve_data_config(pretrained_cfg=configuration)
    compare(fit, create_transform(**config, is_training=False), [picture_of(*s) for s in SIZES])


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [224, (256, 192)])
def test_equals_open_clips_transform(
    mode: str, interpolation: str, size: int | tuple[int, int]
) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    from seeing.networks.clip_encoder import fit_of

    told = PreprocessCfg(size=size, interpolation=interpolation, resize_mode=mode, fill_color=90)
    fit = fit_of(
        {
            "size": size,
            "mean": told.mean,
            "std": told.std,
            "interpolation": interpolation,
            "resize_mode": mode,
            "fill_color": 90,
        }
    )
    compare(fit, image_transform_v2(told, is_train=False), [picture_of(*s) for s in SIZES])


@pytest.mark.parametrize("name", ["vgg16", "efficientnet_b0", "inception_v3", "mobilenet_v2"])
def test_equals_torchvisions_transform(name: str) -> None:
    from torchvision import models

    from seeing.networks.torchvision_encoder import fit_of

    weights = models.get_model_weights(name).DEFAULT
    compare(fit_of(weights), weights.transforms(), [picture_of(*s) for s in SIZES])


def test_equals_timms_transform_on_photos(seeing_data: Path) -> None:
    import timm
    from timm.data import create_transform, resolve_data_config

    from seeing.networks.timm_encoder import fit_of

    configuration = timm.get_pretrained_cfg("mobilenetv2_100").to_dict()
    config = resolve_data_config(pretrained_cfg=configuration)
    photos = sorted((seeing_data / "data" / "photos").glob("*.jpg"))[:8]
    compare(fit_of(configuration), create_transform(**config), [read(path) for path in photos])


def test_grey_is_as_three_equal_channels() -> None:
    fit = Fit((64, 64), (73, 73))
    grey = picture_of(90, 130, channels=1)
    colour = Picture(grey.samples.repeat(3, axis=2), 255.0, 8)
    assert np.array_equal(fit(grey), fit(colour))


def test_deep_pictures_are_resized_without_rounding() -> None:
    fit = Fit((64, 64), (73, 73))
    shallow = picture_of(90, 130)
    deep = Picture(shallow.samples.astype(np.uint16) * 257, 65535.0, 16)
    ours = fit(deep)
    assert ours.dtype == np.float32
    assert np.abs(ours - fit(shallow)).max() < 1.5
    assert ours.min() >= 0
    assert ours.max() <= 255
    assert np.abs(ours - np.round(ours)).max() > 0.2, "cut to 8 bits after all"


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    extra=st.integers(0, 9),
    resize=st.sampled_from(["shorter", "longer", "squash"]),
    rounding=st.sampled_from(["down", "nearest"]),
    channels=st.sampled_from([1, 3]),
)
def test_any_size_gives_the_size_asked(
    height: int,
    width: int,
    size: tuple[int, int],
    extra: int,
    resize: str,
    rounding: str,
    channels: int,
) -> None:
    fit = Fit(size, (size[0] + extra, size[1] + extra), resize, rounding)  # type: ignore[arg-type]
    assert fit(picture_of(height, width, channels)).shape == (*size, 3)


def test_told_as_json_it_names_everything() -> None:
    fit = Fit((64, 64), (73, 73), mean=(0.5, 0.5, 0.5), fill=(1, 2, 3))
    told = fit.as_json()
    assert json.loads(json.dumps(told)) == told
    assert set(told) == {*Fit.__slots__, "reads_at"}
