"""Parts of the GuacaMol scores: modifiers, means, similarities, formulas, patterns.

Definitions: Brown et al. 2019, doi 10.1021/acs.jcim.8b00839, and the benchmark's own code. A `Term`
takes a sanitised RDKit molecule, which it never changes, and gives a number from 0 to 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdMolDescriptors

from nucleate.molecules.chemistry.chem import Fingerprint, canonical, fingerprints, parse

Modifier = Callable[[float], float]
Term = Callable[[Any], float]

_TRIPLES_KEPT = 64  # feature atoms whose triples are remembered: 41,664 of them, 1 MB


# Modifiers: a raw value -> a score.


def gaussian(mean: float, width: float) -> Modifier:
    """exp(-((x - mean) / width)^2 / 2)."""
    return lambda x: math.exp(-0.5 * ((x - mean) / width) ** 2)


def min_gaussian(mean: float, width: float) -> Modifier:
    """1 up to the mean, a half Gaussian above it: small values are wanted."""
    bell = gaussian(mean, width)
    return lambda x: bell(max(x, mean))


def max_gaussian(mean: float, width: float) -> Modifier:
    """1 from the mean on, a half Gaussian below it: large values are wanted."""
    bell = gaussian(mean, width)
    return lambda x: bell(min(x, mean))


def clipped(upper: float) -> Modifier:
    """From 0 at 0 straight to 1 at `upper`, and no further."""
    return lambda x: min(max(x / upper, 0.0), 1.0)


# Means of terms.


def geometric_mean(values: Sequence[float]) -> float:
    """The n-th root of the product; 0 if any value is. By logarithms, lest the product vanish."""
    if min(values) <= 0:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def geometric(*terms: Term) -> Term:
    """Geometric mean of terms; those after a zero are not computed (put the dear ones last)."""

    def term(molecule: Any) -> float:
        values: list[float] = []
        for part in terms:
            values.append(part(molecule))
            if values[-1] == 0:
                return 0.0
        return geometric_mean(values)

    return term


def arithmetic(*terms: Term) -> Term:
    """Arithmetic mean of terms."""
    return lambda molecule: math.fsum(part(molecule) for part in terms) / len(terms)


# Terms.


def read_target(smiles: str) -> Any:
    """The molecule of a SMILES that stands in our own code."""
    found = parse(smiles)
    if found is None:
        raise ValueError(f"{smiles!r} is not a valid SMILES")
    return found


def descriptor(function: Callable[[Any], float], modifier: Modifier) -> Term:
    """A modified descriptor."""
    return lambda molecule: modifier(function(molecule))


def pattern(smarts: str, wanted: bool = True) -> Term:
    """1 if a SMARTS pattern is there (or, if not `wanted`, if it is not), else 0."""
    query = Chem.MolFromSmarts(smarts)
    return lambda molecule: float(molecule.HasSubstructMatch(query) == wanted)


def similarity(kind: Fingerprint, target: str, modifier: Modifier = float) -> Term:
    """Modified Tanimoto similarity of counts to the molecule of a SMILES."""
    count = fingerprints(kind).GetSparseCountFingerprint
    reference = count(read_target(target))
    return lambda molecule: modifier(DataStructs.TanimotoSimilarity(count(molecule), reference))


def median(kind: Fingerprint, *targets: str) -> Term:
    """Geometric mean of the Tanimoto similarities to several molecules."""
    count = fingerprints(kind).GetSparseCountFingerprint
    references = [count(read_target(target)) for target in targets]
    return lambda molecule: geometric_mean(
        DataStructs.BulkTanimotoSimilarity(count(molecule), references)
    )


# Formulas.


def element_counts(text: str) -> list[tuple[str, int]]:
    """GuacaMol's parser of formulas: each capital letter with the small ones after it, and the
    number after these, or 1."""
    return [(e, int(n or 1)) for e, n in re.findall(r"([A-Z][a-z]*)(\d*)", text)]


def isomer(formula: str, by_text: bool = False) -> Term:
    """Closeness of the molecular formula.

    Geometric mean of a Gaussian (width 1) for each element of the formula and one (width 2) for
    the number of all atoms, hydrogens among them.

    Args:
        by_text: take for the number of all atoms what `element_counts` makes of the canonical
            SMILES, where lower-case atoms vanish and ring-closure digits count as atoms. That
            mistake is in the scores that PMO published (PyTDC's `_prev` oracles).
    """
    wanted = element_counts(formula)
    bells = [(element, gaussian(count, 1.0)) for element, count in wanted]
    total = gaussian(sum(count for _, count in wanted), 2.0)

    def term(molecule: Any) -> float:
        found = dict(element_counts(rdMolDescriptors.CalcMolFormula(molecule)))
        if by_text:
            atoms = sum(count for _, count in element_counts(canonical(molecule)))
        else:
            atoms = molecule.GetNumAtoms(onlyExplicit=False)
        return geometric_mean([*(bell(found.get(e, 0)) for e, bell in bells), total(atoms)])

    return term


# The 2D pharmacophore fingerprint of Gobbi and Poppinger (Biotechnol. Bioeng. 1998, 61, 47): which
# pairs and triangles of features there are, with their distances in seven bins. RDKit's own
# `Gen2DFingerprint` goes through them one by one in Python; below, all at once, to the same bits.


class _Pharmacophores:
    """RDKit's numbering of the bits as tables, made once.

    Attributes:
        patterns: SMARTS queries of the 8 features, each of one atom, in RDKit's order.
        bins: number of bonds, at most 100 -> 1 to 7, or 0 where RDKit looks no further.
        pairs: ((feature, feature), bin) as one number -> bit, or `size`.
        triangles: (three features, bins of 01, 02, 12) as one number -> bit, or `size`.
        size: number of bits.
    """

    def __init__(self) -> None:
        from rdkit.Chem.Pharm2D import Gobbi_Pharm2D, Utils

        factory: Any = Gobbi_Pharm2D.factory  # the stub lacks its attributes
        definitions = factory.featFactory.GetFeatureDefs()
        self.patterns = [Chem.MolFromSmarts(definitions[name]) for name in sorted(definitions)]
        self.bins = np.zeros(101, dtype=np.int64)
        for number, (low, high) in enumerate(Gobbi_Pharm2D.defaultBins, start=1):
            self.bins[low:high] = number
        shapes = Utils.GetPossibleScaffolds(3, Gobbi_Pharm2D.defaultBins)
        number_of = {tuple(b + 1 for b in shape): n for n, shape in enumerate(shapes)}
        pairs = Utils.GetIndexCombinations(8, 2)
        triples = Utils.GetIndexCombinations(8, 3)
        first = 7 * len(pairs)
        self.size = first + len(triples) * len(shapes)
        bit_of_pair = np.full((8, 8, 8), self.size, dtype=np.int64)
        for n, (one, two) in enumerate(pairs):
            bit_of_pair[one, two, 1:] = 7 * n + np.arange(7)
        bit_of_triangle = np.full((8,) * 6, self.size, dtype=np.int64)
        for n, features in enumerate(triples):
            for shape in number_of:
                # The order of two bins is that of the distances in them, so bins will do here.
                ordered = tuple(Utils.OrderTriangle(features, shape)[1])
                bit = first + n * len(shapes) + number_of[ordered]
                bit_of_triangle[(*features, *shape)] = bit
        self.pairs, self.triangles = bit_of_pair.ravel(), bit_of_triangle.ravel()


_tables = cache(_Pharmacophores)


def _triples(size: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of the pairs ij, ik and jk, i < j < k < size, as blocks int64 [3, n]."""
    if size <= _TRIPLES_KEPT:
        yield _all_triples(size)
        return
    for i in range(size - 2):  # by the first one, since memory grows with the cube
        j, k = np.asarray(np.triu_indices(size - i - 1, 1)) + (i + 1)
        yield np.stack([i * size + j, i * size + k, j * size + k])


@lru_cache(maxsize=_TRIPLES_KEPT + 1)
def _all_triples(size: int) -> NDArray[np.int64]:
    chosen = np.array(list(combinations(range(size), 3)), dtype=np.int64).reshape(-1, 3)
    i, j, k = chosen.T
    return np.stack([i * size + j, i * size + k, j * size + k])


def pharmacophores(molecule: Any) -> NDArray[np.bool_]:
    """Bits [39,972] of RDKit's `Generate.Gen2DFingerprint(molecule, Gobbi_Pharm2D.factory)`."""
    tables = _tables()
    matches = [molecule.GetSubstructMatches(query) for query in tables.patterns]
    # By feature, then atom: the order in which RDKit writes each pair and triangle.
    feature = np.repeat(np.arange(8), [len(found) for found in matches])
    atom = np.array([a for found in matches for (a,) in sorted(found)], dtype=np.int64)
    bits = np.zeros(tables.size + 1, dtype=np.bool_)  # the last one takes what has no bit
    if len(atom) < 2:
        return bits[:-1]
    distance = np.minimum(Chem.GetDistanceMatrix(molecule)[np.ix_(atom, atom)], 100)
    near = tables.bins[distance.astype(np.int64)]  # [n, n]
    upper = np.triu_indices(len(atom), 1)
    both = feature[:, None] * 8 + feature
    bits[tables.pairs[(both * 8 + near)[upper]]] = True
    # A triangle's number has the base-8 digits feature i, j, k, bin ij, ik, jk: a sum over pairs.
    ij = (both * 8**4 + near * 8**2).ravel()
    ik = (feature * 8**3 + near * 8).ravel()
    jk = near.ravel()
    for block in _triples(len(atom)):
        bits[tables.triangles[ij[block[0]] + ik[block[1]] + jk[block[2]]]] = True
    return bits[:-1]


def pharmacophore_similarity(target: str, modifier: Modifier) -> Term:
    """Modified Tanimoto similarity of pharmacophores to the molecule of a SMILES."""
    reference = pharmacophores(read_target(target))

    def term(molecule: Any) -> float:
        bits = pharmacophores(molecule)
        return modifier(np.count_nonzero(bits & reference) / np.count_nonzero(bits | reference))

    return term
