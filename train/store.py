"""Probes kept in a library: the numbers in a file of their own, all about them in the catalogue.

`models/NAME.safetensors` holds arrays and nothing that could run. The card has its digest, so that
a file that is not what was written is refused and never answers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import numpy as np

from ..db.catalogue import Catalogue
from ..db.lock import writing
from ..db.models import (
    FOLDER,
    StoredModel,
    drop_model,
    keep_model,
    model_file,
    stored_models,
)
from ..errors import LibraryError, UsageError, closest
from ..media.whole import whole
from .fit import Fitted
from .probe import Probe

KIND = "probe"
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredProbe:
    """A probe of a library. features: the identity of the vectors or scores that it reads."""

    name: str
    probe: Probe
    card: dict[str, Any]
    created_at: str

    @property
    def features(self) -> str:
        """The identity of what it reads: `encoder:...`, `frames:...` or `scores:...`."""
        return str(self.card["features"])

    @property
    def digest(self) -> str:
        """Of its numbers: tells it from an earlier one of the same name."""
        return str(self.card["digest"])

    def check(self, features: str, whose: str) -> None:
        """Raise UsageError where features are not those that it was taught on."""
        if features == self.features:
            return
        if features.startswith("frames:") and self.features.startswith("frames:"):
            raise UsageError(
                f"the probe {self.name} is of {reads(self.card)}; {whose} is another video, or "
                "read otherwise: teach one on that, or one for all videos: q train probe NAME "
                "VIDEO --on scores"
            )
        raise UsageError(
            f"the probe {self.name} reads {reads(self.card)}, {whose} has "
            f"{features.partition(':')[0] if features.startswith('frames:') else features}: "
            "teach one on that: q train probe"
        )


def reads(card: dict[str, Any]) -> str:
    """Return what a probe reads, for a person: of frames the video and not its survey's name."""
    features = str(card["features"])
    if features.startswith("frames:"):
        return f"frames of {', '.join(card['items'])}"
    return features


def check_name(name: str) -> None:
    """Raise UsageError for what can't be the name of a probe, and of a file."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a probe: letters, digits, - . _, the first a letter or digit"
        )


def check_free(catalogue: Catalogue, name: str) -> None:
    """Raise UsageError where a probe can't take a name: a model of another kind has it."""
    check_name(name)
    for known in stored_models(catalogue):
        if known.name.casefold() != name.casefold():
            continue
        if known.name != name:  # one file on disks that know no small letters
            raise UsageError(f"there is a {known.kind} {known.name} already: take another name")
        if known.kind != KIND:
            raise UsageError(f"{name} is of another kind: {known.kind}. Take another name")


def save(catalogue: Catalogue, name: str, taught: Fitted, about: dict[str, Any]) -> StoredProbe:
    """Keep a probe under a name, in place of an earlier one.

    about: features, where the labels came from, the seed. Raises LibraryError when nothing can be
    written.
    """
    from safetensors.numpy import save as packed

    check_free(catalogue, name)
    probe = taught.probe
    content = packed(
        {
            "weights": np.ascontiguousarray(probe.weights),
            "bias": np.ascontiguousarray(probe.bias),
            "calibration": np.array([probe.scale, probe.shift]),
        }
    )
    card = {
        **about,
        "kind": probe.kind,
        "dimension": probe.dimension,
        "answers": list(probe.answers),
        "values": list(probe.values),
        "wanted": probe.wanted,
        "contrast": list(probe.contrast),
        "labels": taught.counts,
        "figures": {key: figure.as_json() for key, figure in taught.figures.items()},
        "strength": taught.strength,
        "components": taught.components,
        "versions": {name: version(name) for name in ("seeing", "numpy", "scikit-learn")},
        "digest": blake2b(content, digest_size=16).hexdigest(),
    }
    path = model_file(catalogue, f"{name}.safetensors")
    try:
        path.parent.mkdir(exist_ok=True)
        with whole(path) as file:
            file.write(content)
    except OSError as problem:
        raise LibraryError(
            f"can't keep the probe in {path.parent}: {problem.strerror}"
        ) from problem
    keep_model(catalogue, name, kind=KIND, file=path.name, card=card)
    return load(catalogue, name)


def load(catalogue: Catalogue, name: str) -> StoredProbe:
    """Return a probe by name.

    Raises UsageError for an unknown name or a model of another kind, LibraryError when its file is
    gone or is not what was written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    known = _known(catalogue, name)
    again = f"teach it again: q train probe {name}"
    path = model_file(catalogue, known.file)
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise LibraryError(f"can't read {path}: {problem.strerror}; {again}") from problem
    card = known.card
    if blake2b(content, digest_size=16).hexdigest() != card.get("digest"):
        raise LibraryError(f"{path} is not what was written; {again}")
    try:
        arrays = unpacked(content)
        scale, shift = arrays["calibration"].tolist()
        probe = Probe(
            card["kind"], arrays["weights"], arrays["bias"], tuple(card["answers"]),
            tuple(card["values"]), scale, shift, card["wanted"],
            tuple(card["contrast"]),
        )  # fmt: skip
    except (SafetensorError, KeyError, ValueError, TypeError) as problem:
        raise LibraryError(f"the card of {name} does not fit {path}; {again}") from problem
    return StoredProbe(name, probe, card, known.created_at)


class Probes:
    """The probes of a library, as Python users and commands see them: `library.probes`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __iter__(self) -> Iterator[StoredModel]:
        """Yield them by name, each with its card, without its numbers."""
        return iter([known for known in stored_models(self._catalogue) if known.kind == KIND])

    def __getitem__(self, name: str) -> StoredProbe:
        """Return one; raises UsageError for an unknown name."""
        return load(self._catalogue, name)

    def remove(self, name: str) -> None:
        """Take one out of the library; raises UsageError for an unknown name."""
        with writing(self._catalogue.folder):
            remove(self._catalogue, name)


def remove(catalogue: Catalogue, name: str) -> None:
    """Take a probe out of the library; raises UsageError where there is none of that name."""
    known = _known(catalogue, name)
    drop_model(catalogue, name)
    try:
        model_file(catalogue, known.file).unlink(missing_ok=True)
    except OSError as problem:
        raise LibraryError(
            f"can't remove {catalogue.folder / FOLDER / known.file}: {problem.strerror}"
        ) from problem


def _known(catalogue: Catalogue, name: str) -> StoredModel:
    models = stored_models(catalogue)
    found = next((model for model in models if model.name == name), None)
    if found is None:
        names = [model.name for model in models if model.kind == KIND]
        hint = closest(name, names) or (f"; there are {', '.join(names)}" if names else "")
        raise UsageError(f"no probe is called {name}{hint}. Teach one: q train probe {name}")
    if found.kind != KIND:
        raise UsageError(f"{name} is of another kind: {found.kind}, and not a probe")
    return found
