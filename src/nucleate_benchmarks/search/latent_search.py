"""`nucleate benchmark latent`: searches over crystals from random starts, judged after relaxation.

From each of 100 random test crystals a search of its own asks an objective about at most 100
crystals, in batches of ten. It is told the start's own value first. A judge then looks at its three
best novel crystals after relaxation: the start succeeds if one of them is valid, novel, and has
reached the goal. Starts that are done are kept, so that a killed run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError
from nucleate.core.files import digest, read_json
from nucleate.core.parallel import map_ordered
from nucleate.datasets.resumable import LineLog, cut_torn_line
from nucleate_benchmarks.common import figures
from nucleate_benchmarks.search import latent_search_report
from nucleate_benchmarks.search.latent_run import Block, head_of, prepare, search_block
from nucleate_benchmarks.search.latent_settings import NO_MODEL, LatentSearchSettings
from nucleate_benchmarks.search.latent_starts import Echo, Preparation
from nucleate_benchmarks.search.pmo_run import beside, check_known, check_model


class LatentSearchBenchmark:
    """The searches that settings ask for.

    Args:
        echo: told what is being done.
    """

    def __init__(self, settings: LatentSearchSettings, echo: Echo = lambda _: None):
        self.settings, self.echo = settings, echo
        self.prepared = Preparation(settings, echo)
        self.samplers = list(dict.fromkeys(settings.samplers))

    def file(self, objective: str, sampler: str) -> Path:
        """Rows of one searcher on one objective; another file if anything differs."""
        s = self.settings
        manifest = Path(s.features).expanduser() / "manifest.json"
        key = digest(
            [
                self.prepared.model.get("digest"),
                read_json(manifest).get("key") if manifest.is_file() else s.features,
                [s.calls, s.batch, s.near, s.initial, s.references, s.force, s.steps, s.limit],
                [s.energy, s.gap, s.searcher_source, s.calculator_source],
            ]
        )
        return self.prepared.work / "searches" / f"{objective}-{sampler}-{s.seed}-{key[:8]}.jsonl"

    def rows(self, objective: str, sampler: str) -> list[dict[str, Any]]:
        """What is known of the searches from these settings' starts, by start."""
        known = read_rows(self.file(objective, sampler))
        return [known[n] for n in sorted(known) if n < self.settings.starts]

    def blocks(self) -> list[Block]:
        """What is left to do, the first objective's searchers first."""
        s = self.settings
        out = []
        for objective in self.prepared.objectives:
            for sampler in self.samplers:
                path = self.file(objective, sampler)
                cut_torn_line(path)
                known = read_rows(path)
                left = [start for start in self.prepared.starts if start.number not in known]
                for first in range(0, len(left), s.together):
                    part = tuple(left[first : first + s.together])
                    out.append(Block(objective, sampler, part, s.calls, s.batch, s.seed))
        return out

    def run_all(self, ended: Callable[[], object]) -> None:
        """Do every search that is left, and keep its row."""
        blocks = self.blocks()
        if not blocks:
            return
        count = sum(len(block.starts) for block in blocks)
        at_once = min(self.prepared.workers, len(blocks))
        self.echo(f"{count} {'search' if count == 1 else 'searches'} to do, {at_once} at once")
        done = 0
        for block, rows in zip(blocks, self._results(blocks), strict=True):
            self._append(self.file(block.objective, block.sampler), rows)
            done += len(rows)
            won = sum(row["success"] for row in rows)
            self.echo(
                f"{done} of {count}: {block.sampler} on {block.objective}: {won} of {len(rows)}"
            )
            ended()

    def _results(self, blocks: Sequence[Block]) -> Iterator[list[dict[str, Any]]]:
        return map_ordered(
            search_block,
            blocks,
            processes=self.prepared.workers,
            initializer=prepare,
            arguments=(self.prepared.materials,),
        )

    def _append(self, path: Path, rows: Sequence[dict[str, Any]]) -> None:
        try:
            with LineLog(path) as log:
                log.write(*rows)
        except OSError as error:
            raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error

    def head(self, command: str) -> dict[str, Any]:
        """Everything that a figure must carry besides itself."""
        s = self.settings
        head: dict[str, Any] = {
            **figures.surroundings(command),
            "model": self.prepared.model or NO_MODEL,
            "data": self.prepared.data.summary(),
            "seed": s.seed,
            "starts": len(self.prepared.starts),
            "calls": s.calls,
            "batch": s.batch,
            "near": f"{s.near} training crystals, {max(0, s.initial - 1)} of them asked first",
            "relaxation": f"symmetry kept, {s.force:g} eV/A, at most {s.steps} steps",
            "references": self.prepared.references.summary(),
        }
        if self.prepared.materials.gaps is not None:
            asks, judges = self.prepared.materials.gaps
            head["band gaps"] = {
                "labels of the asked": asks.labels,
                "of the judge": judges.labels,
                "R2 on the other's": f"{asks.r2 or 0:.3f}, {judges.r2 or 0:.3f}",
                "asked": "the model's head" if self._own_head() else "regression",
            }
        return head

    def _own_head(self) -> bool:
        from nucleate.latent.latent_model import LatentModel

        model = self.prepared.model
        return bool(model) and head_of(LatentModel.load(model["name"], "cpu")) is not None


def read_rows(path: Path) -> dict[int, dict[str, Any]]:
    """Rows of a file by start; a line cut by a kill is left out."""
    rows: dict[int, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                rows[int(row["start"])] = row
            except (ValueError, KeyError, TypeError):
                continue
    return rows


def run(
    settings: LatentSearchSettings, out: Path, command: str, echo: Echo = lambda _: None
) -> tuple[dict[str, Any], list[Path]]:
    """Do the searches, and write `OUT.json` and `OUT.md` as they end.

    Args:
        command: the line that people can repeat.
        echo: told what is being done.

    Returns:
        What the JSON file holds, and both paths.

    Raises:
        InputError, SettingsError: the features cannot be read or lack what an objective needs, a
            sampler is unknown or needs a model, or no test crystal can be a start.
        CheckpointError: the model cannot be read.
        ResultsError: the files cannot be written.
    """
    benchmark = LatentSearchBenchmark(settings, echo)
    # Before hours of work: what cannot be had is said at once.
    _check_samplers(settings)
    _ = benchmark.prepared.model, benchmark.prepared.data
    head = benchmark.head(command)

    def report() -> tuple[dict[str, Any], list[Path]]:
        found = {
            objective: {s: benchmark.rows(objective, s) for s in benchmark.samplers}
            for objective in benchmark.prepared.objectives
        }
        return latent_search_report.write(out, head, found)

    benchmark.run_all(report)
    return report()


def _check_samplers(settings: LatentSearchSettings) -> None:
    known = beside(settings.searcher_source, "SEARCHERS") or []
    check_known("sampler", settings.samplers, known)
    model = None if settings.model == NO_MODEL else settings.model
    check_model(settings.searcher_source, settings.samplers, model)
