"""A toy kind of matter that exercises every feature of the schema without any chemistry."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.legality import Legality
from nucleate.vae.schema import Field, Record, Schema

COLOURS = 5


class SortedLegality(Legality):
    """Letters never decrease; an angle exists beside odd letters only; colour follows the group."""

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> Any:
        state = super().start(once, batch, device)
        return {**state, "last": torch.zeros(batch, dtype=torch.long, device=device)}

    def mask(
        self, name: str, state: Any, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        if name == "colour":
            allowed = torch.arange(COLOURS)[None] >= once["group"][:, None]
            return allowed.to(once["group"].device)
        legal = super().mask(name, state, once, step)
        if legal is not None:
            letters = torch.arange(legal.shape[1], device=legal.device)[None]
            legal = legal & ((letters >= state["last"][:, None]) | (letters == 0))
        return legal

    def present(
        self, name: str, state: Any, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        return step["letter"] % 2 == 1 if name == "angle" else None

    def advance(self, state: Any, once: dict[str, Tensor], step: dict[str, Tensor]) -> Any:
        return {**super().advance(state, once, step), "last": step["letter"]}


def toy_schema() -> Schema:
    features = np.linspace(0, 1, COLOURS * 2, dtype=np.float32).reshape(COLOURS, 2)
    return Schema(
        matter="toy",
        once=(Field("group", "categorical", 3), Field("cell", "gaussian_mixture", 2)),
        step=(
            Field("letter", "categorical", 7),
            Field("colour", "categorical", COLOURS, features),
            Field("angle", "von_mises_mixture"),
        ),
        maximum_steps=6,
        auxiliary=(Field("weight", "gaussian", 1),),
    )


def toy_arrays(count: int, seed: int = 0) -> RaggedArrays:
    """Random legal structures whose fields depend on one another."""
    rng = np.random.default_rng(seed)
    schema = toy_schema()
    records = []
    for _ in range(count):
        n = int(rng.integers(1, schema.maximum_steps + 1))
        group = int(rng.integers(3))
        letters = np.sort(rng.integers(1, 7, n))
        angle = np.where(letters % 2 == 1, rng.random(n), np.nan).astype(np.float32)
        cell = np.array([group + 0.1 * rng.normal(), np.nan if group == 0 else 1.0], np.float32)
        records.append(
            Record(
                {"group": group, "cell": cell},
                {"letter": letters, "colour": rng.integers(group, COLOURS, n), "angle": angle},
            )
        )
    weight = rng.normal(size=(count, 1)).astype(np.float32)
    weight[::3] = np.nan
    return RaggedArrays.from_records(schema, records, {"weight": weight})
