"""Canonical SMILES <-> sequences of SELFIES symbols merged by byte pairs.

SELFIES (Krenn et al. 2020; 2.x: Lo et al. 2023) makes every symbol sequence a molecule. Frequent
runs of symbols are merged (byte pair encoding, Gage 1994; Sennrich et al. 2016): ZINC's 37 symbols
become about 10 tokens. Each symbol is one private-use character to the `tokenizers` library. Token
0 is `stop`; token i + 1 is merged piece i.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import selfies
from rdkit import Chem, rdBase
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import canonical, fill_valences, has_radicals, parse
from nucleate.molecules.codecs.base_codec import MoleculeCodec, Sizes, brief, vocabulary_sample
from nucleate.molecules.options import CodecOptions
from nucleate.vae.schema import Field, Record, Schema

_FIRST_CHARACTER = 0xE000  # start of Unicode's private-use area, 6,400 characters
_SMALL_VOCABULARY, _LARGE_VOCABULARY = 512, 1024
_OTHER_CAPACITY = 4  # bonds of an atom kind that training did not show
_ATOM = re.compile(r"\[([A-Za-z#=/\\]*?)([A-Z][a-z]?)([^\]]*)\]")
_NO_ATOM = re.compile(r"\[[^\]]*(?:Branch|Ring)\d\]")
_CHARGE = re.compile(r"([+-]\d+)")


class SelfiesCodec(MoleculeCodec):
    """Codec of molecules, rebuilt from JSON in each worker.

    Args:
        symbols: SELFIES symbols in the order of their private-use characters.
        tokenizer: the merges, as the `tokenizers` library writes them.
        constraints: bonds that SELFIES allows an atom, by its own keys (`N+1`). They are global to
            the `selfies` module, hence set before every use.
        maximum_steps: longest token sequence.
        verify: whether `encode` checks the round trip.
    """

    kind = "selfies_byte_pairs"

    def __init__(
        self,
        symbols: Sequence[str],
        tokenizer: Tokenizer,
        constraints: Mapping[str, int],
        maximum_steps: int,
        verify: bool,
    ):
        self.alphabet = list(symbols)
        self.constraints = dict(constraints)
        self.verify = verify
        self._tokenizer = tokenizer
        self._character = {s: chr(_FIRST_CHARACTER + i) for i, s in enumerate(self.alphabet)}
        symbol_of = {c: s for s, c in self._character.items()}
        size = tokenizer.get_vocab_size()
        self.pieces = [
            "".join(symbol_of[c] for c in tokenizer.id_to_token(i) or "") for i in range(size)
        ]
        self.schema = Schema(
            matter="molecules",
            once=(),
            step=(Field("token", "categorical", size + 1),),
            maximum_steps=maximum_steps,
            stop=0,
            options={
                "not_first": [
                    i + 1 for i, p in enumerate(self.pieces) if _NO_ATOM.match(p) is not None
                ]
            },
        )

    @classmethod
    def fit(cls, smiles: Sequence[str], options: CodecOptions, seed: int) -> SelfiesCodec:
        """Learn symbols, merges, bond constraints and the longest length on training molecules.

        Args:
            smiles: canonical SMILES of the training split.
            seed: of the sample that merges are learnt from.

        Raises:
            StructureError: none of the molecules can be written as SELFIES.
        """
        selfies.set_semantic_constraints("hypervalent")
        chosen = vocabulary_sample(smiles, options.learn_from, seed)
        texts = [t for t in map(_to_selfies, chosen) if t]
        if not texts:
            raise StructureError("not_in_selfies", "no training molecule can be written as SELFIES")
        counts = Counter(s for t in texts for s in selfies.split_selfies(t))
        symbols = sorted(counts, key=lambda s: (-counts[s], s))
        character = {s: chr(_FIRST_CHARACTER + i) for i, s in enumerate(symbols)}
        words = ["".join(character[s] for s in selfies.split_selfies(t)) for t in texts]
        sizes = Sizes(options, len(smiles))
        size = sizes.vocabulary(_SMALL_VOCABULARY, _LARGE_VOCABULARY)
        tokenizer = Tokenizer(BPE())
        trainer = BpeTrainer(
            vocab_size=max(size - 1, len(symbols)),
            initial_alphabet=list(character.values()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(words, trainer)
        longest = max(len(e.ids) for e in tokenizer.encode_batch(words))
        constraints = _constraints(symbols)
        return cls(symbols, tokenizer, constraints, sizes.steps(longest), sizes.verify)

    def encode_spelling(self, spelling: str) -> Record:
        """Tokens of any SMILES, unverified.

        Raises:
            StructureError: `not_in_selfies`, `unknown_symbol` (names it) or `too_long`.
        """
        self._use_constraints()
        try:
            text = selfies.encoder(spelling)
        except Exception as error:  # besides EncoderError, its parser lets KeyError and more pass
            raise StructureError("not_in_selfies", f"{spelling[:80]}: {brief(error)}") from None
        try:
            word = "".join([self._character[s] for s in selfies.split_selfies(text)])
        except KeyError as error:
            raise StructureError(
                "unknown_symbol", f"{error.args[0]} of {spelling[:80]} was not seen in training"
            ) from None
        tokens = np.asarray(self._tokenizer.encode(word).ids, dtype=np.int64) + 1
        record = Record({}, {"token": tokens})
        record.check(self.schema)
        return record

    def decode(self, record: Record) -> str:
        """Canonical SMILES of a token sequence; free valences are filled with hydrogen.

        Raises:
            StructureError: `empty` (no atom), `unparsable`, or `not_in_schema` (a token outside
                the vocabulary).
        """
        self._use_constraints()
        tokens = np.asarray(record.steps["token"], dtype=np.int64)
        if len(tokens) and (tokens.min() < 1 or tokens.max() > len(self.pieces)):
            raise StructureError("not_in_schema", f"token is outside 1..{len(self.pieces)}")
        try:
            smiles = selfies.decoder("".join([self.pieces[t - 1] for t in tokens]))
        except Exception as error:  # DecoderError and whatever its parser lets pass
            raise StructureError("unparsable", brief(error)) from None
        if not smiles:
            raise StructureError("empty", "the tokens hold no atom")
        molecule = parse(smiles)
        if molecule is None:
            raise StructureError("unparsable", f"{smiles[:80]} is not a valid SMILES")
        text = canonical(molecule)
        if has_radicals(molecule):
            again = parse(canonical(fill_valences(molecule)))
            if again is None:
                raise StructureError("unparsable", f"{text[:80]} cannot be saturated")
            text = canonical(again)
        return text

    def to_json(self) -> dict[str, Any]:
        """Symbols, merges, constraints and limits; `SelfiesCodec.load` rebuilds the codec."""
        return {
            "format": self.format,
            "kind": self.kind,
            "symbols": self.alphabet,
            "tokenizer": json.loads(self._tokenizer.to_str()),
            "constraints": self.constraints,
            "maximum_steps": self.schema.maximum_steps,
            "verify": self.verify,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SelfiesCodec:
        return cls(
            [str(s) for s in data["symbols"]],
            Tokenizer.from_str(json.dumps(data["tokenizer"])),
            {str(k): int(v) for k, v in data["constraints"].items()},
            int(data["maximum_steps"]),
            bool(data["verify"]),
        )

    def _use_constraints(self) -> None:
        if selfies.get_semantic_constraints() != self.constraints:
            selfies.set_semantic_constraints(self.constraints)


def _to_selfies(smiles: str) -> str:
    """SELFIES of a molecule, empty where the library cannot write it."""
    try:
        return str(selfies.encoder(smiles))
    except Exception:  # as in `encode_spelling`, which counts the molecule as rejected
        return ""


def _constraints(symbols: Iterable[str]) -> dict[str, int]:
    """Bonds that RDKit's valence model allows each kind of atom among the symbols.

    With these every decoded molecule passes RDKit's sanitisation, and every molecule that passed
    it can be written.
    """
    out = {"?": _OTHER_CAPACITY}
    for symbol in symbols:
        match = _ATOM.fullmatch(symbol)
        if match is None or _NO_ATOM.match(symbol):
            continue
        element, rest = match.group(2), match.group(3)
        charge = _CHARGE.search(rest)
        number = int(charge.group(1)) if charge else 0
        out[f"{element}{number:+d}" if number else element] = _capacity(element, number)
    return out


def _capacity(element: str, charge: int) -> int:
    """Most single bonds at which RDKit sanitises the atom, and all fewer ones."""
    count = 0
    while count < 8:
        molecule = Chem.RWMol()
        atom = Chem.Atom(element)
        atom.SetFormalCharge(charge)
        centre = molecule.AddAtom(atom)
        for _ in range(count + 1):
            molecule.AddBond(centre, molecule.AddAtom(Chem.Atom("F")), Chem.BondType.SINGLE)
        with rdBase.BlockLogs():
            if Chem.SanitizeMol(molecule, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
                break
        count += 1
    return count
