"""`nucleate benchmark crystals`: a crystal model by the field's protocols, beside its controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core import progress
from nucleate.core.errors import SettingsError
from nucleate.core.parallel import default_processes
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import DrawSettings
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.common.drawing import decode
from nucleate_benchmarks.common.figures import Section
from nucleate_benchmarks.common.suites import Echo, SuiteBenchmark, model_facts
from nucleate_benchmarks.crystals import controls, generation, reconstruction
from nucleate_benchmarks.crystals.data import CrystalData, Region, load
from nucleate_benchmarks.crystals.draw_inside import draw_inside
from nucleate_benchmarks.crystals.settings import CrystalBenchmarkSettings
from nucleate_benchmarks.crystals.speed import speed_section
from nucleate_benchmarks.crystals.stability import stability, success
from nucleate_benchmarks.crystals.stability.energies import (
    EnergyReference,
    build_ruler,
    labelled,
    missing_elements,
)
from nucleate_benchmarks.crystals.validity import describe_all

Samples = Sequence[str | None]


class CrystalBenchmark(SuiteBenchmark):
    """One run over the suites; parts that several of them need are made once.

    Args:
        settings: what to measure.
        work: folder of costly results, with which a killed run goes on.
        echo: told what is being done.
        finished: given each section when it is complete.
    """

    title = "Benchmark: crystals"

    def __init__(
        self,
        settings: CrystalBenchmarkSettings,
        work: Path,
        echo: Echo,
        finished: Callable[[Section], None],
    ):
        super().__init__(echo, finished)
        self.settings, self.work = settings, work
        self.processes = settings.processes or default_processes()
        self._draws: dict[int, Samples] = {}

    @cached_property
    def model(self) -> LatentModel:
        model = LatentModel.load(self.settings.model, self.settings.device)
        if model.matter.name != "crystals":
            raise SettingsError(f"{self.settings.model}: holds {model.matter.name}, not crystals")
        return model

    @cached_property
    def data(self) -> CrystalData:
        return load(self.settings.features, self.settings.energy, self.settings.limit)

    @cached_property
    def region(self) -> Region:
        """Of the samples that are measured, and of their controls."""
        return Region.of(self.data.test.crystals) if self.settings.region == "test" else Region()

    @cached_property
    def known_inside(self) -> list[str]:
        """Training crystals inside the region."""
        return self.region.those_inside(self.data.train.crystals)

    @cached_property
    def seeds(self) -> list[int]:
        return [self.settings.seed + i for i in range(self.settings.seeds)]

    @property
    def device(self) -> str:
        """Where CHGNet runs."""
        return self.model.device.type

    @contextmanager
    def _shown(
        self, text: str, total: int, unit: str = "crystal"
    ) -> Iterator[Callable[[int], Any]]:
        self.echo(f"{text}: {total:,}")
        with progress.bar(description=text, total=total, unit=unit) as bar:
            yield bar.update

    # Samples

    def _draw(self, count: int) -> list[Samples]:
        """Samples of each seed."""
        s = self.settings
        wanted = {"generation": s.samples, "stability": s.stability.count}
        largest = max(number for suite, number in wanted.items() if suite in s.suites)
        for seed in self.seeds:
            if seed not in self._draws:
                self._draws[seed] = self._drawn(largest, seed)
        return [self._draws[seed][:count] for seed in self.seeds]

    def _drawn(self, count: int, seed: int) -> Samples:
        """Draws inside the region, and those that became no crystal."""
        self.echo(f"draw {count:,} samples with seed {seed}: {self.region}")
        found, share = draw_inside(self.model, self.model.sampling(), self.region, count, seed)
        self.details.setdefault("share of draws inside the region", {})[seed] = share
        return found

    # Suites

    def run_reconstruction(self) -> None:
        """CDVAE's match rate and rms of the test split."""
        chosen = controls.replayed(
            self.data.test.crystals,
            self.settings.reconstruct or len(self.data.test),
            self.settings.seed,
        )
        self.echo(f"rebuild {len(chosen):,} test crystals")
        truth = reconstruction.Truth.of(chosen)
        beside = {}
        if self.settings.controls:
            made = reconstruction.made_without_model(
                chosen, self.data.train.crystals, self.settings.seed
            )
            for name, crystals in made.items():
                self.echo(f"compare: {name}")
                beside[name] = reconstruction.numbers(truth, crystals, self.processes)
        latents, refused = self.model.encode(chosen)
        reasons = dict(Counter(error.reason for error in refused.values()))
        ways: dict[str, tuple[NDArray[np.float32], DrawSettings | None]] = {
            "Reconstruction of the test split": (latents, None),
            "Reconstruction, refined as samples are": (latents, self.model.sampling()),
        }
        if steps := self.settings.inference_steps:
            self.echo(f"improve {len(chosen):,} latent vectors by {steps} gradient steps")
            improved = self.model.encode(chosen, steps)[0]
            title = f"Reconstruction, latent vectors improved by {steps} gradient steps"
            ways[title] = (improved, None)
        for title, (vectors, refine) in ways.items():
            self.echo(f"compare: {title}")
            rebuilt = decode_rows(self.model, vectors, refine)
            self.add(reconstruction.section(title, truth, rebuilt, beside, reasons, self.processes))

    def run_generation(self) -> None:
        """Validity, coverage and distributions of prior samples."""
        s = self.settings
        test = controls.replayed(self.data.test.crystals, s.reference or len(self.data.test), 0)
        file = self.work / "fingerprints.jsonl"
        with self._shown("fingerprints of test crystals", len(test)) as done:
            vectors = generation.fingerprints(test, file, self.processes, done)
        yardstick = generation.ReferenceStatistics(
            [one for one in describe_all(test) if one.legal],
            vectors,
            self.data.train.crystals,
            s.cutoffs or self.data.cutoffs(),
            file,
            self.processes,
        )

        def measured(name: str, samples: Samples) -> dict[str, float]:
            with self._shown(f"measure {name}", len(samples)) as done:
                yardstick.done = done
                return generation.numbers(samples, yardstick)

        draws = self._draw(s.samples)
        runs = [measured(f"samples {i + 1}", samples) for i, samples in enumerate(draws)]
        made: dict[str, Samples] = {}
        if s.controls:
            made = generation.made_without_model(
                self.known_inside, self.data.test.crystals, s.samples, s.seed
            )
        beside = {name: measured(name, samples) for name, samples in made.items()}
        self.add(generation.section(runs, beside, s.samples, yardstick, self._inside()))

    @cached_property
    def ruler(self) -> EnergyReference:
        """CHGNet's energies on the data's scale, and the data's hull."""
        count = self.settings.stability.references
        with self._shown("CHGNet energies for the references", count) as done:
            ruler = build_ruler(
                self.data, count, 0, self.work / "energies.jsonl", self.processes, self.device, done
            )
        self.details["references"] = {
            **ruler.references.summary(),
            "elements without": missing_elements(ruler.references),
        }
        return ruler

    def run_stability(self) -> None:
        """Stable, unique and novel samples, relaxed with CHGNet."""
        s = self.settings.stability
        how = stability.Relaxing(s.force, s.steps, s.keep_symmetry, self.device)
        ruler, known = self.ruler, self.data.train.crystals

        def measured(name: str, samples: Samples) -> stability.Outcome:
            present = [crystal for crystal in samples if crystal is not None]
            with self._shown(f"relax {name}", len(present)) as done:
                found = stability.relax_all(present, how, self.work, self.processes, done)
            rows = iter(found)
            outcome = stability.measure(
                samples,
                [None if crystal is None else next(rows) for crystal in samples],
                ruler,
                known,
                s.threshold,
                self.settings.seed,
                self.processes,
            )
            self.details.setdefault("stability", {})[name] = outcome.reasons
            return outcome

        draws = self._draw(s.count)
        outcomes = [measured(f"samples {i + 1}", samples) for i, samples in enumerate(draws)]
        beside = {}
        if self.settings.controls:
            seed = self.settings.seed
            made = {
                "test crystals": controls.replayed(self.data.test.crystals, s.count, seed),
                "training replay": controls.replayed(self.known_inside, s.count, seed),
            }
            beside = {name: measured(name, samples) for name, samples in made.items()}
        self.add(
            stability.section(outcomes, beside, s.count, s.threshold, how, ruler, self._inside())
        )

    def _inside(self) -> str:
        """Which draws are measured, for the notes."""
        if self.settings.region == "any":
            return "All draws."
        shares = self.details["share of draws inside the region"].values()
        mean = sum(shares) / len(shares)
        return f"Of the draws those are measured that are {self.region}: {mean:.3f} of all."

    def run_optimisation(self) -> None:
        """CDVAE's success rates of latent optimisation."""
        s = self.settings.optimisation
        how = stability.Relaxing(steps=s.relaxing, device=self.device) if s.relaxing else None
        judge = success.Judge(self.ruler.references, self.work, self.processes, self.device, how)
        run = success.Searches(
            self.model, self.data, s, judge, self.settings.seed, self.echo, self._shown
        )
        for section in run.sections(self.settings.controls):
            self.add(section)

    def run_speed(self) -> None:
        """Seconds and peak memory."""
        self.echo(f"time {', '.join(f'{count:,}' for count in self.settings.speed)} crystals")
        s = self.settings
        self.add(speed_section(s.model, s.speed, s.seed, s.device))

    def suites(self) -> Mapping[str, Callable[[], None]]:
        return {
            "reconstruction": self.run_reconstruction,
            "generation": self.run_generation,
            "stability": self.run_stability,
            "optimisation": self.run_optimisation,
            "speed": self.run_speed,
        }

    def load(self) -> None:
        _ = self.model, self.data
        if {"stability", "optimisation"} & set(self.settings.suites):
            labelled(self.data)

    def head(self, command: str) -> dict[str, Any]:
        return {
            **figures.surroundings(command),
            "model": model_facts(self.settings.model, self.model),
            "data": self.data.summary(),
            "seeds": self.seeds,
        }


