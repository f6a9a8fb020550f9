"""Masks of the values that a decoder may emit, given what it has emitted so far.

A kind of matter subclasses `Legality` to make every decoded sequence legal by construction. The
same object serves training (the likelihood is normalised over legal values only) and decoding.
All tensors carry a leading batch dimension B. Implementations use torch and numpy only, because
training runs where neither RDKit nor pymatgen is installed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nucleate.vae.schema import Schema

State = dict[str, Any]
"""Tensors of leading dimension B by name."""


class Legality:
    """Everything is legal, except that a structure has at least one step and at most the maximum.

    Life cycle of one decode: `once_mask` and `once_present` for each once field in order (given
    the once values so far), `start`, then for each step and each step field in order `mask` and
    `present`, and after the step `advance`.
    """

    def __init__(self, schema: Schema):
        self.schema = schema

    def once_mask(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        """Legal categories of a once field, bool [B, size], or None if all are."""
        return None

    def once_present(self, name: str, once: dict[str, Tensor], batch: int) -> Tensor | None:
        """Components of a continuous once field that exist, bool [B, size], or None if all do."""
        return None

    places = 0
    """Number of values of the second part of `context`; 0 if there is no context."""

    def context(self, state: State) -> tuple[Tensor, Tensor] | None:
        """What is known of the next step before it is written, or None.

        Where steps form a tree: the first step field of the step that the next one hangs on, and
        the place there, each int64 [B]. Encoder and decoder are shown both.
        """
        return None

    def rows(self, start: int, stop: int) -> Legality:
        """The legality of some rows of a batch: itself, unless rows differ."""
        return self

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        """State before the first step. The base class counts steps."""
        return {"count": torch.zeros(batch, dtype=torch.long, device=device)}

    def mask(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        """Legal categories of a step field given the earlier fields of this step, bool [B, size].

        At least one category must be legal in every row. None means that all are.
        """
        if name != self.schema.step[0].name:
            return None
        count = state["count"]
        legal = torch.ones(
            len(count), self.schema.step[0].size, dtype=torch.bool, device=count.device
        )
        legal[:, self.schema.stop] = count > 0
        full = count >= self.schema.maximum_steps
        legal[full] = False
        legal[full, self.schema.stop] = True
        return legal

    def present(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        """Whether a step field exists at this step, bool [B], or None if it always does."""
        return None

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        """State after a step whose fields are all known. Rows that have stopped may be garbage."""
        return {"count": state["count"] + 1}
