"""Encoders of pictures and text that open_clip knows: clip:ViT-B-32/openai, ..."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embed.encoder import Card, EncoderOptions, TextEncoder, Vectors, normalise
from ..errors import EncoderError, closest
from .fit import Fit
from .hub import fetch_from_hub, fetch_from_url
from .network import Network, NetworkEncoder, prepare_network
from .torch_ready import ensure_torchvision, quiet
from .weights import fit_weights, load_weights

if TYPE_CHECKING:
    import torch

CONFIGURATION = "open_clip_config.json"
HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_NOT_FOR_VECTORS = ("logit_scale", "logit_bias")
"""Of the loss in training; weights may lack them, and vectors do not depend on them."""
_HERE = "local-dir:"
_HUB = "hf-hub:"


@dataclass(frozen=True, slots=True)
class _Source:
    """What a name stands for: open_clip's own name of the network, and where weights lie."""

    model: str
    weights: Path
    tokenizer: str
    called: str = ""
    quick_gelu: bool = False
    preparation: Mapping[str, Any] = field(default_factory=dict)


class ClipEncoder(NetworkEncoder):
    """An encoder of pictures and of text, into the same space."""

    def __init__(
        self, name: str, network: Network, card: Card, *, tokenizer: str, called: str = ""
    ) -> None:
        super().__init__(name, network, card, called=called)
        self._tokenizer_name = tokenizer
        self._tokenizer: Any = None

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dimension) float32 rows of length 1; what is too long is cut.

        Raises EncoderError when the network's tokenizer can't be had.
        """
        import torch

        if self._tokenizer is None:
            self._tokenizer = _tokenizer(self.name, self._tokenizer_name)
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        module: Any = self.network.module
        with torch.inference_mode():
            tokens = self._tokenizer(list(texts)).to(self.device)
            return normalise(module.encode_text(tokens).to("cpu", torch.float32).numpy())


def make(name: str, options: EncoderOptions) -> TextEncoder:
    """Return the encoder `clip:ARCHITECTURE/TAG`, of all networks and weights open_clip knows.

    Also `clip:ARCHITECTURE` with options.weights, `clip:hf-hub:OWNER/REPOSITORY`, and
    `clip:local-dir:FOLDER` with an open_clip_config.json and weights in it.
    Raises EncoderError for an unknown name, or weights that can't be had.
    """
    ensure_torchvision()
    source = _source(name, options.weights)
    module = _built(name, source)
    if source.called:  # weights beside their configuration are a file like any other
        options = replace(options, weights=source.weights)
    weights = _translated(module, load_weights(source.weights))
    fit_weights(module, weights, source.weights, optional=_NOT_FOR_VECTORS)
    network, card = prepare_network(
        module,
        fit_of(module.visual.preprocess_cfg),  # type: ignore[arg-type,union-attr]
        options=options,
        about=f"open_clip's {(source.called or name).removeprefix('clip:')}: "
        "what pictures show, and text about it",
        licence="not stated by open_clip; see where the weights come from",
        features=lambda network, pixels: network.encode_image(pixels),  # type: ignore[operator]
    )
    return ClipEncoder(name, network, card, tokenizer=source.tokenizer, called=source.called)


def fit_of(preprocess: Mapping[str, Any]) -> Fit:
    """Return what open_clip's own transform for inference does (open_clip.transform, 3.3)."""
    size = preprocess["size"]
    height, width = (size, size) if isinstance(size, int) else size
    mode = preprocess["resize_mode"]
    bilinear = preprocess["interpolation"] == "bilinear" and (mode != "shortest" or height == width)
    fill = int(preprocess.get("fill_color") or 0)
    return Fit(
        size=(height, width),
        resize_to=(height, width),
        resize={"shortest": "shorter", "longest": "longer"}.get(mode, mode),
        rounding="down" if mode == "shortest" and height == width else "nearest",
        # open_clip falls back to bicubic, and always takes it where the sides differ.
        interpolation="bilinear" if bilinear else "bicubic",
        mean=tuple(preprocess["mean"]),
        sd=tuple(preprocess["std"]),
        fill=(fill, fill, fill),
    )


