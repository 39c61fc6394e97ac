"""Weights from files: safetensors, and pickles that are allowed to hold nothing but arrays."""

import hashlib
import pickle
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EncoderError

if TYPE_CHECKING:
    import torch

_NESTS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Where training programs put the weights inside a checkpoint; averaged ones first, as timm."""
_PREFIXES = ("module.", "_orig_mod.", "model.", "encoder.", "backbone.")
_NOT_WEIGHTS = "num_batches_tracked"
"""Counters of training: nothing that is computed depends on them."""


def load_weights(path: Path) -> dict[str, "torch.Tensor"]:
    """Return the tensors of a weights file by name, on the CPU.

    The type is told from the content: safetensors, or what torch.save wrote (read with
    weights_only=True: a pickle that would run code is refused).
    Raises EncoderError, one line, when the file is missing, damaged or holds anything else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as problem:
        raise EncoderError(f"can't read weights {path}: {problem.strerror or problem}") from problem
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as problem:
            raise EncoderError(f"can't read weights {path}: {_first_line(problem)}") from problem
    return _unwrapped(_unpickled(path), path)


def _unpickled(path: Path) -> object:
    import torch

    try:
        # Of an open file, not of a path: torch would go by the suffix.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        raise EncoderError(
            f"weights {path} hold more than arrays, or are damaged; nothing in them was run. "
            "Save the state_dict alone, best as safetensors"
        ) from problem
    except Exception as problem:  # a damaged archive fails in as many ways as there are readers
        raise EncoderError(f"can't read weights {path}: {_first_line(problem)}") from problem


def _unwrapped(found: object, path: Path) -> dict[str, "torch.Tensor"]:
    """Return the state_dict inside a checkpoint."""
    import torch

    while isinstance(found, Mapping):
        nest = next((name for name in _NESTS if isinstance(found.get(name), Mapping)), None)
        if nest is None:
            tensors = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor)}
            if not tensors:
                break
            return tensors
        found = found[nest]
    raise EncoderError(f"weights {path} hold no named tensors (no state_dict)")


def fit_weights(
    module: "torch.nn.Module",
    weights: Mapping[str, "torch.Tensor"],
    source: Path,
    *,
    droppable: Collection[str] = (),
    optional: Collection[str] = (),
) -> None:
    """Put weights into a module; all of them must fit.

    Prefixes that training programs add ("module.", ...) are taken off. droppable: names of layers
    (a classifier) that the file may hold and the module does not. optional: names that the file
    may lack; the module keeps its own.
    Raises EncoderError naming the first that is missing, too many or of another shape.
    """
    wanted = module.state_dict()
    given = renamed(weights, wanted)
    missing = [
        name
        for name in wanted
        if name not in given and name not in optional and not name.endswith(_NOT_WEIGHTS)
    ]
    extra = [
        name
        for name in given
        if name not in wanted
        and not name.endswith(_NOT_WEIGHTS)
        and not any(name.startswith(f"{layer}.") or name == layer for layer in droppable)
    ]
    wrong = [
        f"{name} is {tuple(given[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    if missing or extra or wrong:
        raise EncoderError(
            f"weights {source} do not fit this network: "
            + "; ".join(
                told
                for told in (
                    _counted(missing, "missing"),
                    _counted(extra, "unknown"),
                    _counted(wrong, "of another shape"),
                )
                if told
            )
        )
    # Into the module's own dictionary: it also carries versions that some networks ask for.
    wanted.update({name: tensor for name, tensor in given.items() if name in wanted})
    module.load_state_dict(wanted)


def renamed(
    weights: Mapping[str, "torch.Tensor"], wanted: Collection[str]
) -> dict[str, "torch.Tensor"]:
    """Return the weights without the prefixes that keep their names from fitting."""
    given = dict(weights)
    while not any(name in wanted for name in given):
        prefix = next((p for p in _PREFIXES if any(n.startswith(p) for n in given)), None)
        if prefix is None:
            return given
        given = {n.removeprefix(prefix): t for n, t in given.items() if n.startswith(prefix)}
    return given


def digest_of(module: "torch.nn.Module") -> str:
    """Return BLAKE2b-128, in hexadecimal, over names, shapes and float32 values of all weights.

    So the digest is the same whatever file they came from, and changes with any of them.
    """
    import torch

    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        if name.endswith(_NOT_WEIGHTS):
            continue
        values = tensor.detach().cpu()
        if values.is_floating_point():
            values = values.to(torch.float32)
        digest.update(f"{name}{tuple(values.shape)}".encode())
        digest.update(memoryview(values.contiguous().numpy()).cast("B"))
    return digest.hexdigest()


def _counted(names: list[str], what: str) -> str:
    if not names:
        return ""
    return f"{len(names)} {what} ({names[0]}{', ...' if len(names) > 1 else ''})"


def _first_line(problem: BaseException) -> str:
    told: Any = str(problem).strip() or type(problem).__name__
    return str(told.splitlines()[0])
