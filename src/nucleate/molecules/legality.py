"""The one rule that SELFIES leaves open: a molecule starts with an atom. torch only."""

from __future__ import annotations

from torch import Tensor

from nucleate.vae.legality import Legality, State


class MoleculeLegality(Legality):
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
