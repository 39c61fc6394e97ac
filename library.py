"""The Library: one method for each use; what the commands, the page and Python users call."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from .db import forget as forgetting
from .db.catalogue import Catalogue
from .db.items import Item, all_items, item_with
from .db.lock import writing
from .db.open import open_catalogue
from .db.status import Status, status_of
from .db.vectors import (
    StoredEncoder,
    searchable_vectors,
    set_default_encoder,
    stored_encoders,
)
from .flow.encoders import Encoders
from .flow.given import listed, paths_in

if TYPE_CHECKING:
    from .db.exemplars import StoredSet
    from .embed.encoder import Encoder, EncoderOptions
    from .flow.given import Paths, Targets
    from .flow.refresh import Report
    from .index.health import Finding
    from .label.collection import ExemplarSets
    from .rank.asking import Asker
    from .rank.exemplars import Taste
    from .rank.frame_ranking import FrameRanking
    from .rank.frames import FrameOptions
    from .rank.ranking import Ranking
    from .rank.teaching import Learned, Teaching
    from .show.matches import Matches
    from .train.store import Probes


def open_library(
    path: str | Path | None = None,
    *,
    create: bool | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> "Library":
    """Open a library, or make one.

    create: whether one may be made; by default only where a path is given. on_remark(text) is told
    when another program has to be waited for. Raises LibraryError when there is none, or it can't
    be opened.
    """
    return Library(open_catalogue(path, create=create, on_remark=on_remark))


class Library:
    """Everything `seeing` knows about some pictures. Made by `seeing.open()`; close it, or use
    it in a `with` block. Used from one thread.

    on_remark(text) is told what a user should know besides the result; by default it gathers in
    the results' `remarks`.
    """  # noqa: D205

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._encoders = Encoders(catalogue)

    def __repr__(self) -> str:
        """Return where it lies."""
        return f"<Library {self.folder}>"

    @property
    def folder(self) -> Path:
        """The `.q` folder."""
        return self.catalogue.folder

    def index(
        self,
        paths: "Paths",
        *,
        encoder: str | None = None,
        options: "EncoderOptions | None" = None,
        batch: int | None = None,
        threads: int | None = None,
        exclude: Sequence[str] = (),
        hidden: bool = False,
        dry_run: bool = False,
        every: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> "Report":
        """Add pictures, and refresh what is known of those below the same paths.

        paths: files, folders, globs, addresses. encoder: a name as in `q encoders`; default is
        the library's own, or `builtin` for a new one. progress(done, total) is called for each
        picture; should_stop() is asked between batches. With dry_run nothing is encoded or
        written. every: of videos each so manyth frame. Raises UsageError for a path that does not
        exist.
        """
        from .flow.choose import named_encoders
        from .flow.indexing import make_ready, planned, without_damage
        from .flow.refresh import Refresh, preview

        remarks: list[str] = []
        names = paths_in(paths)
        tell = on_remark or remarks.append
        look = partial(
            planned, self.catalogue, names, exclude, hidden=hidden, remarks=remarks, every=every
        )
        if dry_run:
            known = next(iter(named_encoders(self.catalogue, encoder)), None)
            report = preview(self.catalogue, look(encoder=known), known)
        else:
            with writing(self.folder, notify=tell):
                made, stored = self._encoders.entered(encoder, options)
                if made.device != "cpu":
                    tell(f"encoding with {made.name} on {made.device}")
                stored = without_damage(self.catalogue, stored, remarks)
                report = Refresh(
                    self.catalogue, made, stored, batch=batch, threads=threads,
                    progress=progress, should_stop=should_stop,
                ).run(look(encoder=stored))  # fmt: skip
                if not report.stopped:
                    make_ready(self.catalogue, stored.identity, remarks)
        report.remarks += remarks
        return report

    def find_similar(
        self,
        targets: "Targets" = (),
        *,
        unlike: "Targets" = (),
        text: str | Sequence[str] = (),
        probe: str | None = None,
        n: int = 12,
        min_similarity: float | None = None,
        where: str | None = None,
        encoder: str | None = None,
        options: "EncoderOptions | None" = None,
        keep_borders: bool = False,
    ) -> "Matches":
        """Return the items most like some targets, best first.

        targets: pictures anywhere, indexed or not, weighted as "2:target.png", items, matches, PIL
        images or arrays; the targets themselves (by content) are left out. unlike: what to keep
        away from. text: words, for encoders that read them. probe: its direction is one more
        target. where: an SQL condition over the catalogue's view `pictures`. index.query.combine
        has the formula for several targets.
        """
        from .flow.choose import choice
        from .flow.similar import Query, find_similar
        from .rank.probes import directed

        along, encoder = directed(self.catalogue, probe, encoder)
        stored = self._stored(encoder)
        query = Query(
            listed(targets), listed(unlike), [text] if isinstance(text, str) else list(text),
            n=n, min_similarity=min_similarity, where=where, keep_borders=keep_borders,
            along=along,
        )  # fmt: skip
        found = find_similar(self.catalogue, stored, lambda: self.encoder(stored, options), query)
        found.remarks[:0] = choice(self.catalogue, encoder)
        return found

    def rank(
        self,
        items: "Paths | None" = None,
        *,
        reference: str | Path | None = None,
        exemplars: "Taste | str | None" = None,
        probe: str | None = None,
        by: str | None = None,
        encoder: str | None = None,
        keep: bool = True,
    ) -> "Ranking | FrameRanking":
        """Return pictures, or the frames of a video, in order of a score, best first.

        A video, or several of one capture, goes to `rank_frames`, all else to `rank_pictures`;
        probe: NAME of the scorer `probe:NAME`.
        """
        from .video.open import is_video

        by = by if probe is None else f"probe:{probe}"
        names = None if items is None else paths_in(items)
        if names and all(is_video(name) for name in names):
            return self.rank_frames(
                names, reference=reference, exemplars=exemplars, by=by, encoder=encoder, keep=keep
            )
        return self.rank_pictures(
            names, reference=reference, exemplars=exemplars, by=by or "embedding",
            encoder=encoder, keep=keep,
        )  # fmt: skip

    def rank_pictures(
        self,
        items: "Paths | None" = None,
        *,
        reference: str | Path | None = None,
        exemplars: "Taste | str | None" = None,
        by: str = "embedding",
        encoder: str | None = None,
        options: "EncoderOptions | None" = None,
        keep: bool = True,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> "Ranking":
        """Return items in order of a score, best first, with the reason for each.

        items: files, folders, globs, indexed first where they are not yet; None is the whole
        library, an empty list an error. reference: a picture of how things should look. exemplars:
        a set whose labels say what is best. keep: keep the scores, so that ranking again computes
        nothing.
        """
        from .flow.indexing import indexed_first
        from .rank.pictures import rank_pictures

        index = partial(
            indexed_first, self.catalogue, self.index,
            options=options, progress=progress, should_stop=should_stop,
        )  # fmt: skip
        return rank_pictures(
            self.catalogue, None if items is None else paths_in(items), index,
            lambda stored: self.encoder(stored, options),
            by=by, reference=reference, exemplars=exemplars, encoder=encoder, keep=keep,
        )  # fmt: skip

    def rank_frames(
        self,
        videos: "Paths",
        *,
        reference: str | Path | None = None,
        exemplars: "Taste | str | None" = None,
        by: str | None = None,
        options: "FrameOptions | None" = None,
        encoder: str | None = None,
        making: "EncoderOptions | None" = None,
        keep: bool = True,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> "FrameRanking":
        """Return the frames of a video in order of a score, best first, with reasons.

        videos: a file, several files of one capture, or a folder of numbered pictures. reference:
        a processed picture of the same object, turned and scaled as it may be. exemplars: a set
        with labels of some of the frames. by: a scorer (`probe:NAME` is one); by default
        `reference` where there is one, else `self`. keep: keep measurements and scores, so that
        ranking again, by another reference too, reads no frame. encoder, making: for the scorer
        `embedding`, and probes of an encoder's vectors, which index every frame. Raises
        PictureError when the video can't be read, InterruptionError when should_stop() said so.
        """
        from .rank.frames import Calls, rank_files
        from .rank.makers import maker_of

        paths = [Path(path) for path in paths_in(videos)]
        look = partial(
            self.index, paths, options=making, every=1, progress=progress,
            should_stop=should_stop, on_remark=on_remark,
        )  # fmt: skip
        make = maker_of(
            self.catalogue, look, lambda stored: self.encoder(stored, making),
            by=by, reference=reference, exemplars=exemplars, encoder=encoder,
        )  # fmt: skip
        return rank_files(
            self.catalogue, paths, by=by, reference=reference, options=options, keep=keep,
            calls=Calls(progress, should_stop, on_remark), make=make,
        )  # fmt: skip

    @property
    def exemplars(self) -> "ExemplarSets":
        """The exemplar sets: labelling, what people said, and how well they agree."""
        from .label.collection import ExemplarSets

        return ExemplarSets(self.catalogue, self.index)

    def train_probe(
        self, name: str, items: "Paths | None" = None, **how: Unpack["Teaching"]
    ) -> "Learned":
        """Teach a probe from labels of some items, and keep it; how: `rank.teaching.Teaching`."""
        from .rank.teaching import train_probe

        return train_probe(self, name, [] if items is None else paths_in(items), how)

    @property
    def probes(self) -> "Probes":
        """The probes, by name: `library.probes["sharp"]`, `library.probes.remove("sharp")`."""
        from .train.store import Probes

        return Probes(self.catalogue)

    def suggest(
        self,
        exemplars: str,
        items: "Paths | None" = None,
        *,
        n: int = 50,
        encoder: str | None = None,
        seed: int = 0,
    ) -> list[Item]:
        """Return up to n items whose labels would teach an exemplar set most, in order to ask.

        items: pictures (None: all that are indexed), or one video. From zero labels on.
        """
        from .rank.asking import suggested

        return suggested(
            self.catalogue, self.asker(exemplars, items, encoder=encoder), n, seed=seed
        )

    def asker(
        self, exemplars: "str | StoredSet", items: "Paths | None" = None, *, who: str | None = None,
        encoder: str | None = None, options: "EncoderOptions | None" = None,
    ) -> "Asker":  # fmt: skip
        """Return what chooses, among items as for `suggest`, what is worth asking `who` about."""
        from .flow.indexing import indexed_first
        from .rank.asking import asker_of

        index = partial(indexed_first, self.catalogue, self.index, encoder=encoder, options=options)
        return asker_of(
            self.catalogue, exemplars, None if items is None else paths_in(items), rank=self.rank,
            index=index, stored=lambda: self._stored(encoder), who=who,
        )  # fmt: skip

    def vectors(
        self, *, encoder: str | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return (ids, vectors) of all searchable items: (n,) int64 and (n, d) float32."""
        return searchable_vectors(self.catalogue, self._stored(encoder))

    def item(self, number: int) -> Item:
        """Return an item by its id; raises UsageError for an unknown one."""
        return item_with(self.catalogue, int(number))

    def items(self) -> list[Item]:
        """Return all items whose files are present, in order of their paths."""
        return all_items(self.catalogue)

    def forget(self, paths: "Paths", *, on_remark: Callable[[str], None] | None = None) -> int:
        """Take pictures out of the library and give back the space; return how many went.

        The files themselves are never touched.
        """
        from .planet.kept import giving_back_space

        with giving_back_space(self.catalogue, on_remark):
            return forgetting.forget(self.catalogue, [Path(path) for path in paths_in(paths)])

    def prune(self, *, on_remark: Callable[[str], None] | None = None) -> int:
        """Take out everything whose file has vanished; return how many items went."""
        from .planet.kept import giving_back_space

        with giving_back_space(self.catalogue, on_remark):
            return forgetting.prune(self.catalogue)

    def status(self) -> Status:
        """Return what is indexed, by what, and what could not be read."""
        return status_of(self.catalogue)

    def doctor(self, *, deep: bool = False, mend: bool = False) -> "list[Finding]":
        """Return what is wrong and how to mend it; mend what can be mended, when asked.

        deep: read every picture again and compare its digest.
        """
        from .index.health import examine

        return examine(self.catalogue, deep=deep, mend=mend)

    def encoders(self) -> list[StoredEncoder]:
        """Return the library's encoders, the default first."""
        return stored_encoders(self.catalogue)

    def set_default_encoder(self, name: str) -> None:
        """Make an encoder of the library the one that is taken when none is named."""
        set_default_encoder(self.catalogue, self._stored(name))

    def encoder(self, stored: StoredEncoder, options: "EncoderOptions | None" = None) -> "Encoder":
        """Make one of the library's encoders; it is kept for the next call.

        Raises EncoderError when its weights are not where they were, or are others.
        """
        return self._encoders.of(stored, options)

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _stored(self, name: str | None) -> StoredEncoder:
        from .flow.choose import stored_encoder

        return stored_encoder(self.catalogue, name)
