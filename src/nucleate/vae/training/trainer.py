"""Training of the autoencoder: resumable, validated on averaged weights, stopped in time.

All randomness of step n is drawn from a generator seeded with (seed, n), so that a run that was
killed and resumed gives the same weights as one that was not.
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nucleate.core.files import atomic_path, write_text
from nucleate.core.progress import bar
from nucleate.settings.model import TrainSettings
from nucleate.vae.arrays import Batch, RaggedArrays
from nucleate.vae.evidence_lower_bound import Loss, beta_at, evidence_loss
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import choose_device, evaluate
from nucleate.vae.training.workers import GradientWorkers, pack

Augment = Callable[[Batch, torch.Generator], Batch]
RESUME_NAME = "resume.safetensors"
WARM_UP_STEPS = 100
CLIP = 1.0


def bucketed_batches(
    lengths: NDArray[np.int64], size: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Random batches of structures of like length, so that little is padding."""
    order = generator.permutation(len(lengths))
    pool = 32 * size
    pieces: list[NDArray[np.int64]] = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        pieces += [part[i : i + size] for i in range(0, len(part), size)]
    return [pieces[i] for i in generator.permutation(len(pieces))]


@dataclass
class TrainState:
    """Where a training run stands.

    Attributes:
        step: optimiser steps done.
        seconds: time spent on them so far, earlier sittings included.
        elapsed: time spent with validation, likewise.
        best: lowest validation objective so far.
        stale: epochs since then.
        rows: one row of curves per epoch done.
        finished: training has ended.
    """

    step: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    best: float = math.inf
    stale: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    finished: bool = False


