"""One frame of a video as a picture."""

import numpy as np

from ..media.colour import floats
from ..media.picture import Metadata, Picture, Samples
from .base import Video
from .debayer import colour, luminance
from .mark import marks


def frame_picture(video: Video, number: int) -> Picture:
    """Return a frame as a picture: in colour where it has a mosaic, bits and scale kept.

    Raises PictureError where there is no such frame, or it can't be decoded.
    """
    return picture_of(video, number, video.frame(number))


def picture_of(video: Video, number: int, samples: Samples) -> Picture:
    """Return a frame that was read, (height, width, planes), as a picture.

    Of a mosaic of cyan, magenta and yellow it is the brightness, at half the size.
    """
    about = video.about
    mark = int(marks(samples[None])[0])
    small = min(samples.shape[:2]) < 4  # no mosaic to speak of
    if about.pattern == "CMY" and not small:
        grey = luminance(samples[None], about.pattern)[0]
        samples = grey.round().astype(samples.dtype)[..., None]
    elif about.pattern is not None and not small:
        samples = colour(samples[None], about.pattern)[0]
    height, width = samples.shape[:2]
    metadata = Metadata(
        about.format, width, height, len(video), _taken_at(video, number), header=about.header,
        mark=mark,
    )  # fmt: skip
    if samples.dtype != np.float32:
        samples = samples.copy()  # a frame may be a view of what the next one overwrites
        return Picture(samples, about.full_scale, about.depth, metadata=metadata)
    values, _, mask = floats(samples)
    return Picture(values, about.full_scale, about.depth, linear=True, mask=mask, metadata=metadata)


def _taken_at(video: Video, number: int) -> str | None:
    """Return a frame's time as ISO 8601 in UTC, with microseconds."""
    times = video.about.times
    if times is None or np.isnat(times[number]):
        return None
    return f"{times[number].astype('datetime64[us]')}Z"