def decode_rows(
    model: LatentModel, latents: NDArray[np.float32], refine: DrawSettings | None = None
) -> list[str | None]:
    """Greedy decodes of latent vectors [n, D]; None for rows with NaN.

    Args:
        refine: see `LatentModel.decode`.
    """
    rebuilt: list[str | None] = [None] * len(latents)
    kept = np.flatnonzero(np.isfinite(latents).all(axis=1)).tolist()
    for place, crystal in zip(kept, decode(model, latents[kept], refine=refine), strict=True):
        rebuilt[place] = crystal
    return rebuilt


def run(
    settings: CrystalBenchmarkSettings,
    out: Path,
    command: str,
    echo: Echo = lambda _: None,
    finished: Callable[[Section], None] = lambda _: None,
) -> tuple[dict[str, Any], list[Path]]:
    """Measure, and write `OUT.json` and `OUT.md` whenever a section is complete.

    Args:
        command: the line that people can repeat.
        echo: told what is being done.
        finished: given each section when it is complete.

    Returns:
        What the JSON file holds, and both paths.

    Raises:
        InputError, SettingsError: the features cannot be read or lack what a suite needs.
        CheckpointError: the model cannot be read.
        ResultsError: the files cannot be written.
    """
    stem = out.with_suffix("") if out.suffix in (".json", ".md") else out
    work = Path(settings.work) if settings.work else stem.with_name(stem.name + ".work")
    return CrystalBenchmark(settings, work, echo, finished).run(settings.suites, out, command)
