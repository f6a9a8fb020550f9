"""Gradients on several cores: processes that each take a share of every batch.

A step's matrices are small, so that threads within one process mostly wait for each other; two
processes of one thread train almost twice as fast as one process of two threads. The workers
share the parameters' memory with the trainer, which alone changes them, between steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
import torch.multiprocessing  # teaches pipes to share tensors
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import ResultsError
from nucleate.core.processes import Worker
from nucleate.settings.model import ObjectiveSettings
from nucleate.vae.arrays import Batch
from nucleate.vae.evidence_lower_bound import evidence_loss
from nucleate.vae.model import VAE


@dataclass(frozen=True)
class Share:
    """What a worker is sent: its part of a batch as plain arrays, the step's seed and beta."""

    arrays: dict[str, dict[str, NDArray[Any]]]
    length: NDArray[np.int64]
    invented: NDArray[np.bool_] | None
    seed: int
    beta: float


def pack(batch: Batch, seed: int, beta: float) -> Share:
    """A batch as arrays, which pipes carry without file descriptors."""
    groups = {"once": batch.once, "steps": batch.steps, "auxiliary": batch.auxiliary}
    arrays = {g: {k: v.numpy() for k, v in values.items()} for g, values in groups.items()}
    invented = None if batch.invented is None else batch.invented.numpy()
    return Share(arrays, batch.length.numpy(), invented, seed, beta)


def unpack(share: Share) -> Batch:
    """The batch again."""
    once, steps, auxiliary = (
        {k: torch.from_numpy(v) for k, v in share.arrays[group].items()}
        for group in ("once", "steps", "auxiliary")
    )
    invented = None if share.invented is None else torch.from_numpy(share.invented)
    return Batch(once, steps, torch.from_numpy(share.length), auxiliary, invented)


class GradientWorkers:
    """Processes that compute gradients of shares of a batch.

    Args:
        model: on the CPU; its parameters move to shared memory.
        settings: of the loss.
        count: how many processes.
    """

    def __init__(self, model: VAE, settings: ObjectiveSettings, count: int):
        model.share_memory()
        size = sum(p.numel() for p in model.parameters())
        self.model = model
        gradients = [torch.zeros(size).share_memory_() for _ in range(count)]
        self.gradients = [_by_parameter(model, gradient) for gradient in gradients]
        self.workers = [Worker(_serve, model, settings, gradient) for gradient in gradients]

    def start(self, shares: list[Share]) -> None:
        """Hand every worker its share.

        Raises:
            ResultsError: a worker died.
        """
        for worker, share in zip(self.workers, shares, strict=True):
            try:
                worker.connection.send(share)
            except (BrokenPipeError, OSError):
                raise ResultsError(_DIED) from None

    def finish(self, weights: list[float]) -> list[dict[str, float]]:
        """Add the workers' gradients, weighted, to the model's; returns their loss terms.

        Raises:
            ResultsError: a worker died.
        """
        terms = []
        for worker, gradient, weight in zip(self.workers, self.gradients, weights, strict=True):
            try:
                terms.append(worker.connection.recv())
            except (EOFError, OSError):
                raise ResultsError(_DIED) from None
            for parameter, part in zip(self.model.parameters(), gradient, strict=True):
                if parameter.grad is None:
                    parameter.grad = weight * part
                else:
                    parameter.grad.add_(part, alpha=weight)
        return terms

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.close()


_DIED = "a training worker died (killed or out of memory)"


def _by_parameter(model: VAE, flat: Tensor) -> list[Tensor]:
    """Views of one flat gradient, each of the shape of a parameter."""
    parameters = list(model.parameters())
    parts = flat.split([parameter.numel() for parameter in parameters])
    return [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]


def _serve(
    pipe: Connection, model: VAE, settings: ObjectiveSettings, gradient: Tensor
) -> None:  # pragma: no cover - runs in the worker's process
    torch.set_num_threads(1)
    model.train()
    parts = _by_parameter(model, gradient)
    while True:
        try:
            share: Share = pipe.recv()
        except (EOFError, OSError):
            return  # the trainer has ended, or was killed
        torch.manual_seed(share.seed)
        batch = unpack(share)
        model.zero_grad(set_to_none=True)
        loss = evidence_loss(model, batch, batch, settings, share.beta)
        loss.total.backward()
        for parameter, part in zip(model.parameters(), parts, strict=True):
            if parameter.grad is None:
                part.zero_()
            else:
                part.copy_(parameter.grad)
        pipe.send(loss.terms())
