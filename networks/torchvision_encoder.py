"""Encoders that are classifiers of torchvision: torchvision:vgg16, torchvision:resnet50, ..."""

from typing import TYPE_CHECKING, Any

from ..embed.encoder import Encoder, EncoderOptions
from ..errors import EncoderError, closest
from .fit import Fit
from .hub import fetch_from_url
from .network import NetworkEncoder, prepare_network
from .torch_ready import ensure_torchvision, quiet
from .weights import fit_weights, load_weights

if TYPE_CHECKING:
    import torch

_AS_TRAINED: dict[str, dict[str, Any]] = {
    # torchvision does the same where it loads the weights itself: the networks came from another
    # library, so they scale their input, and their training branches are taken off.
    "googlenet": {"transform_input": True, "aux_logits": False, "init_weights": False},
    "inception_v3": {"transform_input": True, "aux_logits": False, "init_weights": False},
}
_BRANCHES = ("aux1", "aux2", "AuxLogits")


def make(name: str, options: EncoderOptions) -> Encoder:
    """Return the encoder `torchvision:NAME`, or `torchvision:NAME/WEIGHTS`.

    Its vector is what the last layer, the classifier, would see: 2048 numbers of a ResNet-50 after
    its average pooling, 4096 of a VGG-16 after its second hidden layer and ReLU. WEIGHTS is a name
    such as IMAGENET1K_V1; without it torchvision's best ("DEFAULT").
    Raises EncoderError for an unknown name, or weights that can't be had.
    """
    ensure_torchvision()
    from torchvision import models

    architecture, _, tag = name.partition(":")[2].partition("/")
    known = models.list_models(module=models)
    if architecture not in known:
        raise EncoderError(
            f"torchvision has no network {architecture}{closest(architecture, known)}"
        )
    tags = models.get_model_weights(architecture)
    if tag and tag not in tags.__members__:
        names = ", ".join(tags.__members__)
        raise EncoderError(f"torchvision has no weights {tag} of {architecture}; there is {names}")
    chosen = tags[tag or "DEFAULT"]
    source = options.weights or fetch_from_url(name, chosen.url)
    with quiet():
        module = models.get_model(architecture, weights=None, **_AS_TRAINED.get(architecture, {}))
    dropped = drop_classifier(module)
    fit_weights(module, load_weights(source), source, droppable=(dropped, *_BRANCHES))
    network, card = prepare_network(
        module,
        fit_of(chosen),
        options=options,
        about=f"torchvision's {architecture} ({chosen.name}) without its last layer",
        licence="not stated by torchvision (its own code is BSD-3-Clause)",
        download_mb=round(chosen.meta.get("_file_size", 0)),
    )
    return NetworkEncoder(name, network, card)


def fit_of(weights: Any) -> Fit:  # noqa: ANN401 (a member of an untyped library's enum)
    """Return what the transforms of torchvision's weights do (transforms._presets, 0.28)."""
    preset = weights.transforms()
    side, resized = preset.crop_size[0], preset.resize_size[0]
    return Fit(
        size=(side, side),
        resize_to=(resized, resized),
        resize="shorter",
        rounding="down",
        interpolation=preset.interpolation.value,
        mean=tuple(preset.mean),
        sd=tuple(preset.std),
    )


def drop_classifier(module: "torch.nn.Module") -> str:
    """Put nothing in the place of a network's last linear layer; return that layer's name.

    A network without any (SqueezeNet classifies by convolution) loses its last convolution, and
    is pooled as before.
    """
    from torch import nn

    layers = dict(module.named_modules())
    linear = [name for name, layer in layers.items() if isinstance(layer, nn.Linear)]
    plain = [name for name, layer in layers.items() if isinstance(layer, nn.Conv2d)]
    last: str = (linear or plain)[-1]
    parent, _, child = last.rpartition(".")
    setattr(layers[parent], child, nn.Identity())
    return last
