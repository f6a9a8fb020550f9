"""What searches over crystals start from: relaxed test crystals, references, regressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import InputError, SettingsError
from nucleate.core.parallel import default_processes
from nucleate.crystals.geometry.comparison import ELEMENTS, STRUCTURE, CrystalComparison
from nucleate.datasets.resumable import map_to_lines
from nucleate.settings.evolution import EvolutionSettings
from nucleate_benchmarks.crystals.controls import replayed
from nucleate_benchmarks.crystals.data import RECORDS, CrystalData, load
from nucleate_benchmarks.crystals.stability.energies import References, choose, labelled
from nucleate_benchmarks.crystals.stability.stability import CHUNK, Relaxing
from nucleate_benchmarks.search.latent_objectives import (
    GAP,
    Calculator,
    Chgnet,
    Density,
    Regression,
    Start,
    gap_regressions,
)
from nucleate_benchmarks.search.latent_run import Materials
from nucleate_benchmarks.search.latent_settings import CALCULATOR, NO_MODEL, LatentSearchSettings
from nucleate_benchmarks.search.pmo_run import resolve

Echo = Callable[[str], object]
REFIT = 20
"""Questions after which the surrogate's kernel is chosen anew: searches are short."""


class Preparation:
    """Everything that is the same for all searches.

    Args:
        echo: told what is being done.
    """

    def __init__(self, settings: LatentSearchSettings, echo: Echo = lambda _: None):
        self.settings, self.echo = settings, echo
        self.processes = settings.processes or default_processes()
        self.work = Path(settings.work)
        self.objectives: list[str] = list(dict.fromkeys(settings.objectives))

    @cached_property
    def device(self) -> str:
        from nucleate.vae.training.evaluation import choose_device

        return str(choose_device(self.settings.device).type)

    @cached_property
    def how(self) -> Relaxing:
        return Relaxing(self.settings.force, self.settings.steps, True, self.device)

    @cached_property
    def calculator(self) -> Calculator:
        if self.settings.calculator_source == CALCULATOR:
            return Chgnet(self.how)
        made: Calculator = resolve(self.settings.calculator_source)(self.how)
        return made

    @cached_property
    def data(self) -> CrystalData:
        return load(self.settings.features, self.settings.energy, self.settings.limit)

    @cached_property
    def model(self) -> dict[str, Any]:
        """Name and digest; empty without one."""
        from nucleate.latent.pretrained import model_digest, model_folder

        name = self.settings.model
        if name == NO_MODEL:
            return {}
        return {"name": name, "digest": model_digest(model_folder(name))}

    @property
    def workers(self) -> int:
        """Processes: one where there is a GPU."""
        return self.processes if self.device == "cpu" else 1

    def _kept(self, function: Any, crystals: Sequence[str], file: Path, chunk: int) -> list[Any]:
        return map_to_lines(function, crystals, file, processes=self.workers, chunk=chunk)

    @cached_property
    def references(self) -> References:
        entries = labelled(self.data)
        chosen = entries.rows(choose(entries.crystals, self.settings.references, 0))
        self.echo(f"energies of {len(chosen)} crystals for the references")
        file = self.work / "energies.jsonl"
        found = self._kept(self.calculator.single_points, chosen.crystals, file, 32)
        return References.fit(chosen.crystals, np.array(found, np.float64) - chosen.energies)

    @cached_property
    def materials(self) -> Materials:
        s = self.settings
        test = self.data.test.crystals
        settings = EvolutionSettings(initial=s.initial, pool=0, refit=REFIT)
        return Materials(
            model=self.model.get("name"),
            device=self.device,
            calculator=self.calculator,
            references=self.references,
            densities=Density(np.zeros(0)).search_values(test),
            gaps=self._gaps() if GAP in self.objectives else None,
            train=self.data.train.crystals,
            known=[crystal for part in self.data.parts for crystal in part.crystals],
            searchers=s.searcher_source,
            settings=settings,
        )

    def _gaps(self) -> tuple[Regression, Regression]:
        from nucleate.datasets import tables

        self.echo("fit regressions of the band gap")
        table = tables.read(Path(self.settings.features).expanduser() / RECORDS).to_pandas()
        if self.settings.gap not in table.columns:
            raise SettingsError(
                f"{self.settings.features}: no property column {self.settings.gap!r}; featurize "
                f"with it, or leave the objective {GAP} out"
            )
        own = set(self.data.train.crystals) | set(self.data.validation.crystals)
        rows = table[table["structure"].isin(own) & table[self.settings.gap].notna()]
        gaps = rows[self.settings.gap].to_numpy(np.float64)
        return gap_regressions(rows["structure"].tolist(), gaps, self.settings.seed)

    @cached_property
    def starts(self) -> list[Start]:
        """Test crystals that can be relaxed, with what each objective needs.

        Raises:
            InputError: there is none.
        """
        s = self.settings
        order = replayed(self.data.test.crystals, len(self.data.test), s.seed)
        found: list[Start] = []
        place = 0
        file = self.how.file(self.work)
        assert file is not None
        while len(found) < s.starts and place < len(order):
            part = order[place : place + s.starts - len(found)]
            place += len(part)
            self.echo(f"relax {len(part)} starts")
            for crystal, row in zip(
                part, self._kept(self.calculator.relax, part, file, CHUNK), strict=True
            ):
                if row["crystal"] and row["energy"] is not None:
                    energy = float(row["energy"])
                    found.append(Start(len(found), crystal, row["crystal"], energy))
        if not found:
            raise InputError(
                f"none of {place} test crystals could be relaxed: nothing to start from"
            )
        return self._completed(found)

    def _completed(self, starts: Sequence[Start]) -> list[Start]:
        """With judged values, targets and neighbours; those without a judged value are left out."""
        judged: dict[str, NDArray[np.float64]] = {}
        for name in self.objectives:
            energies = np.array([start.energy for start in starts], np.float64)
            # The judge of band gaps is none of the model's.
            objective = self.materials.objective(name, None)
            judged[name] = objective.judge_values([start.relaxed for start in starts], energies)
        bad = {name: int((~np.isfinite(values)).sum()) for name, values in judged.items()}
        missing = ", ".join(f"{name} of {count}" for name, count in bad.items() if count)
        if missing:
            self.echo(f"of {len(starts)} relaxed starts the judge has no value: {missing}")
        if not np.isfinite(np.stack(list(judged.values()))).all(0).any():
            raise InputError(
                f"no start is left of {len(starts)} that were relaxed: the judge has no value of "
                f"{missing}. More --starts or, where elements lack an energy, more --references "
                "may help"
            )
        near = self._near([start.crystal for start in starts])
        out = []
        for row, start in enumerate(starts):
            values = {name: float(judged[name][row]) for name in self.objectives}
            if not np.isfinite(list(values.values())).all():
                continue
            targets = {}
            for name, value in values.items():
                rng = np.random.default_rng([self.settings.seed, start.number])
                target = self.materials.objective(name, None).target(value, rng)
                if target is not None:
                    targets[name] = target
            out.append(replace(start, near=near[row], judged=values, targets=targets))
        return out

    def _near(self, crystals: Sequence[str]) -> list[tuple[str, ...]]:
        """Training crystals nearest to each, nearest first."""
        train = self.data.train.crystals
        count = min(self.settings.near, len(train))
        if not count:
            return [()] * len(crystals)
        self.echo(f"look for neighbours among {len(train):,} training crystals")
        comparison = CrystalComparison()
        both = []
        for part in (train, crystals):
            found = comparison.features(part, [ELEMENTS, STRUCTURE])
            both.append(np.concatenate([found[ELEMENTS], found[STRUCTURE]], axis=1))
        centre, spread = both[0].mean(0), np.maximum(both[0].std(0), 1e-6)
        points, asked = ((rows - centre) / spread for rows in both)
        out = []
        for row in asked:
            distance = ((points - row) ** 2).sum(1)
            nearest = np.argsort(distance, kind="stable")[:count]
            out.append(tuple(train[i] for i in nearest.tolist()))
        return out
