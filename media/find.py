"""From what a user names to files: folders walked, globs expanded, addresses of parts kept."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .address import Address, parse
from .kinds import PICTURES, VIDEOS
from .walk import Found, Walk, walk


@dataclass(slots=True)
class Search:
    """The files that some names mean; remarks and unlistable are complete after `files()`."""

    walked: Walk
    addresses: list[Address]

    @property
    def folders(self) -> list[str]:
        """The folders among what was named: what is missing below them has vanished."""
        return [path for path in self.walked.paths if os.path.isdir(path)]  # noqa: PTH112

    @property
    def unlistable(self) -> list[str]:
        """Folders about whose content nothing is known."""
        return self.walked.unlistable

    @property
    def remarks(self) -> list[str]:
        """What a user should know about files that were not taken."""
        return self.walked.remarks

    def files(self) -> Iterator[tuple[Found, int | None, str | None]]:
        """Yield each file, with the frame and the part that were asked for."""
        for found in self.walked:
            yield found, None, None
        for address in self.addresses:
            for found in walk([address.path]):
                yield found, address.frame, address.part


def find(
    names: Sequence[str | Path],
    *,
    exclude: Sequence[str] = (),
    hidden: bool = False,
    videos: bool = False,
) -> Search:
    """Return what to look at; raises UsageError for a name that means nothing.

    videos: files with the extension of a video are found in folders too.
    """
    plain: list[str | Path] = []
    addresses: list[Address] = []
    for name in names:
        address = parse(name)
        if address.frame is None and address.part is None:
            plain.append(name)
        elif os.path.lexists(address.path):
            addresses.append(address)
        else:
            plain.append(name)  # perhaps a glob with brackets; else the walk says it is missing
    extensions = PICTURES | VIDEOS if videos else PICTURES
    return Search(walk(plain, exclude=exclude, hidden=hidden, extensions=extensions), addresses)
