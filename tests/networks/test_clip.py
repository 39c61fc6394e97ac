"""CLIP: pictures and text in one space, names, and open_clip's own arithmetic as the measure."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from seeing.embed.encoder import EncoderOptions, TextEncoder
from seeing.embed.table import make_encoder
from seeing.errors import EncoderError
from seeing.media.picture import Picture
from seeing.networks.torch_ready import ensure_torchvision, quiet

ensure_torchvision()

TEXTS = ["a spiral galaxy", "the moon over a lake", "", "naïve café ☕ 漢字", "word " * 400]


@pytest.fixture(scope="module")
def clip(tiny_clip: Path) -> TextEncoder:
    encoder = make_encoder(f"clip:local-dir:{tiny_clip}", EncoderOptions(device="cpu"))
    assert isinstance(encoder, TextEncoder)
    return encoder


def test_agrees_with_open_clip_itself(
    clip: TextEncoder, tiny_clip: Path, pictures: list[Picture]
) -> None:
    import open_clip

    with quiet():
        network, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tiny_clip}")
        tokenizer = open_clip.get_tokenizer(f"local-dir:{tiny_clip}")
    with torch.inference_mode():
        images = torch.stack([transform(Image.fromarray(one.samples)) for one in pictures[:5]])
        theirs = network.eval().encode_image(images, normalize=True).numpy()
        texts = network.encode_text(tokenizer(TEXTS), normalize=True).numpy()
    ours = clip.encode([clip.prepare(picture) for picture in pictures[:5]])
    assert (ours * theirs).sum(axis=1).min() > 0.9999
    assert np.abs(clip.encode_text(TEXTS) - texts).max() < 1e-5


def test_text_gives_unit_rows_of_the_same_dimension(clip: TextEncoder) -> None:
    vectors = clip.encode_text(TEXTS)
    assert vectors.shape == (len(TEXTS), clip.dimension)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    assert clip.encode_text([]).shape == (0, clip.dimension)


def test_a_text_has_one_vector_whatever_stands_beside_it(clip: TextEncoder) -> None:
    together = clip.encode_text(TEXTS)
    alone = np.concatenate([clip.encode_text([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-3


def test_bf16_reads_text_too(clip: TextEncoder, tiny_clip: Path) -> None:
    options = EncoderOptions(device="cpu", arithmetic="bf16")
    other = make_encoder(f"clip:local-dir:{tiny_clip}", options)
    assert isinstance(other, TextEncoder)
    assert (other.encode_text(TEXTS) * clip.encode_text(TEXTS)).sum(axis=1).min() > 0.99


def test_identity_survives_moving_the_folder(
    clip: TextEncoder, tiny_clip: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "a new place" / tiny_clip.name
    shutil.copytree(tiny_clip, moved)
    assert make_encoder(f"clip:local-dir:{moved}").identity == clip.identity


def test_weights_may_lie_elsewhere_and_bear_prefixes(
    clip: TextEncoder, tiny_clip: Path, tmp_path: Path
) -> None:
    weights = load_file(tiny_clip / "open_clip_model.safetensors")
    del weights["logit_scale"]
    nested = {"epoch": 1, "state_dict": {f"module.{name}": t for name, t in weights.items()}}
    torch.save(nested, tmp_path / "epoch_1.pt")
    options = EncoderOptions(tmp_path / "epoch_1.pt")
    other = make_encoder(f"clip:local-dir:{tiny_clip}", options)
    assert other.card.weights_path == str(tmp_path / "epoch_1.pt")
    assert isinstance(other, TextEncoder)
    assert np.array_equal(other.encode_text(TEXTS), clip.encode_text(TEXTS))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("clip:ViT-B32/openai", "did you mean ViT-B-32?"),
        ("clip:ViT-B-32/opnai", "did you mean openai?"),
        ("clip:ViT-B-32", "such as clip:ViT-B-32/openai"),
        ("clip:local-dir:/nowhere/at/all", "no open_clip_config.json"),
        ("clip:", "names no network; name one as in clip:"),
    ],
)
def test_unknown_names_are_told_the_closest(name: str, hint: str) -> None:
    with pytest.raises(EncoderError) as caught:
        make_encoder(name)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_weights_or_with_rubbish_is_told_in_one_line(
    tiny_clip: Path, tmp_path: Path
) -> None:
    shutil.copy(tiny_clip / "open_clip_config.json", tmp_path)
    with pytest.raises(EncoderError, match="no weights in"):
        make_encoder(f"clip:local-dir:{tmp_path}")
    for rubbish in ("", "{", "[]", '{"model_cfg": {}}', '{"model_cfg": {"embed_dim": "x"}}'):
        (tmp_path / "open_clip_config.json").write_text(rubbish)
        shutil.copy(tiny_clip / "open_clip_model.safetensors", tmp_path)
        with pytest.raises(EncoderError) as caught:
            make_encoder(f"clip:local-dir:{tmp_path}")
        assert "\n" not in str(caught.value)


def test_weights_of_another_network_do_not_fit(tiny_clip: Path, tmp_path: Path) -> None:
    save_file({"visual.proj": torch.ones(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(EncoderError, match="do not fit"):
        make_encoder(f"clip:local-dir:{tiny_clip}", EncoderOptions(tmp_path / "other.safetensors"))


@pytest.mark.slow
def test_openais_networks_get_their_own_activation(tmp_path: Path) -> None:
    """OpenAI's weights were trained with QuickGELU; open_clip only warns where it is forgotten."""
    import open_clip

    with quiet():
        network: Any = open_clip.create_model("ViT-B-32", force_quick_gelu=True)
    path = tmp_path / "weights.safetensors"
    save_file(dict(network.state_dict()), path)
    encoder: Any = make_encoder("clip:ViT-B-32/openai", EncoderOptions(path, device="cpu"))
    kinds = {type(module).__name__ for module in encoder.network.module.modules()}
    assert "QuickGELU" in kinds
    assert "GELU" not in kinds
    assert encoder.dimension == 512
    assert json.dumps(encoder.card.preparation["size"]) == "[224, 224]"


@pytest.mark.live
@pytest.mark.parametrize("name", ["clip:ViT-B-32/openai", "clip:MobileCLIP2-S0/dfndr2b"])
def test_weights_come_from_their_hub(name: str, pictures: list[Picture]) -> None:
    encoder = make_encoder(name)
    assert isinstance(encoder, TextEncoder)
    vectors = encoder.encode([encoder.prepare(picture) for picture in pictures[:2]])
    assert vectors.shape == encoder.encode_text(["a cat", "a dog"]).shape