def _source(name: str, weights: Path | None) -> _Source:
    """Find out what a name stands for, and fetch the weights unless a file is given."""
    import open_clip

    model = name.partition(":")[2]
    if model.startswith(_HERE):
        return _of_folder(name, Path(model.removeprefix(_HERE)), weights)
    if model.startswith(_HUB):
        repository = model.removeprefix(_HUB)
        folder = fetch_from_hub(name, repository, [CONFIGURATION]).parent
        found = weights or fetch_from_hub(name, repository, HUB_FILES)
        return _Source(f"{_HERE}{folder}", found, tokenizer=model)
    architecture, _, tag = model.partition("/")
    known = open_clip.list_models()
    if architecture not in known:
        raise EncoderError(f"open_clip has no network {architecture}{closest(architecture, known)}")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tag and weights is not None:
        return _Source(architecture, weights, tokenizer=architecture)
    if not tag:
        example = f", such as clip:{architecture}/{tags[0]}" if tags else ": --weights FILE"
        raise EncoderError(f"say which weights of {architecture} to take{example}")
    told = open_clip.get_pretrained_cfg(architecture, tag)
    if not told:
        hint = closest(tag, tags) or f"; there is {', '.join(tags) or 'no tag'}"
        raise EncoderError(f"open_clip knows no weights {tag} of {architecture}{hint}")
    found = weights or _fetched(name, told)
    gelu = bool(told.get("quick_gelu", False))
    return _Source(architecture, found, architecture, quick_gelu=gelu, preparation=told)


def _of_folder(name: str, folder: Path, weights: Path | None) -> _Source:
    if not (folder / CONFIGURATION).is_file():
        raise EncoderError(f"no {CONFIGURATION} in {folder}, the folder of {name}")
    found = weights or next(
        (path for path in (folder / file for file in HUB_FILES) if path.is_file()), None
    )
    if found is None:
        raise EncoderError(f"no weights in {folder}: none of {', '.join(HUB_FILES)}")
    # The path is left out of the identity, so that the folder can move.
    here = f"{_HERE}{folder}"
    return _Source(here, found, tokenizer=here, called=f"clip:{_HERE}{folder.resolve().name}")


def _fetched(name: str, told: Mapping[str, Any]) -> Path:
    """Return the path of a tag's weights, from where open_clip says they are."""
    if told.get("hf_hub"):
        repository, _, file = str(told["hf_hub"]).rpartition("/")
        safe = f"{file.rpartition('.')[0]}.safetensors"
        return fetch_from_hub(name, repository, [safe, file] if file else HUB_FILES)
    return fetch_from_url(name, str(told["url"]))


def _built(name: str, source: _Source) -> "torch.nn.Module":
    """Return the network, without weights."""
    import open_clip
    from open_clip.transform import merge_preprocess_dict

    try:
        with quiet():
            module: torch.nn.Module = open_clip.create_model(
                source.model,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=source.quick_gelu,
                force_preprocess_cfg={
                    key: value
                    for key, value in merge_preprocess_dict({}, dict(source.preparation)).items()
                    if key != "size"  # the network's own is the truth
                },
            )
    except (RuntimeError, ValueError, TypeError, KeyError, AssertionError, ImportError) as problem:
        told = str(problem).strip().partition("\n")[0]
        raise EncoderError(f"open_clip can't make {name}: {told}") from problem
    return module


def _translated(
    module: "torch.nn.Module", weights: Mapping[str, "torch.Tensor"]
) -> Mapping[str, "torch.Tensor"]:
    """Return weights under the names of today's open_clip; as its load_checkpoint does."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    found = {name.removeprefix("module."): tensor for name, tensor in weights.items()}
    found = convert_state_dict(module, found)
    if "positional_embedding" in found and not hasattr(module, "positional_embedding"):
        found = convert_to_custom_text_state_dict(found)
    found.pop("text.transformer.embeddings.position_ids", None)
    wanted = module.state_dict()
    for name in _NOT_FOR_VECTORS:
        if name in found and name in wanted:
            found[name] = found[name].reshape(wanted[name].shape)  # a number, or a list of one
        elif name in found:
            del found[name]
    for name in ("input_resolution", "context_length", "vocab_size"):  # of OpenAI's own files
        found.pop(name, None)
    translated: Mapping[str, torch.Tensor] = found
    return translated


def _tokenizer(name: str, model: str) -> Any:  # noqa: ANN401 (open_clip has no types)
    import open_clip

    try:
        with quiet():
            return open_clip.get_tokenizer(model)
    except ImportError as problem:
        raise EncoderError(
            f"the tokenizer of {name} needs a package that is not installed: {problem.name}. "
            f"pip install {problem.name}"
        ) from problem
    except (OSError, ValueError, RuntimeError) as problem:
        told = str(problem).strip().partition("\n")[0]
        raise EncoderError(f"can't have the tokenizer of {name}: {told}") from problem
