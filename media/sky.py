"""Where on the sky a FITS picture lies."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.fits import Header


def place_on_sky(
    header: "Header",
    width: int,
    height: int,
) -> tuple[float | None, float | None, float | None]:
    """Return right ascension and declination of the middle (ICRS) and the diagonal, in degrees.

    header: an image's FITS header; width, height: its first two axes. The diagonal goes from the
    outer edge of one corner pixel to that of the opposite one. All are None where the header has
    no celestial coordinates on these axes, or such as can't be understood.
    """
    # CTYPE is the standard's; AMDX that of photographic plates (DSS). Asking first saves an import
    if "CTYPE1" not in header and "AMDX1" not in header:
        return None, None, None
    try:
        return _place(header, width, height)
    except Exception:
        # wcslib and astropy refuse damaged coordinates in a dozen ways; none harms the picture
        return None, None, None


def _place(
    header: "Header",
    width: int,
    height: int,
) -> tuple[float | None, float | None, float | None]:
    import numpy as np
    from astropy.coordinates import FK4, FK5, ICRS, Galactic, SkyCoord
    from astropy.wcs import WCS

    system = WCS(header)
    if {system.wcs.lng, system.wcs.lat} != {0, 1}:
        return None, None, None
    across = np.array([(width - 1) / 2, -0.5, width - 0.5])
    up = np.array([(height - 1) / 2, -0.5, height - 0.5])
    points = system.celestial.pixel_to_world(across, up)
    of_stars = ICRS | FK5 | FK4 | Galactic
    if not isinstance(points, SkyCoord) or not isinstance(points.frame, of_stars):
        return None, None, None  # the Sun, a planet, the ground
    points = points.icrs
    ra, dec = float(points[0].ra.deg), float(points[0].dec.deg)
    field = float(points[1].separation(points[2]).deg)
    if not np.isfinite([ra, dec]).all():
        return None, None, None
    return ra, dec, field if np.isfinite(field) else None
