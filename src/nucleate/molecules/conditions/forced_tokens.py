"""Decoding around a part that is given: forced tokens, and slots that the decoder fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nucleate.molecules.codecs.legality import PreorderLegality
from nucleate.vae.legality import State
from nucleate.vae.schema import Schema

OPEN_SLOT = 0
"""Stands in a program for a place that the decoder fills (the stop token is never forced)."""
_END = -1


@dataclass(frozen=True)
class ForcedTokens:
    """A part of a molecule in preorder notation.

    Attributes:
        tokens: forced tokens, and `OPEN_SLOT` for each place that is to be filled by at least one
            fragment.
        headed: the first token hangs on a place that the decoder opens before. Otherwise it is
            the root.
    """

    tokens: tuple[int, ...]
    headed: bool
    latest: int = 1
    """Step at which a headed program starts at the latest; its root is step 0."""


FREE = ForcedTokens((OPEN_SLOT,), headed=False)
"""Nothing is given."""


class ForcedLegality(PreorderLegality):
    """Sequences that hold a given part, a program for each row.

    A headed program starts where the decoder writes its first token by itself, or else at the step
    `latest`. Slots are filled before the program goes on, and nothing else is added to the part.

    Args:
        programs: one for each row of the batch.
        closures: tokens 1..closures are ends of ring closures.

    Raises:
        ValueError: a program is not the preorder notation of one tree.
    """

    def __init__(self, schema: Schema, programs: Sequence[ForcedTokens], closures: int):
        super().__init__(schema)
        self.programs, self.closures = list(programs), closures
        arity = self.arity.tolist()
        width = max(len(p.tokens) for p in programs) + 1
        self.token = torch.full((len(programs), width), _END)
        # Steps that the rest of the program needs beyond one for each open place.
        self.extra = torch.zeros(len(programs), width, dtype=torch.long)
        self.used = torch.zeros(len(programs), len(arity), dtype=torch.bool)
        for row, program in enumerate(programs):
            waiting = 1
            for position, token in enumerate(program.tokens):
                if waiting < 1:
                    raise ValueError(f"program {program.tokens} goes on after its end")
                self.token[row, position] = token
                self.extra[row, position] = len(program.tokens) - position - waiting
                waiting += arity[token] - 1 if token != OPEN_SLOT else -1
                # A closure inside a slot must not meet an end that the part waits for.
                self.used[row, token] = 0 < token <= closures
            if waiting:
                raise ValueError(f"program {program.tokens} leaves {waiting} places open")
        self.headed = torch.tensor([p.headed for p in programs])
        self.latest = torch.tensor([max(1, p.latest) for p in programs])
        self.leaf = self.arity == 0
        self.leaf[schema.stop] = False
        self.closing = torch.zeros_like(self.leaf)
        self.closing[1 : closures + 1] = True

    def rows(self, start: int, stop: int) -> ForcedLegality:
        return ForcedLegality(self.schema, self.programs[start:stop], self.closures)

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        state = super().start(once, batch, device)
        if self.token.device != device:
            for name in ("token", "extra", "used", "headed", "latest", "leaf", "closing"):
                setattr(self, name, getattr(self, name).to(device))
        return {
            **state,
            # Rows that have stopped leave the batch: which program is whose?
            "row": torch.arange(batch, device=device),
            "started": ~self.headed,
            "pointer": torch.zeros_like(state["count"]),
            # Number of open places at which the slot being filled is done, or -1.
            "until": torch.full_like(state["count"], -1),
        }

    def _at(self, table: Tensor, state: State) -> Tensor:
        return table[state["row"], state["pointer"]]

    def room(self, state: State) -> Tensor:
        return super().room(state) - self._at(self.extra, state)

    def mask(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        legal = super().mask(name, state, once, step)
        if legal is None:
            return None
        wanted, started = self._at(self.token, state), state["started"]
        legal = legal & ~self.used[state["row"]]
        # A slot starts with a fragment, so that something does grow there.
        entering = started & (wanted == OPEN_SLOT) & (state["until"] < 0)
        legal = legal & ~(entering[:, None] & self.closing)
        # Before the program has started, the last open place must not be closed.
        last = ~started & (state["open"] == 1)
        legal = legal & ~(last[:, None] & self.leaf)
        only = torch.zeros_like(legal).scatter_(1, wanted.clamp(min=0)[:, None], True)
        legal = legal | (only & (~started & (state["count"] > 0))[:, None])
        now = torch.where(started, wanted > OPEN_SLOT, state["count"] >= self.latest[state["row"]])
        return torch.where(now[:, None], only, legal)

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        token = step[self.schema.step[0].name]
        wanted, started, until = self._at(self.token, state), state["started"], state["until"]
        begins = ~started & (token == wanted)
        after = super().advance(state, once, step)
        until = torch.where((until < 0) & (wanted == OPEN_SLOT) & started, state["open"] - 1, until)
        filled = (until >= 0) & (after["open"] == until)
        written = started & (wanted > OPEN_SLOT)
        return {
            **after,
            "row": state["row"],
            "started": started | begins,
            "pointer": state["pointer"] + (begins | written | filled).long(),
            "until": torch.where(filled, -1, until),
        }
