"""Edits of molecules for a search: of their graphs, and of their codec's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.matter.codec import Codec
from nucleate.matter.variation import Edits, Variations
from nucleate.molecules.chemistry.comparison import MoleculeComparison
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.codecs.preorder import CLOSURES
from nucleate.molecules.conditions.forced_tokens import (
    FREE,
    OPEN_SLOT,
    ForcedLegality,
    ForcedTokens,
)
from nucleate.molecules.edits.graph_edits import cross, mutate
from nucleate.vae.schema import Record

_TRIES = 4
_SECOND_SLOT = 0.3
_LARGEST_SLOT = 0.5  # of the tokens
_REPLACED = 0.6
"""Share of mutations that replace one token; the others replace a branch by one token."""


class MoleculeEdits(Edits):
    """Graph edits (see `nucleate.molecules.edits.graph_edits`)."""

    def mutate(self, structures: Sequence[str], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        return [mutate(smiles, rng) for smiles in structures]

    def cross(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        return [cross(first, second, rng) for first, second in pairs]


class TokenEdits(Edits):
    """Edits of the sequence of fragments: any sequence is a molecule, no network is asked.

    Args:
        codec: whose tokens are edited.
    """

    def __init__(self, codec: FragmentCodec):
        self.codec = codec
        self.arity = np.array(codec.schema.options["arity"])
        self.root = np.zeros(len(self.arity), bool)
        self.root[codec.schema.options["roots"]] = True

    def mutate(self, structures: Sequence[str], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        return [self._attempt(lambda t: self._change(t, rng), smiles) for smiles in structures]

    def cross(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)

        def child(first: str, second: str) -> str | None:
            other = self._tokens(second)
            if other is None:
                return None
            return self._attempt(lambda tokens: self._graft(tokens, other, rng), first)

        return [child(first, second) for first, second in pairs]

    def _tokens(self, smiles: str) -> list[int] | None:
        try:
            return [int(t) for t in self.codec.encode_spelling(smiles).steps["fragment"]]
        except StructureError:
            return None

    def _attempt(self, change: Any, smiles: str) -> str | None:
        tokens = self._tokens(smiles)
        for _ in range(0 if tokens is None else _TRIES):
            changed = change(tokens)
            if changed is None or not 0 < len(changed) <= self.codec.schema.maximum_steps:
                continue
            record = Record({}, {"fragment": np.asarray(changed, np.int64)})
            try:
                child = self.codec.decode(record)
            except StructureError:
                continue
            if child != smiles and "." not in child:
                return child
        return None

    def program(self, smiles: str, rng: np.random.Generator) -> ForcedTokens:
        """The tokens of a molecule with a slot in the place of a random branch or two."""
        tokens = self._tokens(smiles)
        if tokens is None or len(tokens) < 3:
            return FREE
        for _ in range(1 + int(rng.random() < _SECOND_SLOT)):
            places = [i for i in range(1, len(tokens)) if tokens[i] != OPEN_SLOT]
            for place in rng.permutation(places)[:_TRIES].tolist():
                end = self._end(tokens, place)
                gone = tokens[place:end]
                whole = not any(t <= CLOSURES for t in gone)
                if whole and len(gone) <= _LARGEST_SLOT * len(tokens):
                    tokens = [*tokens[:place], OPEN_SLOT, *tokens[end:]]
                    break
        if OPEN_SLOT not in tokens:
            return FREE
        return ForcedTokens(tuple(tokens), headed=False)

    def _change(self, tokens: list[int], rng: np.random.Generator) -> list[int] | None:
        place = int(rng.integers(len(tokens)))
        if rng.random() < _REPLACED or place == 0:
            new = self._draw_token(int(self.arity[tokens[place]]), place == 0, rng)
            return None if new is None else [*tokens[:place], new, *tokens[place + 1 :]]
        end = self._end(tokens, place)
        new = self._draw_token(0, False, rng)
        return None if new is None else [*tokens[:place], new, *tokens[end:]]

    def _graft(
        self, tokens: list[int], other: list[int], rng: np.random.Generator
    ) -> list[int] | None:
        if len(tokens) < 2 or len(other) < 2:
            return None
        here, there = int(rng.integers(1, len(tokens))), int(rng.integers(1, len(other)))
        branch = other[there : self._end(other, there)]
        if any(t <= CLOSURES for t in branch):
            return None  # the other end of the ring would be missing
        return [*tokens[:here], *branch, *tokens[self._end(tokens, here) :]]

    def _end(self, tokens: list[int], place: int) -> int:
        """Where the branch that starts at a place ends."""
        waiting = 1
        while waiting and place < len(tokens):
            # A slot is closed by what fills it.
            waiting += (0 if tokens[place] == OPEN_SLOT else int(self.arity[tokens[place]])) - 1
            place += 1
        return place

    def _draw_token(self, arity: int, root: bool, rng: np.random.Generator) -> int | None:
        """A token of an arity, frequent ones more often: their ranks are log-uniform."""
        fitting = np.flatnonzero((self.arity == arity) & (self.root == root))
        fitting = fitting[fitting > CLOSURES]
        if not len(fitting):
            return None
        rank = int(np.exp(rng.uniform(0, np.log(len(fitting) + 1)))) - 1
        return int(fitting[min(rank, len(fitting) - 1)])


class MoleculeVariations(Variations):
    """Fingerprints to compare molecules by, edits of graphs and of tokens."""

    def comparison(self) -> MoleculeComparison:
        return MoleculeComparison()

    def edits(self, codec: Codec | None) -> dict[str, Edits]:
        found: dict[str, Edits] = {"graph": MoleculeEdits()}
        if isinstance(codec, FragmentCodec):
            found["token"] = TokenEdits(codec)
        return found

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> ForcedLegality | None:
        """Masks of n rows: all tokens of a structure but one branch or two are forced, and the
        decoder fills in what its latent vector tells. Rows of None, and what the codec refuses, are
        free."""
        if not isinstance(codec, FragmentCodec):
            return None
        rng = np.random.default_rng(seed)
        tokens = TokenEdits(codec)
        programs = [FREE if s is None else tokens.program(s, rng) for s in structures]
        return ForcedLegality(codec.schema, programs, CLOSURES)
