"""Masks that keep token sequences molecules. torch only."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.vae.legality import Legality, State
from nucleate.vae.schema import Schema


class SelfiesLegality(Legality):
    """Forbids first tokens that start with a branch or ring symbol.

    SELFIES reads those as nothing, so that a sequence of them alone would mean no molecule. Every
    sequence that starts with an atom means one. The schema's option `not_first` lists the tokens.
    """

    def mask(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        legal = super().mask(name, state, once, step)
        forbidden = self.schema.options.get("not_first", [])
        if legal is None or not forbidden:
            return legal
        allowed = legal.new_ones(legal.shape[1])
        allowed[forbidden] = False
        return legal & (allowed[None, :] | (state["count"] > 0)[:, None])


class PreorderLegality(Legality):
    """Preorder notation of a tree: a root first, then one token for every open place, then stop.

    The schema's options: `arity`, places that each token opens, and `roots`, the tokens that start
    a sequence. A token is illegal if the places then open could not be filled within
    `maximum_steps`. The state also knows which place is to be filled next (`context`).
    """

    def __init__(self, schema: Schema):
        super().__init__(schema)
        self.arity = torch.tensor(schema.options["arity"], dtype=torch.long)
        roots = torch.zeros(len(self.arity), dtype=torch.bool)
        roots[torch.tensor(schema.options["roots"], dtype=torch.long)] = True
        stop = torch.zeros_like(roots)
        stop[schema.stop] = True
        self.kinds = torch.stack([roots, ~roots & ~stop, stop])  # start, inside, at the end
        self.largest = int(self.arity.max())
        self.places = self.largest + 1

    def start(self, once: dict[str, Tensor], batch: int, device: torch.device) -> State:
        if self.arity.device != device:
            self.arity, self.kinds = self.arity.to(device), self.kinds.to(device)
        zeros = torch.zeros(batch, dtype=torch.long, device=device)
        depth = self.schema.maximum_steps + self.largest + 1
        return {
            "count": zeros,
            "open": zeros + 1,
            # Places yet to be filled, the next one at `open - 1`: parent's token, and its number.
            "parent": torch.zeros(batch, depth, dtype=torch.long, device=device),
            "place": torch.zeros(batch, depth, dtype=torch.long, device=device),
        }

    def mask(
        self, name: str, state: State, once: dict[str, Tensor], step: dict[str, Tensor]
    ) -> Tensor | None:
        count, places = state["count"], state["open"]
        kind = torch.where(places <= 0, 2, (count > 0).long())
        legal = self.kinds[kind]
        room = self.room(state)
        if bool((room < self.largest).any()):
            fits = self.arity[None, :] <= room[:, None]
            legal = legal & (fits | (kind == 2)[:, None])
        return legal

    def room(self, state: State) -> Tensor:
        """Places that the next token may open, int64 [B]."""
        free: Tensor = self.schema.maximum_steps - state["count"] - state["open"]
        return free

    def context(self, state: State) -> tuple[Tensor, Tensor]:
        """Token of the parent of the place to be filled, and the place's number, int64 [B]."""
        at = (state["open"] - 1).clamp(min=0)[:, None]
        return state["parent"].gather(1, at)[:, 0], state["place"].gather(1, at)[:, 0]

    def advance(self, state: State, once: dict[str, Tensor], step: dict[str, Tensor]) -> State:
        token = step[self.schema.step[0].name]
        arity = self.arity[token]
        # The stop token fills no place; rows that have stopped stay as they are.
        below = (state["open"] - (token != self.schema.stop).long()).clamp(min=0)
        parent, place = state["parent"].clone(), state["place"].clone()
        limit = parent.shape[1] - 1
        for number in range(self.largest):
            at = (below + arity - 1 - number).clamp(min=0, max=limit)[:, None]
            opens = (arity > number)[:, None]
            parent.scatter_(1, at, torch.where(opens, token[:, None], parent.gather(1, at)))
            value = torch.full_like(at, number + 1)
            place.scatter_(1, at, torch.where(opens, value, place.gather(1, at)))
        count, places = state["count"] + 1, below + arity
        return {"count": count, "open": places, "parent": parent, "place": place}
