"""Seconds and peak memory of complete crystals, in a process of their own."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError
from nucleate.core.files import read_json, write_json
from nucleate_benchmarks.common.figures import Figure, Section
from nucleate_benchmarks.common.resources import measure


def timed_draw(model: str, count: int, seed: int, device: str) -> dict[str, Any]:
    """Draw and decode, as `nucleate sample` does, to canonical Wyckoff strings.

    Returns:
        `seconds` of drawing and writing (wall), `loading` (seconds until the model was there),
        `crystals` and the `device`.
    """
    from nucleate.latent.latent_model import LatentModel
    from nucleate_benchmarks.common.drawing import draw

    started = time.perf_counter()
    loaded = LatentModel.load(model, device)
    ready = time.perf_counter()
    crystals = draw(loaded, loaded.sampling(), count, seed)
    return {
        "seconds": time.perf_counter() - ready,
        "loading": ready - started,
        "crystals": sum(crystal is not None for crystal in crystals),
        "device": loaded.device.type,
    }


def speed_section(model: str, counts: tuple[int, ...], seed: int, device: str) -> Section:
    """Wall seconds and peak memory (whole process tree, libraries included) by count.

    Raises:
        ResultsError: the timed process failed.
    """
    figures = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "timed.json"
            this = [sys.executable, "-m", "nucleate_benchmarks.crystals.speed"]
            cost = measure([*this, model, str(count), str(seed), device, str(file)])
            if cost["exit_status"] != 0 or not file.is_file():
                raise ResultsError(f"timing {count} crystals ended with {cost['exit_status']}")
            found = read_json(file)
        load = f"load average before: {cost['load_before']}"
        how = f"prior to canonical strings, networks on {found['device']}; {load}"
        figures.append(Figure(f"seconds for {count:,} crystals", found["seconds"], count, note=how))
        peak = cost["peak_memory_gb"]
        whole = "1e9 bytes, libraries included"
        figures.append(Figure(f"peak memory of {count:,} crystals", peak, count, note=whole))
    note = "Each in a process of its own; the seconds leave out imports and loading."
    return Section("Speed", figures, note)


if __name__ == "__main__":
    name, number, seed_text, on, target = sys.argv[1:]
    write_json(Path(target), timed_draw(name, int(number), int(seed_text), on))
