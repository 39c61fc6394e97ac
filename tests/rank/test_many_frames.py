"""A hundred thousand frames: time and memory grow as they should."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seeing.samples.night import Night, simulated
from seeing.video.ser_write import SerWriter, make_header

RANK = """
import json, resource, sys, threading, time
from pathlib import Path
import seeing
from seeing.video.open import open_video

peak = 0

def watch():
    global peak
    while True:
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))])
        time.sleep(0.05)

threading.Thread(target=watch, daemon=True).start()
with seeing.open(sys.argv[2]) as library:
    begun = time.process_time()
    ranking = library.rank_frames(sys.argv[1])
    seconds = time.process_time() - begun
    best = [int(number) for number in ranking.numbers[:10]]
print(json.dumps({"seconds": seconds, "private_mb": peak / 1024, "frames": len(ranking),
                  "best": best}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_hundred_thousand_frames_take_five_times_as_long_as_twenty_thousand(
    tmp_path: Path,
) -> None:
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] not in (-1, resource.RLIM_INFINITY):
        pytest.skip("files may not grow to 1.6 GB here")
    frames, _ = simulated(Night("rocky", frames=300, seed=3, light=1800))
    random = np.random.default_rng(0)
    told = {}
    for count in (20_000, 100_000):
        file = tmp_path / "many.ser"
        with SerWriter(file, make_header(128, 128, planes=1, depth=8)) as writer:
            for first in range(0, count, 1000):
                which = np.arange(first, first + 1000) % len(frames)
                noise = random.integers(-2, 3, (1000, 128, 128), np.int16)
                writer.write(np.clip(frames[which] + noise, 0, 255).astype(np.uint8))
        command = [sys.executable, "-c", RANK, str(file), str(tmp_path / str(count))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told[count] = json.loads(done.stdout)
        file.unlink()
    few, many = told[20_000], told[100_000]
    assert many["frames"] == 100_000
    assert many["private_mb"] < 1024
    assert many["seconds"] < 1.5 * 5 * few["seconds"] + 1
    best = int(np.bincount(np.array(many["best"]) % 300).argmax())
    assert few["best"][0] % 300 == best, "the same frame is best, with whatever noise"
