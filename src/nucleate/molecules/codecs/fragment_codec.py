"""Canonical SMILES <-> sequences of fragments (see `nucleate.molecules.codecs.fragments`).

Token 0 is `stop`, tokens 1..`CLOSURES` are ends of ring closures, the others are templates.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.codecs import auxiliary_fields
from nucleate.molecules.codecs.assembly import Node, assemble
from nucleate.molecules.codecs.base_codec import MoleculeCodec, Sizes, vocabulary_sample
from nucleate.molecules.codecs.fragments import Fragment, fragments, open_template
from nucleate.molecules.codecs.preorder import CLOSURES, longest, preorder
from nucleate.molecules.codecs.template_features import template_features
from nucleate.molecules.codecs.templates import arity, is_root
from nucleate.molecules.options import CodecOptions
from nucleate.vae.schema import Field, Record, Schema

_FIRST_TEMPLATE = 1 + CLOSURES
_SMALL_VOCABULARY, _LARGE_VOCABULARY = 1024, 4096


class FragmentCodec(MoleculeCodec):
    """Codec of molecules, rebuilt from JSON in each worker.

    Args:
        templates: the vocabulary, most frequent first.
        maximum_steps: longest sequence.
        verify: whether `encode` checks the round trip.
        scales: mean and standard deviation of each descriptor over the training set (see
            `nucleate.molecules.codecs.auxiliary_fields`).
    """

    kind = "fragments"

    def __init__(
        self,
        templates: Sequence[str],
        maximum_steps: int,
        verify: bool,
        scales: Mapping[str, tuple[float, float]],
    ):
        self.templates = list(templates)
        self.verify = verify
        self.scales = dict(scales)
        self._token = _token_numbers(self.templates)
        if len(self._token) != len(self.templates):
            raise CheckpointError("codec of molecules: templates repeat")
        self._arity = [0] * _FIRST_TEMPLATE + [arity(t) for t in self.templates]
        roots = [self._token[t] for t in self.templates if is_root(t)]
        size = _FIRST_TEMPLATE + len(self.templates)
        features = np.zeros((size, template_features("*").shape[0]), np.float32)
        for template, token in self._token.items():
            features[token] = template_features(template)
        self.schema = Schema(
            matter="molecules",
            once=(),
            step=(Field("fragment", "categorical", size, features),),
            maximum_steps=maximum_steps,
            stop=0,
            auxiliary=auxiliary_fields.fields(),
            options={"arity": self._arity, "roots": roots, "preorder": True},
        )

    @classmethod
    def fit(cls, smiles: Sequence[str], options: CodecOptions, seed: int) -> FragmentCodec:
        """Learn the vocabulary on training molecules.

        Every piece that a fragment of the training set opens into is in it, the rest goes to the
        most frequent fragments.

        Args:
            smiles: canonical SMILES of the training split.
            seed: of the sample that is looked at.

        Raises:
            StructureError: none of the molecules can be read.
        """
        counts: Counter[str] = Counter()
        trees: list[list[Fragment]] = []
        looked: list[str] = []
        for text in vocabulary_sample(smiles, options.learn_from, seed):
            try:
                trees.append(fragments(text))
            except StructureError:
                continue  # counted as rejected when it is encoded
            looked.append(text)
            counts.update(f.template for f in trees[-1])
        if not trees:
            raise StructureError("unparsable", "no training molecule can be cut into fragments")
        pieces: Counter[str] = Counter()
        for template, count in counts.items():
            try:
                pieces.update({f.template: count for f in open_template(template)})
            except StructureError:
                continue
        ranked = sorted(counts, key=lambda t: (-counts[t], t))
        sizes = Sizes(options, len(smiles))
        size = sizes.vocabulary(_SMALL_VOCABULARY, _LARGE_VOCABULARY)
        room = max(0, size - _FIRST_TEMPLATE - len(pieces))
        templates = {*pieces, *[t for t in ranked if t not in pieces][:room]}
        order = sorted(templates, key=lambda t: (-counts[t], -pieces[t], t))
        steps = sizes.steps(longest(_token_numbers(order), trees))
        return cls(order, steps, sizes.verify, auxiliary_fields.scales(looked, seed))

    def extended(self, structures: Sequence[str]) -> FragmentCodec:
        """This codec with the pieces of further structures; old tokens keep their numbers."""
        new: Counter[str] = Counter()
        trees: list[list[Fragment]] = []
        for text in structures:
            try:
                self.encode_spelling(text)
                continue
            except StructureError as error:
                if error.reason == "unparsable":
                    continue
            try:
                trees.append(fragments(text))
                unknown = [f.template for f in trees[-1] if f.template not in self._token]
                pieces = [p.template for template in unknown for p in open_template(template)]
            except StructureError:
                continue
            new.update(t for t in pieces if t not in self._token)
        templates = [*self.templates, *sorted(new, key=lambda t: (-new[t], t))]
        steps = max(self.schema.maximum_steps, longest(_token_numbers(templates), trees))
        return FragmentCodec(templates, steps, self.verify, self.scales)

    def symbols(self) -> list[str]:
        """What each token stands for, by number."""
        return ["stop", *(f"closure {i}" for i in range(CLOSURES)), *self.templates]

    # Encoding

    def encode_spelling(self, spelling: str) -> Record:
        """Tokens of any SMILES, unverified; the tree's root and the order of its branches are
        those of the text, unless no training molecule starts with this root.

        Raises:
            StructureError: `unparsable`, `unknown_symbol` (names it), `too_complex` or `too_long`.
        """
        tree = fragments(spelling)
        try:
            tokens = preorder(self._token, tree)
        except StructureError as error:
            if error.reason != "unknown_symbol":
                raise
            other = self._reroot(spelling)
            if other is None:
                raise
            tokens = other
        record = Record({}, {"fragment": np.asarray(tokens, dtype=np.int64)})
        record.check(self.schema)
        return record

    def _reroot(self, spelling: str) -> list[int] | None:
        """Tokens from the first other atom from which the molecule can be written, if any."""
        molecule = parse(spelling)
        for atom in range(0 if molecule is None else molecule.GetNumAtoms()):
            try:
                tree = fragments(Chem.MolToSmiles(molecule, rootedAtAtom=atom))
                return preorder(self._token, tree)
            except StructureError:
                continue
        return None

    def program(self, tree: Sequence[Fragment], marks: Mapping[str, int]) -> list[int]:
        """Tokens of a tree some of whose templates stand for numbers of the caller's own.

        Raises:
            StructureError: `unknown_symbol` (names it) or `too_complex`.
        """
        return preorder(ChainMap(dict(marks), self._token), tree)

    def knows(self, template: str) -> bool:
        """Whether a template has a token of its own."""
        return template in self._token

    def auxiliary(self, structure: str) -> dict[str, NDArray[Any]]:
        """Descriptors and fingerprint: what the latent vector shall tell besides."""
        return self.auxiliaries([structure])[0]

    def auxiliaries(self, structures: Sequence[str]) -> list[dict[str, NDArray[Any]]]:
        return auxiliary_fields.auxiliary_values(structures, self.scales)

    # Decoding

    def decode(self, record: Record) -> str:
        """Canonical SMILES of a token sequence; places left open are filled with hydrogen.

        Raises:
            StructureError: `empty`, `unparsable`, `too_complex`, or `not_in_schema` (not a
                sequence of the vocabulary's tokens that starts with a root).
        """
        tokens = [int(t) for t in record.steps["fragment"]]
        if not tokens:
            raise StructureError("empty", "no fragments")
        if min(tokens) < 1 or max(tokens) >= len(self._arity):
            raise StructureError("not_in_schema", f"token is outside 1..{len(self._arity) - 1}")
        tree = self._tree(tokens)
        try:
            text = assemble(tree)
        except RecursionError:
            raise StructureError("too_complex", f"{len(tokens)} fragments in one chain") from None
        molecule = parse(text)
        if molecule is None:
            # Ends of one closure on the same or on bonded atoms: leave such rings open.
            molecule = parse(assemble(tree, closures=False))
        if molecule is None:
            raise StructureError("unparsable", f"{text[:80]} is not a valid SMILES")
        return canonical(molecule)

    def _tree(self, tokens: Sequence[int]) -> Node:
        root = self._node(tokens[0])
        if root.template is None or not is_root(root.template):
            raise StructureError("not_in_schema", "the first token is not a root")
        waiting = [root] * self._arity[tokens[0]]
        for token in tokens[1:]:
            node = self._node(token)
            if not waiting or (node.template is not None and is_root(node.template)):
                raise StructureError("not_in_schema", "a token without a place in the tree")
            waiting.pop().children.append(node)
            waiting += [node] * self._arity[token]
        for parent in reversed(waiting):
            parent.children.append(Node(None))
        return root

    def _node(self, token: int) -> Node:
        if token < _FIRST_TEMPLATE:
            return Node(None, label=token)
        return Node(self.templates[token - _FIRST_TEMPLATE])

    # Serialisation

    def to_json(self) -> dict[str, Any]:
        """Templates and limits; `FragmentCodec.load` rebuilds the codec."""
        return {
            "format": self.format,
            "kind": self.kind,
            "templates": self.templates,
            "maximum_steps": self.schema.maximum_steps,
            "verify": self.verify,
            "scales": {name: list(values) for name, values in self.scales.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FragmentCodec:
        return cls(
            [str(t) for t in data["templates"]],
            int(data["maximum_steps"]),
            bool(data["verify"]),
            {str(k): (float(v[0]), float(v[1])) for k, v in data["scales"].items()},
        )


def _token_numbers(templates: Iterable[str]) -> dict[str, int]:
    """Each template's token."""
    return {template: token for token, template in enumerate(templates, start=_FIRST_TEMPLATE)}
