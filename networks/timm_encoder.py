"""Encoders that are networks of timm: timm:mobilenetv2_100, timm:vit_base_patch16_224.mae, ..."""

import logging
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..embed.encoder import Encoder, EncoderOptions
from ..errors import EncoderError, closest
from .fit import Fit
from .hub import fetch_from_hub, fetch_from_url
from .network import NetworkEncoder, prepare_network
from .torch_ready import ensure_torchvision, quiet
from .weights import fit_weights, load_weights

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def make(name: str, options: EncoderOptions) -> Encoder:
    """Return the encoder `timm:NAME`: the pooled features that timm's classifier would see.

    NAME is as timm writes it: an architecture, with or without the tag of its weights, or
    "hf_hub:OWNER/REPOSITORY" for one that others trained.
    Raises EncoderError for an unknown name, or weights that can't be had.
    """
    ensure_torchvision()
    module, configuration = _create(name, name.partition(":")[2])
    source = options.weights or _fetched(name, configuration)
    _load(module, source, configuration)
    network, card = prepare_network(
        module,
        fit_of(configuration),
        options=options,
        about=f"timm's {configuration.get('architecture')}, pooled features",
        licence=str(configuration.get("license") or "not stated by timm"),
    )
    return NetworkEncoder(name, network, card)


def fit_of(configuration: Mapping[str, Any]) -> Fit:
    """Return what timm's own evaluation transform does, of a model's pretrained_cfg.

    As timm.data.transforms_factory.transforms_imagenet_eval, timm 1.0.
    """
    from timm.data import resolve_data_config

    found = resolve_data_config(pretrained_cfg=dict(configuration))
    height, width = found["input_size"][-2:]
    scale = (math.floor(height / found["crop_pct"]), math.floor(width / found["crop_pct"]))
    mode = found["crop_mode"]
    resize = {"squash": "squash", "border": "longer"}.get(mode, "shorter")
    return Fit(
        size=(height, width),
        resize_to=scale,
        resize=resize,  # type: ignore[arg-type]
        rounding="down" if resize == "shorter" and scale[0] == scale[1] else "nearest",
        interpolation=found["interpolation"],
        mean=tuple(found["mean"]),
        sd=tuple(found["std"]),
        fill=tuple(round(255 * value) for value in found["mean"])
        if mode == "border"
        else (0, 0, 0),
    )


def _create(name: str, model_name: str) -> tuple["torch.nn.Module", dict[str, Any]]:
    """Return the network without classifier and weights, and timm's configuration of it."""
    import timm

    source, _, repository = model_name.partition(":")
    if source in ("hf_hub", "hf-hub"):
        fetch_from_hub(name, repository, ["config.json"])  # fails sooner than timm would
    else:
        architecture, _, tag = model_name.partition(".")
        if not timm.is_model(architecture):
            hint = closest(model_name, [*timm.list_models(), *timm.list_pretrained()])
            raise EncoderError(f"timm has no network {model_name}{hint}")
        tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{architecture}.*")]
        if tag and tag not in tags:
            known = closest(tag, tags) or f"; there is {', '.join(tags) or 'no tag'}"
            raise EncoderError(f"timm knows no weights {tag} of {architecture}{known}")
    try:
        with quiet():
            module = timm.create_model(model_name, pretrained=False, num_classes=0)
    except (RuntimeError, TypeError, ValueError, AssertionError) as problem:
        raise EncoderError(f"timm can't make {model_name}: {problem}") from problem
    return module, dict(module.pretrained_cfg)


def _fetched(name: str, configuration: Mapping[str, Any]) -> Path:
    """Return the path of the weights, fetched from where timm's configuration says."""
    if configuration.get("hf_hub_id"):
        special = configuration.get("hf_hub_filename")
        files = [special] if special else HUB_FILES
        return fetch_from_hub(name, configuration["hf_hub_id"], files)
    if configuration.get("url") and not configuration.get("custom_load"):
        return fetch_from_url(name, configuration["url"])
    raise EncoderError(f"timm has no weights for {name}; give a file with --weights FILE")


def _load(module: "torch.nn.Module", source: Path, configuration: Mapping[str, Any]) -> None:
    """Put weights into the network: under timm's names, or under their authors' own.

    timm knows how to translate many of those (its checkpoint_filter_fn).
    """
    weights = load_weights(source)
    dropped = _classifier(configuration)
    try:
        fit_weights(module, weights, source, droppable=dropped)
    except EncoderError as refused:
        translate = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
        if translate is None:
            raise
        try:
            with quiet():
                translated = translate(dict(weights), module)
            fit_weights(module, translated, source, droppable=dropped)
        except (
            EncoderError,
            LookupError,
            AttributeError,
            RuntimeError,
            ValueError,
            AssertionError,
        ):
            raise refused from None  # the weights of another network: tell of their own names


def _classifier(configuration: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the layers that timm drops with num_classes=0."""
    found = configuration.get("classifier") or ()
    return (found,) if isinstance(found, str) else tuple(found)
