"""Fetch weights by name from a hub, or say within seconds why that can't be done."""

import logging
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import EncoderError

_log = logging.getLogger(__name__)

PATIENCE_S = 4.0
"""How long a hub may take to take up a connection before it counts as out of reach."""


def fetch_from_hub(name: str, repository: str, files: Sequence[str]) -> Path:
    """Return the local path of the first of `files` that a Hugging Face repository has.

    name: the encoder, for messages. repository: "owner/name", or "owner/name@revision".
    What was fetched before is taken from the hub's own cache, without the network.
    Raises EncoderError when it is neither there nor can be fetched.
    """
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository, _, revision = repository.partition("@")
    for file in files:
        kept = try_to_load_from_cache(repository, file, revision=revision or None)
        if isinstance(kept, str):
            return Path(kept)
    if constants.HF_HUB_OFFLINE:
        raise EncoderError(_out_of_reach(name, repository, "HF_HUB_OFFLINE is set"))
    problem = unreachable(constants.ENDPOINT)
    if problem:
        raise EncoderError(_out_of_reach(name, f"{constants.ENDPOINT}/{repository}", problem))
    _log.info("fetching the weights of %s from %s/%s", name, constants.ENDPOINT, repository)
    try:
        for file in files:
            try:
                return Path(hf_hub_download(repository, file, revision=revision or None))
            except LocalEntryNotFoundError as failed:  # of huggingface_hub: no answer, no copy
                raise EncoderError(_out_of_reach(name, repository, "no answer")) from failed
            except EntryNotFoundError:
                continue
    except GatedRepoError as refused:
        raise EncoderError(
            f"the weights of {name} are given out only to who accepts their terms: "
            f"see {constants.ENDPOINT}/{repository}, then sign in with: hf auth login"
        ) from refused
    except RepositoryNotFoundError as refused:
        raise EncoderError(
            f"no repository {repository} on {constants.ENDPOINT}, asked for by {name}"
        ) from refused
    except (OSError, RuntimeError) as failed:  # whatever else ends a transfer
        told = str(failed).strip().partition("\n")[0]
        raise EncoderError(_out_of_reach(name, repository, told)) from failed
    raise EncoderError(f"{repository} has none of {', '.join(files)}, asked for by {name}")


def fetch_from_url(name: str, url: str) -> Path:
    """Return the local path of a file of torch's own hub, checked against the hash in its name.

    Raises EncoderError when it was not fetched before and can't be now.
    """
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    if path.exists():
        return path
    problem = unreachable(url)
    if problem:
        raise EncoderError(_out_of_reach(name, url, problem))
    _log.info("fetching the weights of %s from %s", name, url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = torch.hub.HASH_REGEX.search(path.name)
        torch.hub.download_url_to_file(url, str(path), found and found.group(1), progress=False)
    except (OSError, RuntimeError) as failed:
        raise EncoderError(_out_of_reach(name, url, str(failed))) from failed
    return path


def unreachable(url: str) -> str:
    """Return why no connection to a URL's host (or to its proxy) can be had, "" when it can."""
    asked = urlsplit(url)
    host = asked.hostname or ""
    proxy = getproxies().get(asked.scheme)
    if proxy and not proxy_bypass(host):
        asked = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host = asked.hostname or ""
    port = asked.port or (443 if asked.scheme == "https" else 80)
    told = [f"{host} does not answer within {PATIENCE_S:.0f} s"]

    def knock() -> None:
        try:
            socket.create_connection((host, port), timeout=PATIENCE_S).close()
            told.append("")
        except OSError as problem:
            told.append(f"{host}: {problem.strerror or problem}")

    # In a thread: looking up a name can take far longer, and takes no timeout.
    knocking = threading.Thread(target=knock, daemon=True)
    knocking.start()
    knocking.join(PATIENCE_S)
    return told[-1]


def _out_of_reach(name: str, what: str, why: str) -> str:
    return (
        f"can't fetch the weights of {name} from {what} ({why}). "
        "Give a file with --weights FILE, or take the encoder builtin, which needs none"
    )