class Trainer:
    """One training run of a VAE.

    Args:
        model: on the CPU; moved to the device.
        training, validation: featurized structures.
        folder: where curves and the resumable state are written.
        key: identifies settings and data; a state with another key is not resumed from.
        augment: makes a random copy of a batch, afresh at every step; encoder and decoder both
            see the copy.
        seconds: that it may take, validation included; what the settings say if None.
    """

    def __init__(
        self,
        model: VAE,
        training: RaggedArrays,
        validation: RaggedArrays,
        settings: TrainSettings,
        *,
        folder: Path,
        key: str,
        seed: int = 0,
        device: str = "auto",
        augment: Augment | None = None,
        seconds: float | None = None,
    ):
        self.device = choose_device(device)
        self.model = model.to(self.device)
        self.training, self.validation = training, validation
        self.settings, self.folder, self.key, self.seed = settings, folder, key, seed
        self.augment = augment
        if seconds is None and settings.maximum_minutes is not None:
            seconds = 60 * settings.maximum_minutes
        self.seconds = math.inf if seconds is None else seconds
        self.validating: float | None = None  # seconds that the last validation took
        # Before anything refers to the parameters: they move to shared memory.
        several = settings.processes > 1 and self.device.type == "cpu"
        self.workers = (
            GradientWorkers(self.model, settings.objective, settings.processes - 1)
            if several
            else None
        )
        self.state = TrainState()
        self.saved = time.monotonic()
        self.average = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.best = {k: v.clone() for k, v in self.average.items()}
        self.optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=settings.learning_rate,
            weight_decay=1e-2,
            betas=(0.9, 0.98),
            fused=True,
        )
        self._watch_average()
        self.steps_per_epoch = math.ceil(len(training) / settings.batch)
        self.total_steps = settings.epochs * self.steps_per_epoch

    def _watch_average(self) -> None:
        parameters = dict(self.model.named_parameters())
        self._parameters = [p.detach() for p in parameters.values()]
        self._averaged = [self.average[name] for name in parameters]

    # Schedules

    def progress(self) -> float:
        """Share of training done, by steps or by the time limit, whichever is further."""
        done = self.state.step / self.total_steps
        if math.isfinite(self.seconds):
            # The epoch that the limit cuts short is still validated.
            stepping = max(1e-9, self.seconds - self._validation_seconds())
            done = max(done, self.state.elapsed / stepping)
        return min(1.0, done)

    def _validation_seconds(self) -> float:
        """What a validation takes: the last one's time; before the first what steps take."""
        if self.validating is not None:
            return self.validating
        step = self.state.seconds / max(1, self.state.step)
        return step * len(self.validation) / self.settings.batch

    def learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to a twentieth."""
        warm = min(1.0, (self.state.step + 1) / WARM_UP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress()))
        return self.settings.learning_rate * warm * (0.05 + 0.95 * cosine)

    # The loop

    def run(self) -> TrainState:
        """Train to the end, from where an earlier sitting stopped."""
        threads = torch.get_num_threads()
        if self.workers is not None:
            torch.set_num_threads(1)
        try:
            return self._run()
        finally:
            torch.set_num_threads(threads)
            if self.workers is not None:
                self.workers.close()

    def _run(self) -> TrainState:
        self._resume()
        epoch = self.state.step // self.steps_per_epoch
        with bar(description="train", total=self.total_steps, initial=self.state.step) as shown:
            while not self.state.finished:
                self._run_epoch(epoch, shown)
                epoch += 1
        self.model.load_state_dict(self.best)
        self.model.eval()
        return self.state

    def _run_epoch(self, epoch: int, shown: Any) -> None:
        sums: dict[str, float] = {}
        count = 0
        last = time.monotonic()
        for rows in self._epoch_batches(epoch)[self.state.step - epoch * self.steps_per_epoch :]:
            terms = self._train_step(rows)
            last, before = time.monotonic(), last
            self.state.seconds += last - before
            self.state.elapsed += last - before
            count += 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            if count % 10 == 0:
                means = {k: f"{v / count:.2f}" for k, v in sums.items()}
                shown.set_postfix({"epoch": epoch + 1, **means}, refresh=False)
            if math.isfinite(self.seconds):
                shown.total = round(self.state.step / self.progress())
            shown.update()
            self._save_in_time()
            if self.progress() >= 1:
                break
        self._close_epoch(epoch, {k: v / max(1, count) for k, v in sums.items()})

    def _epoch_batches(self, epoch: int) -> list[NDArray[np.int64]]:
        generator = np.random.default_rng([self.seed, epoch])
        return bucketed_batches(self.training.lengths, self.settings.batch, generator)

    def _train_step(self, rows: NDArray[np.int64]) -> dict[str, float]:
        """One optimiser step; returns the loss terms."""
        self.model.train()
        # One integer for (seed, step): dropout and sampling use the global generator.
        seed = (self.seed << 32) + self.state.step
        torch.manual_seed(seed)
        batch = self.training.batch(rows)
        if self.augment is not None:
            batch = self.augment(batch, torch.Generator().manual_seed(seed))
        beta = beta_at(self.settings.objective, self.progress())
        self.optimiser.zero_grad(set_to_none=True)
        terms = self._gradients(rows, batch, beta, seed)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        self.state.step += 1
        self._update_average()
        return terms

    def _gradients(
        self, rows: NDArray[np.int64], batch: Batch, beta: float, seed: int
    ) -> dict[str, float]:
        """Gradients of a batch, shared out among the workers if there are any."""
        count = 1 + (0 if self.workers is None else len(self.workers.workers))
        if self.workers is None or len(rows) < 2 * count:
            loss = self.loss(rows, batch.to(self.device), beta)
            loss.total.backward()
            return loss.terms()
        shares = [batch.subset(torch.arange(part, len(rows), count)) for part in range(count)]
        weights = [len(share) / len(rows) for share in shares]
        self.workers.start(
            [pack(s, seed ^ (part << 56), beta) for part, s in enumerate(shares) if part]
        )
        loss = self.loss(rows[::count], shares[0], beta)
        (weights[0] * loss.total).backward()
        parts = [loss.terms(), *self.workers.finish(weights[1:])]
        return {
            name: sum(w * part[name] for w, part in zip(weights, parts, strict=True))
            for name in parts[0]
        }

    def loss(self, rows: NDArray[np.int64], batch: Batch, beta: float) -> Loss:
        """What a step minimises for a batch that holds the training set's `rows`."""
        return evidence_loss(self.model, batch, batch, self.settings.objective, beta)

    @torch.no_grad()
    def _update_average(self) -> None:
        # A short memory at first, or the random start would linger in the average.
        decay = min(self.settings.average, (1 + self.state.step) / (10 + self.state.step))
        # Buffers are constant tables: only parameters move. One call for all of them, since the
        # overhead of a call per tensor is a tenth of a step on small batches.
        torch._foreach_lerp_(self._averaged, self._parameters, 1 - decay)

    def objective(self, scores: dict[str, float]) -> float:
        """What the epoch that is kept has least of, from what `_validate` measured."""
        return scores["distortion"] + self.settings.objective.beta * scores["rate"]

    def _close_epoch(self, epoch: int, training: dict[str, float]) -> None:
        state = self.state
        started = time.monotonic()
        scores = self._validate()
        self.validating = time.monotonic() - started
        state.elapsed += self.validating
        objective = self.objective(scores)
        state.rows.append(
            {
                "epoch": epoch + 1,
                "step": state.step,
                "seconds": round(state.seconds, 2),
                "beta": beta_at(self.settings.objective, self.progress()),
                "learning_rate": self.learning_rate(),
                **{f"train_{k}": v for k, v in training.items()},
                **{f"validation_{k}": v for k, v in scores.items()},
                "validation_objective": objective,
            }
        )
        if objective < state.best:
            state.best, state.stale = objective, 0
            self.best = {k: v.clone() for k, v in self.average.items()}
        else:
            state.stale += 1
        state.finished = self.progress() >= 1 or state.stale >= self.settings.patience
        write_text(self.folder / "curves.csv", _csv(state.rows))
        if state.finished:
            self.save()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        current = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        scores = evaluate(self.model, self.validation, self.device)
        self.model.load_state_dict(current)
        return scores

    # Resumption

    def _save_in_time(self) -> None:
        if time.monotonic() - self.saved > 60 * self.settings.checkpoint_minutes:
            self.save()

    def save(self) -> None:
        """Write the whole state to one file, atomically."""
        tensors: dict[str, Tensor] = {}
        for prefix, values in (
            ("model", self.model.state_dict()),
            ("average", self.average),
            ("best", self.best),
        ):
            tensors |= {f"{prefix}/{k}": v.detach().cpu().contiguous() for k, v in values.items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{k}": v.cpu() for k, v in moments.items()}
        tensors = {k: v.clone() for k, v in tensors.items()}  # safetensors refuses shared memory
        note = {"key": self.key, "state": json.dumps(vars(self.state))}
        with atomic_path(self.folder / RESUME_NAME) as temporary:
            save_file(tensors, temporary, metadata=note)
        self.saved = time.monotonic()

    def _resume(self) -> None:
        """Take up a saved state if it is intact and of the same key."""
        path = self.folder / RESUME_NAME
        if not path.exists():
            return
        try:
            with safe_open(path, "pt") as file:
                note = file.metadata() or {}
                if note.get("key") != self.key:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            return  # damaged: start again rather than fail
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            prefix, _, rest = name.partition("/")
            parts.setdefault(prefix, {})[rest] = value.to(self.device)
        self.model.load_state_dict(parts["model"])
        self.average, self.best = parts["average"], parts["best"]
        self._watch_average()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts.get("optimiser", {}).items():
            index, _, moment = name.partition("/")
            moments.setdefault(int(index), {})[moment] = value.cpu() if moment == "step" else value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.state = TrainState(**json.loads(note["state"]))


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
