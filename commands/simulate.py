"""`q simulate`: a video of a planet through turbulent air, with the truth about every frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import EXIT_DONE, InterruptionError, PictureError, UsageError
from .options import Common, Typed, unfold
from .output import print_document, progress, write_text

if TYPE_CHECKING:
    from numpy import datetime64
    from numpy.typing import NDArray

    from ..samples.night import Frames, Night, Truth
    from ..samples.planets import Picture

_SPOILT = "Spoilt frames and cameras"
_EARLIER = "Reference"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(unfold(simulate))


@dataclass(frozen=True, slots=True)
class Taking:
    """How the video is taken."""

    what: Annotated[
        str,
        typer.Option("--object", metavar="NAME|FILE", help="giant, rocky, moon, or a picture."),
    ] = "giant"
    frames: Annotated[int, typer.Option(min=1, metavar="N", help="How many.")] = 600
    size: Annotated[
        int, typer.Option(metavar="PIXELS", help="Side of a frame, a multiple of 16.")
    ] = 128
    seeing: Annotated[
        float, typer.Option(metavar="D/R0", help="Median of D/r0: 4 is good, 7 is bad.")
    ] = 5.5
    light: Annotated[
        float, typer.Option(metavar="ELECTRONS", help="In the brightest pixel of a sharp picture.")
    ] = 10000.0
    seed: Annotated[int, typer.Option(min=0, help="Of air, mount and noise.")] = 0
    drawing: Annotated[int, typer.Option(min=0, help="Seed of the object drawn.")] = 0
    drift: Annotated[
        float, typer.Option(metavar="PIXELS", help="By which the mount errs, a frame.")
    ] = 0.25
    transparency: Annotated[float, typer.Option(help="Standard deviation of its slow part.")] = 0.03
    wind: Annotated[
        float, typer.Option(metavar="PUPILS", help="By which the air moves, a frame.")
    ] = 0.5
    depth: Annotated[int, typer.Option(metavar="BITS", help="8, 12 or 16.")] = 8
    rate: Annotated[float, typer.Option(metavar="FPS", help="Frames a second.")] = 100.0
    start: Annotated[str, typer.Option(metavar="TIME", help="Of the first frame, UTC.")] = (
        "2026-03-20T21:00:00"
    )
    longitude: Annotated[
        float, typer.Option(metavar="DEGREES", help="By which the planet is turned at the start.")
    ] = 0.0
    rotation: Annotated[
        float, typer.Option(metavar="DEGREES", help="By which it turns, an hour: Jupiter 36.3.")
    ] = 0.0
    height: Annotated[
        float,
        typer.Option(
            metavar="PUPILS",
            help="How differently the frame's edges see the high air: each part then has its own "
            "point spread. 0: all the same.",
        ),
    ] = 0.0


@dataclass(frozen=True, slots=True)
class Variants:
    """What cameras, software and bad luck do to frames."""

    colour: Annotated[
        bool, typer.Option("--colour", rich_help_panel=_SPOILT, help="Red, green and blue.")
    ] = False
    bayer: Annotated[
        Literal["RGGB", "GRBG", "GBRG", "BGGR"] | None,
        typer.Option(rich_help_panel=_SPOILT, help="A mosaic of colour filters."),
    ] = None
    gamma: Annotated[
        float, typer.Option(rich_help_panel=_SPOILT, help="Of the values: 2.2 as displays have it.")
    ] = 1.0
    hot_pixels: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SPOILT, help="That shine in every frame.")
    ] = 0
    key_interval: Annotated[
        int,
        typer.Option(
            metavar="N", rich_help_panel=_SPOILT, help="Compressed, every N-th frame less so."
        ),
    ] = 0
    sliced: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SPOILT, help="Frames with a slice shifted.")
    ] = 0
    cut: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SPOILT, help="Frames half out of view.")
    ] = 0
    duplicates: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SPOILT, help="Frames recorded twice.")
    ] = 0
    noise: Annotated[
        bool, typer.Option("--noise/--no-noise", rich_help_panel=_SPOILT, help="Photons, reading.")
    ] = True


@dataclass(frozen=True, slots=True)
class Earlier:
    """The processed picture of an earlier night."""

    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png", rich_help_panel=_EARLIER,
            help="Also write the processed picture of an earlier night.",
        ),
    ] = None  # fmt: skip
    turn: Annotated[
        float, typer.Option(metavar="DEGREES", rich_help_panel=_EARLIER, help="It is turned.")
    ] = 7.0
    scale: Annotated[
        float, typer.Option(metavar="FACTOR", rich_help_panel=_EARLIER, help="It is enlarged.")
    ] = 1.08
    mirror: Annotated[
        bool, typer.Option("--mirror", rich_help_panel=_EARLIER, help="It is mirrored.")
    ] = False
    reference_longitude: Annotated[
        float | None,
        typer.Option(
            metavar="DEGREES", rich_help_panel=_EARLIER,
            help="Of the planet that night; default: as in the video.",
        ),
    ] = None  # fmt: skip


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT.ser", help="The video to write.")],
    *,
    taking: Taking,
    earlier: Earlier,
    variants: Variants,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Where the truth goes; default: OUT.csv beside OUT."),
    ] = None,
    pristine: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Also write the object as the telescope shows it without air."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    common: Common,
    typed: Typed,
) -> int:
    """Make a video of a planet as a telescope shows it through turbulent air.

    Beside it lies the truth about every frame: how like the object it is, its Strehl ratio, where
    the object stands. Everything comes from the seeds.
    """
    if earlier.reference is None:
        typed.only_with(
            "--reference OUT.png", "--turn", "--scale", "--mirror", "--reference-longitude"
        )
    table = truth or out.with_suffix(".csv")
    files = [out, table, *([earlier.reference] if earlier.reference else [])]
    _check([*files, *([pristine] if pristine else [])], force=force)
    night = _night(taking, variants)
    try:
        known = _write(night, files, earlier, common)
    except KeyboardInterrupt as problem:
        raise InterruptionError("interrupted; nothing was written") from problem
    if pristine:
        _write_pristine(night, pristine)
    _tell(night, known, files, common)
    return EXIT_DONE


def _check(files: list[Path], *, force: bool) -> None:
    names = [file.resolve() for file in files]
    if len(set(names)) < len(names):
        raise UsageError(f"two files would be {names[-1]}: name another --truth or --reference")
    if files[0].suffix.lower() != ".ser":
        raise UsageError(f"{files[0]}: videos are written as SER; name it {files[0]}.ser")
    for file in files:
        if file.exists() and not (force and file.is_file()):
            raise UsageError(f"{file} is there already; --force replaces files")
        if not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}")


def _night(taking: Taking, variants: Variants) -> "Night":
    from dataclasses import asdict

    from ..samples.night import Night

    options = asdict(taking) | asdict(variants)
    return Night(_object(options.pop("what")), **options)


def _object(what: str) -> "str | Picture":
    from ..samples.planets import KINDS

    if what in KINDS:
        return what
    if not Path(what).exists():
        raise UsageError(f"no object {what}: neither one of {', '.join(KINDS)} nor a file")
    from ..media.read import read

    try:
        pixels = read(what).pixels()
    except PictureError as problem:
        raise UsageError(f"{what}: {problem}") from problem
    return pixels if pixels.shape[2] == 3 else pixels.mean(axis=2)


def _write_pristine(night: "Night", path: Path) -> None:
    """Write the object through a perfect telescope: no air, no noise, 16 bits."""
    from dataclasses import replace

    from ..samples.night import simulated
    from ..stack.save import save_picture

    calm = replace(
        night, frames=1, seeing=0.05, drift=0.0, transparency=0.0, depth=16, height=0.0,
        bayer=None, gamma=1.0, hot_pixels=0, key_interval=0, sliced=0, cut=0, duplicates=0,
        noise=False,
    )  # fmt: skip
    save_picture(simulated(calm)[0][0], path, white=65535, force=True)


def _write(night: "Night", files: list[Path], earlier: Earlier, common: Common) -> "Truth":
    from ..samples.processed import processed_reference
    from ..samples.record import record, truth_rows
    from ..show.rows import rows_as_csv
    from ..stack.save import save_picture
    from ..video.mark import mark_text, marks
    from ..video.ser_write import SerWriter, make_header, to_ticks

    processed = None
    if earlier.reference:
        turned = earlier.reference_longitude
        processed = processed_reference(
            night.object, night.seed, drawing=night.drawing, size=night.size, turn=earlier.turn,
            scale=earlier.scale, mirror=earlier.mirror,
            longitude=night.longitude if turned is None else turned,
        )  # fmt: skip
    header = make_header(
        night.size, night.size, planes=3 if night.colour else 1, depth=night.depth,
        pattern=night.bayer, start=int(to_ticks(night.times()[:1])[0]),
        texts=("seeing", f"simulated, fps={night.rate:g}", f"D/r0 {night.seeing:g}"),
    )  # fmt: skip
    written: list[str] = []

    def take(frames: "Frames", times: "NDArray[datetime64]") -> None:
        writer.write(frames, to_ticks(times))
        written.extend(map(mark_text, marks(frames)))

    with (
        progress(common, "simulating") as tell,
        SerWriter(files[0], header) as writer,
    ):
        known = record(night, take, tell=tell)
        # before the video gets its name: it never stands there without its truth
        rows = zip(truth_rows(night, known), written, strict=True)
        write_text(rows_as_csv([row | {"mark": mark} for row, mark in rows]), str(files[1]))
        if processed is not None:
            save_picture(processed, files[2], white=255, flat=True, force=True)
    return known


def _tell(night: "Night", known: "Truth", files: list[Path], common: Common) -> None:
    from ..samples.night import SPOILT
    from ..samples.record import summary

    figures = summary(known)
    kinds = ("video", "truth", "reference")
    document = {
        "command": "simulate",
        "version": 1,
        "object": night.object if isinstance(night.object, str) else "picture",
        "frames": len(known),
        "size": night.size,
        "depth": night.depth,
        "seed": night.seed,
        "drawing": night.drawing,
        **figures,
        "spoilt": {kind: int((known.done == kind).sum()) for kind in SPOILT},
        "files": [{"kind": k, "path": str(f)} for k, f in zip(kinds, files, strict=False)],
    }
    if not print_document(document, "files", common):
        print(
            f"{files[0]}: {len(known)} frames, median D/r0 {figures['seeing']:.1f}, fidelity "
            f"{figures['worst_fidelity']:.3f} to {figures['best_fidelity']:.3f}; truth: {files[1]}"
            + (f"; reference: {files[2]}" if files[2:] else "")
        )
