"""How light is spread over a galaxy: the laws, each normalised to a total light of 1.

Every law returns surface brightness: multiplied by the area of a pixel it is that pixel's light.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def sersic_b(index: float) -> float:
    """Return b_n, with which the radius r_e holds half of the light of a Sersic profile.

    The root of P(2n, b) = 1/2, to rounding, for an index from 0.2 to 20: Newton's method from the
    series of Ciotti & Bertin 1999 (A&A 352, 447), which alone is 4e-5 off at n = 1.
    """
    n, order = index, 2 * index
    b = max(2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2), 0.05)
    for _ in range(6):
        slope = math.exp((order - 1) * math.log(b) - b - math.lgamma(order))
        b = max(b - (_gamma_share(order, b) - 0.5) / slope, b / 3)
    return b


def _gamma_share(order: float, b: float) -> float:
    """Return P(a, b), the regularised lower incomplete gamma function (DLMF 8.11.4, 8.2.4)."""
    term = math.exp(order * math.log(b) - b - math.lgamma(order + 1))
    total, step = term, 0
    while term > 1e-17 * total:
        step += 1
        term *= b / (order + step)
        total += term
    return total


def sersic(radius: Field, effective: float, index: float) -> Field:
    """Return I(r) = I_e exp(-b_n ((r / r_e)^(1/n) - 1)) (Sersic 1968).

    index 1 is an exponential disc, 4 is the law of de Vaucouleurs. The total light,
    2 pi n e^b b^(-2n) Gamma(2n) r_e^2 I_e (Graham & Driver 2005, equation 4), is 1 where the radius
    is that of circles; divide by the axis ratio where it is that of ellipses.
    """
    b = sersic_b(index)
    total = math.tau * index * b ** (-2 * index) * math.gamma(2 * index) * effective**2
    steps = (radius / np.float32(effective)) ** np.float32(1 / index)
    return single(np.exp(np.float32(-b) * steps) / np.float32(total))  # e^b cancels


def disc(radius: Field, scale: float) -> Field:
    """Return an exponential disc seen from above (Freeman 1970): a Sersic profile of index 1."""
    return single(np.exp(radius / np.float32(-scale)) / np.float32(math.tau * scale**2))


def disc_from_the_side(along: Field, above: Field, scale: float, height: float) -> Field:
    """Return an exponential disc with layers sech^2(z / height), seen edge-on and transparent.

    mu(x, z) ~ (x / h) K1(x / h) sech^2(z / z0) (van der Kruit & Searle 1981, A&A 95, 105, eq. 5).
    along, above: distance from the middle along the disc and above its plane.
    """
    spread = bessel_x_k1(single(np.abs(along) / np.float32(scale))) / np.float32(math.pi * scale)
    return single(spread * layers(above, height) / np.float32(2 * height))


def layers(above: Field, height: float) -> Field:
    """Return sech^2(z / height), 1 in the plane: the layers of a disc that holds itself together.

    van der Kruit & Searle 1981, equation 3. Cut at 40 heights, where cosh^2 would overflow.
    """
    return single(np.cosh(np.minimum(np.abs(above) / np.float32(height), 40.0)) ** -2)


def ferrers_bar(
    along: Field, across: Field, length: float, axis_ratio: float, *, boxiness: float = 3.0
) -> Field:
    """Return a bar (1 - m^2)^2 with generalised ellipses as its lines of equal light.

    m^c = |x / a|^c + |y / b|^c (Athanassoula et al. 1990, MNRAS 245, 130); c = 2 is an ellipse,
    larger is boxier. Profile of Ferrers with exponent 2; no light outside of m = 1.
    length: half the bar, a; axis_ratio: b / a.
    """
    width = length * axis_ratio
    power = np.float32(boxiness)
    m = np.abs(along / np.float32(length)) ** power + np.abs(across / np.float32(width)) ** power
    area = 4 * length * width * math.gamma(1 + 1 / boxiness) ** 2 / math.gamma(1 + 2 / boxiness)
    inside = np.clip(1 - m ** np.float32(2 / boxiness), 0, None)
    return single(inside**2 * np.float32(3 / area))


def ring(radius: Field, at: float, width: float) -> Field:
    """Return a ring whose light falls like a Gaussian of standard deviation `width`.

    Its total is 1 to better than 0.1 % where the radius is at least three widths.
    """
    total = math.tau * at * width * math.sqrt(math.tau)
    return single(np.exp(-0.5 * ((radius - at) / np.float32(width)) ** 2) / np.float32(total))


def arm_phase(radius: Field, angle: Field, pitch_deg: float, start: float) -> Field:
    """Return how far, in radians, a place lies ahead of the logarithmic spiral through `start`.

    The spiral r = r_0 exp(theta tan(pitch)) leaves radius `start` at angle 0; its pitch, the angle
    between arm and circle, is the same at every radius. A negative pitch winds the other way.
    """
    turned = np.log(np.maximum(radius, 1e-6) / np.float32(start))
    return single(angle - turned / np.float32(math.tan(math.radians(pitch_deg))))


def arm_crest(phase: Field, count: int, sharpness: float) -> Field:
    """Return what `count` arms make of an even disc: mean 1 around each circle.

    A von Mises profile, exp(k cos(count * phase)) / I0(k): k near 0 is a gentle wave, 5 a thin arm.
    """
    wave = np.cos(np.float32(count) * phase)
    mean = float(np.i0(sharpness)) * math.exp(-sharpness)
    return single(np.exp(np.float32(sharpness) * (wave - 1)) / np.float32(mean))


def bessel_x_k1(x: Field) -> Field:
    """Return x K1(x) for x >= 0, to 1e-6 (Abramowitz & Stegun 1964, 9.8.3, 9.8.7 and 9.8.8)."""
    small = single(np.clip(x, 1e-6, 2))
    t = single((small / 3.75) ** 2)
    i1_over_x = _polynomial(
        t, 0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411
    )
    u = single(small**2 / 4)
    near = small**2 * np.log(small / 2) * i1_over_x + _polynomial(
        u, 1, 0.15443144, -0.67278579, -0.18156897, -0.01919402, -0.00110404, -0.00004686
    )
    large = single(np.clip(x, 2, 80))
    far = np.sqrt(large) * np.exp(-large) * _polynomial(
        single(2 / large), 1.25331414, 0.23498619, -0.03655620, 0.01504268, -0.00780353,
        0.00325614, -0.00068245,
    )  # fmt: skip
    return single(np.where(x <= 2, near, far))


def _polynomial(x: Field, *coefficients: float) -> Field:
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + np.float32(coefficient)
    return total


def single(values: NDArray[Any]) -> Field:
    """Return values as float32, which is what everything here is computed in."""
    return values.astype(np.float32, copy=False)
