"""Whether references are told apart: right, mirrored, and of another object.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/references.py [NIGHTS]

Ten nights (or NIGHTS) of each object, 300 frames at 1,800 electrons, D/r0 4.5 to 6.5. Each meets
the processed picture of an earlier night, turned by 7 + 13 i degrees, 1.08 - 0.03 i times as large
(i = 0..9): as it is, mirrored, and that of another object (the two others in turn). Prints a table
in Markdown: how many were taken for what they are, and the range of their agreement; with what
went wrong below it. Takes three minutes.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from ranking import OBJECTS, Held

from seeing.planet import inband
from seeing.planet.flags import find_flags
from seeing.planet.reference import USED, Registered, register_reference
from seeing.planet.survey import Survey
from seeing.planet.watch import Watching, survey_video
from seeing.samples.night import Night, simulated
from seeing.samples.processed import processed_reference

FRAMES, LIGHT = 300, 1800
SEEINGS = (4.5, 5.5, 6.5)
CASES = ("right", "mirrored", "other object")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one reference; sound: it was taken for what it is."""

    night: str
    sound: bool
    found: Registered


def turned(i: int) -> tuple[float, float]:
    """Return the turn (degrees) and the scale of the i-th reference."""
    return 7.0 + 13.0 * i, 1.08 - 0.03 * i


def pictures(i: int) -> dict[str, np.ndarray]:
    """Return the i-th reference of each object, mirrored ones as `NAME mirrored`."""
    turn, scale = turned(i)
    shown = {
        what: processed_reference(what, 77 + i, turn=turn, scale=scale) / np.float32(255)
        for what in OBJECTS
    }
    # mirroring comes last in a reference: nothing else changes
    return shown | {f"{what} mirrored": shown[what][:, ::-1] for what in OBJECTS}


def meet(survey: Survey, own_best: np.ndarray, picture: np.ndarray) -> Registered:
    return register_reference(
        np.ascontiguousarray(picture, np.float32), own_best, survey.scene
    )  # fmt: skip


def sound(case: str, found: Registered) -> bool:
    """Tell whether a reference was taken for what it is.

    A right one may also be called featureless, which is no mirror; another object may be called
    another side of this one: either falls back to the video itself.
    """
    if case == "right":
        return found.verdict in USED and found.verdict != "mirrored"
    if case == "mirrored":
        return found.verdict == "mirrored"
    return found.verdict not in USED


def main(nights: int = 10) -> None:
    outcomes: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for i in range(nights):
        shown = pictures(i)
        for place, what in enumerate(OBJECTS):
            seeing = SEEINGS[i % len(SEEINGS)]
            night = Night(what, FRAMES, seed=300 + i, seeing=seeing, light=LIGHT)
            held = Held(simulated(night)[0].astype(np.uint8))
            survey = survey_video(held, Watching())
            own_best = inband.own_best(survey, ~find_flags(survey).any)
            other = OBJECTS[(place + 1 + i % 2) % len(OBJECTS)]
            for case, name in zip(CASES, (what, f"{what} mirrored", other), strict=True):
                found = meet(survey, own_best, shown[name])
                told = f"{what}, night {i}, D/r0 {seeing}, with {name}"
                outcomes[case, what].append(Outcome(told, sound(case, found), found))
    print("| reference | giant | rocky planet | Moon | agreement | the other handedness |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        every = [one for what in OBJECTS for one in outcomes[case, what]]
        counts = [
            f"{sum(one.sound for one in outcomes[case, what])} of {len(outcomes[case, what])}"
            for what in OBJECTS
        ]
        peaks = [one.found.best.peak for one in every]
        others = [one.found.other.peak for one in every]
        print(
            f"| {case} | {' | '.join(counts)} | {min(peaks):.2f} to {max(peaks):.2f} "
            f"| {min(others):.2f} to {max(others):.2f} |"
        )
    for case in CASES:
        for what in OBJECTS:
            for one in outcomes[case, what]:
                if not one.sound:
                    found = one.found
                    print(
                        f"{case}: {one.night}: called {found.verdict}, agreement "
                        f"{found.best.peak:.3f} ({found.other.peak:.3f} the other way round)"
                    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
