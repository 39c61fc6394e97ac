"""What a camera wrote beside the picture."""

import re
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

_MOMENT = re.compile(r"(\d{4})[:\-/](\d\d)[:\-/](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
LONGEST_TEXT = 500
"""Characters of a tag that are kept."""
MOST_NUMBERS = 16
"""Numbers of a tag that are kept; longer ones are tables nobody reads."""


def read_exif(image: Image.Image) -> tuple[int, str | None, dict[str, Any]]:
    """Return orientation (1..8), the time of taking and the tags by name.

    Broken EXIF says nothing: the picture is still a picture.
    """
    try:
        exif = image.getexif()
        tags = dict(exif.items())
        inner = dict(exif.get_ifd(ExifTags.IFD.Exif).items())
        place = dict(exif.get_ifd(ExifTags.IFD.GPSInfo).items())
    except Exception:
        return 1, None, {}
    named = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in (tags | inner).items()}
    named |= {ExifTags.GPSTAGS.get(tag, f"GPS {tag}"): value for tag, value in place.items()}
    orientation = named.get("Orientation", 1)
    if not isinstance(orientation, int) or not 1 <= orientation <= 8:
        orientation = 1
    for pointer in ("ExifOffset", "GPSInfo", "MakerNote", "ExifInteroperabilityOffset"):
        named.pop(pointer, None)
    return orientation, taken_at(named), plain_tags(named)


def taken_at(tags: dict[str, Any]) -> str | None:
    """Return EXIF DateTimeOriginal as ISO 8601: in UTC ("...Z") where an offset is given."""
    found = _MOMENT.match(str(tags.get("DateTimeOriginal", "")))
    if not found:
        return None
    offset = _OFFSET.match(str(tags.get("OffsetTimeOriginal", "")))
    try:
        moment = datetime.strptime(" ".join(found.groups()), "%Y %m %d %H %M %S")
        if not offset:
            return moment.isoformat()
        sign, hours, minutes = offset.groups()
        zone = datetime.strptime(f"{sign}{hours}{minutes}", "%z").tzinfo
        return moment.replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


def plain_tags(tags: dict[str, Any]) -> dict[str, Any]:
    """Return the tags whose values JSON can hold: text, numbers, short lists of numbers."""
    kept = {name: plain(value) for name, value in tags.items()}
    return {name: value for name, value in kept.items() if value is not None}


def plain(value: Any) -> str | int | float | list[Any] | None:  # noqa: ANN401 -- whatever a tag is
    """Return a tag's value as JSON can hold it, None where it can't."""
    if isinstance(value, str):
        return value.replace("\0", "").strip()[:LONGEST_TEXT] or None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, bytes):
        text = value.strip(b"\0 ")
        return text.decode()[:LONGEST_TEXT] if text and text.isascii() and _shown(text) else None
    if isinstance(value, tuple | list):
        parts = [plain(part) for part in value[: MOST_NUMBERS + 1]]
        return parts if len(parts) <= MOST_NUMBERS and None not in parts else None
    try:
        number = float(value)  # rationals
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _shown(text: bytes) -> bool:
    return all(32 <= byte < 127 or byte in (9, 10, 13) for byte in text)
