"""`nucleate benchmark molecules`: our table, MOSES and GuacaMol, of a model or a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.core.parallel import default_processes
from nucleate.latent.latent_model import LatentModel
from nucleate_benchmarks.common import controls, figures
from nucleate_benchmarks.common.drawing import draw
from nucleate_benchmarks.common.figures import Section, combined
from nucleate_benchmarks.common.suites import Echo, SuiteBenchmark, model_facts
from nucleate_benchmarks.molecules import data, guacamol, moses, table
from nucleate_benchmarks.molecules.filters import WITHOUT_MCF, molsets_folder
from nucleate_benchmarks.molecules.settings import BenchmarkSettings

Samples = Sequence[str | None]
Measure = Callable[[Samples], dict[str, float]]
TITLES = {
    "moses": "MOSES",
    "guacamol": "GuacaMol, distribution learning",
}


class Benchmark(SuiteBenchmark):
    """One run over the suites; parts that several of them need are made once.

    Args:
        settings: what to measure.
        echo: told what is being done.
        finished: given each section when it is complete.
    """

    title = "Benchmark: molecules"

    def __init__(
        self, settings: BenchmarkSettings, echo: Echo, finished: Callable[[Section], None]
    ):
        super().__init__(echo, finished)
        self.settings = settings
        self.processes = settings.processes or default_processes()
        self._draws: dict[int, Samples] = {}

    @cached_property
    def model(self) -> LatentModel | None:
        if self.settings.model is None:
            return None
        model = LatentModel.load(self.settings.model, self.settings.device)
        if model.matter.name != "molecules":
            raise SettingsError(f"{self.settings.model}: holds {model.matter.name}, not molecules")
        return model

    @property
    def device(self) -> str:
        """Where ChemNet and similarities run."""
        from nucleate.vae.training.evaluation import choose_device

        return choose_device(self.settings.device).type

    def _load(self, source: str, role: data.Role) -> data.MoleculeSet:
        self.echo(f"read {role} molecules from {source}")
        s = self.settings
        return data.load(source, role, s.mirror, self.processes, s.limit)

    @cached_property
    def train(self) -> data.MoleculeSet:
        return self._load(self.settings.train, "train")

    @cached_property
    def test(self) -> data.MoleculeSet:
        return self._load(self.settings.test, "test")

    @cached_property
    def known(self) -> frozenset[str]:
        """The training set, for novelty."""
        return frozenset(self.train.smiles)

    def _profile(self, smiles: Sequence[str]) -> moses.Profile:
        return moses.profile(smiles, self.processes, self.device)

    @cached_property
    def test_profile(self) -> moses.Profile:
        self.echo(f"describe {len(self.test.smiles):,} test molecules")
        return self._profile(self.test.smiles)

    @cached_property
    def seeds(self) -> list[int]:
        return [self.settings.seed + i for i in range(self.settings.seeds)]

    @property
    def largest(self) -> int:
        """Draws of each seed that the suites need."""
        others = {"moses", "guacamol"} & set(self.settings.suites)
        own = self.settings.table.samples if "table" in self.settings.suites else 0
        return max(own, self.settings.samples if others else 0)

    @cached_property
    def own_samples(self) -> Samples | None:
        if self.settings.samples_file is None:
            return None
        return data.read_samples(Path(self.settings.samples_file))

    def draws(self, count: int) -> list[Samples]:
        """Samples of each seed; the file's own, once, where there is no model."""
        if self.own_samples is not None:
            return [self.own_samples[:count]]
        if self.model is None:
            raise SettingsError("neither a model nor samples")
        for seed in self.seeds:
            if seed not in self._draws:
                self.echo(f"draw {self.largest:,} samples with seed {seed}")
                self._draws[seed] = draw(self.model, self.model.sampling(), self.largest, seed)
        return [self._draws[seed][:count] for seed in self.seeds]

    @cached_property
    def _made(self) -> dict[str, Samples]:
        if not self.settings.controls:
            return {}
        self.echo("make the controls")
        seed, largest = self.settings.seed, self.largest
        if self.own_samples is not None:
            largest = min(largest, len(self.own_samples))
        edited, at_random = controls.perturbed_and_random(
            self.train.smiles, largest, seed, self.processes
        )
        return {
            "training set replayed": controls.replayed(self.train.smiles, largest, seed),
            "training set perturbed": edited,
            "random SELFIES": at_random,
        }

    def measured(self, name: str, count: int, measure: Measure) -> tuple[list[Any], dict[str, Any]]:
        """A suite's numbers of each seed's samples and of each control."""
        runs = []
        for position, samples in enumerate(self.draws(count)):
            self.echo(f"{name}: samples {position + 1}")
            runs.append(measure(samples))
        beside = {}
        for control, samples in self._made.items():
            self.echo(f"{name}: {control}")
            beside[control] = measure(samples[:count])
        return runs, beside

    def sample_count(self, count: int) -> int:
        """Samples that a figure rests on."""
        return count if self.own_samples is None else min(count, len(self.own_samples))

    def run_table(self) -> None:
        """Our own table."""
        s = self.settings
        if self.model is not None:
            sections, details = table.codec_section(
                self.model,
                self.test.smiles,
                self.train.smiles,
                s.table,
                s.seed,
                self.processes,
                self.echo,
            )
            self.details |= details
            for section in sections:
                self.add(section)
        count = s.table.samples
        runs, beside = self.measured(
            "table",
            count,
            lambda samples: table.generation_figures(
                samples, self.test_profile, self.known, self.processes, self.device
            ),
        )
        section = table.generation_section(
            runs, beside, self.test_profile, self.sample_count(count)
        )
        if self.model is not None and s.table.timed:
            self.echo("time 10,000 samples")
            section.figures.append(table.speed_figure(self.model, s.seed))
        self.add(section)

    def run_moses(self) -> None:
        """MOSES' metrics."""
        source = data.scaffold_source(self.settings.test)
        held = None if source is None else self._profile(self._load(source, "test").smiles)
        runs, beside = self.measured(
            "MOSES",
            self.settings.samples,
            lambda samples: moses.moses_metrics(
                samples,
                self.test_profile,
                self.known,
                held,
                processes=self.processes,
                device=self.device,
            ),
        )
        note = (
            "Definitions: molsets 0.3.1. The last four before Novelty are Wasserstein-1 distances."
        )
        if molsets_folder() is None:
            note += f" {WITHOUT_MCF}."
        self._add("moses", runs, beside, note)

    def run_guacamol(self) -> None:
        """GuacaMol's metrics."""
        self.echo("describe training molecules for GuacaMol")
        known = guacamol.reference(self.train.smiles, processes=self.processes, device=self.device)
        runs, beside = self.measured(
            "GuacaMol",
            self.settings.samples,
            lambda samples: guacamol.guacamol_metrics(
                samples, known, processes=self.processes, device=self.device
            ),
        )
        note = (
            "Definitions: guacamol 0.5.5, on the first 10,000 samples; `KL divergence` and `FCD` "
            "are scores (1 is best), `KL NAME` nats."
        )
        self._add("guacamol", runs, beside, note)

    def _add(self, suite: str, runs: list[Any], beside: Mapping[str, Any], note: str) -> None:
        rows = combined(runs, self.sample_count(self.settings.samples), beside)
        self.add(Section(TITLES[suite], rows, note))

    def suites(self) -> Mapping[str, Callable[[], None]]:
        return {"table": self.run_table, "moses": self.run_moses, "guacamol": self.run_guacamol}

    def load(self) -> None:
        _ = self.model, self.own_samples, self.test, self.train

    def head(self, command: str) -> dict[str, Any]:
        out = figures.surroundings(command)
        if self.model is not None:
            out["model"] = model_facts(str(self.settings.model), self.model)
        else:
            out["samples"] = self.settings.samples_file
        out["training set"] = self.train.summary()
        known = sum(smiles in self.known for smiles in self.test.smiles)
        out["test set"] = {**self.test.summary(), "in the training set": known}
        out["seeds"] = self.seeds if self.own_samples is None else [self.settings.seed]
        return out


def run(
    settings: BenchmarkSettings,
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
        InputError, DatasetError: training, test or sample molecules cannot be had.
        CheckpointError: the model cannot.
        ResultsError: the files cannot be written.
    """
    return Benchmark(settings, echo, finished).run(settings.suites, out, command)
