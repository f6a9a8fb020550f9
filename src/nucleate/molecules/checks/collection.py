"""Checks that compare molecules: with the known ones, and with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import Field
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdMolDescriptors

from nucleate.config import Settings
from nucleate.matter import Candidate, Check, Verdict
from nucleate.molecules.chem import fingerprint, molecule, parse, scaffold
from nucleate.parallel import map_ordered

_from_binary: Any = DataStructs.CreateFromBinaryText  # the stub says str
_CHUNK = 5000
_WORTH_WORKERS = 20_000


def known_chunk(smiles: Sequence[str]) -> list[tuple[str, bytes] | None]:
    """(SMILES without stereo, fingerprint) of each, None where unreadable; runs in workers."""
    out: list[tuple[str, bytes] | None] = []
    for text in smiles:
        found = parse(text)
        out.append(
            None
            if found is None
            else (_flat(found), DataStructs.BitVectToBinaryText(fingerprint(found)))
        )
    return out


def _flat(found: Any) -> str:
    with rdBase.BlockLogs():
        return str(Chem.MolToSmiles(found, isomericSmiles=False))


def _rings(core: str) -> int:
    found = molecule(core)
    return 0 if found is None else int(rdMolDescriptors.CalcNumRings(found))


def _chunks(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


class NovelOptions(Settings):
    ignore_stereo: bool = True
    """Whether a stereoisomer of a known molecule counts as known."""
    maximum_similarity: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Largest Tanimoto similarity (Morgan bits, radius 2) to a known molecule; 1 sets no bound."""


class NovelCheck(Check):
    """Not among the known molecules. The value is the similarity to the nearest of them.

    Columns: `nearest_known` (SMILES) and `nearest_known_similarity` (Tanimoto, Morgan bits).
    """

    name = "novel"
    description = "not in the training or reference set, stereoisomers counted as the same"
    Options = NovelOptions

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        known = list(dict.fromkeys(self.context.known))
        if not known:
            return [Verdict(True, None) for _ in candidates]
        flat: dict[str, str] = {}
        prints: list[Any] = []
        owners: list[str] = []
        processes = self.context.processes if len(known) >= _WORTH_WORKERS else 1
        for chunk, found in zip(
            _chunks(known),
            map_ordered(known_chunk, _chunks(known), processes=processes),
            strict=True,
        ):
            for smiles, entry in zip(chunk, found, strict=True):
                if entry is not None:
                    flat.setdefault(entry[0], smiles)
                    prints.append(_from_binary(entry[1]))
                    owners.append(smiles)
        exact = set(known)
        return [self._one(c.structure, exact, flat, prints, owners) for c in candidates]

    def _one(
        self,
        smiles: str,
        exact: set[str],
        flat: dict[str, str],
        prints: list[Any],
        owners: list[str],
    ) -> Verdict:
        found = molecule(smiles)
        if found is None:
            return Verdict(False, None, f"{smiles[:60]!r} is not a valid SMILES")
        twin = smiles if smiles in exact else None
        if twin is None and self.options.ignore_stereo:
            twin = flat.get(_flat(found))
        if twin is not None:
            columns = {"nearest_known": twin, "nearest_known_similarity": 1.0}
            what = "is known" if twin == smiles else f"is a stereoisomer of {twin}, which is known"
            return Verdict(False, 1.0, what, columns)
        if not prints:
            return Verdict(True, None)
        similarities = DataStructs.BulkTanimotoSimilarity(fingerprint(found), prints)
        value = max(similarities)
        nearest = owners[similarities.index(value)]
        columns = {"nearest_known": nearest, "nearest_known_similarity": round(value, 4)}
        limit = self.options.maximum_similarity
        if limit < 1 and value > limit:
            reason = f"similarity {value:.3f} to the known {nearest} is above {limit:g}"
            return Verdict(False, round(value, 4), reason, columns)
        return Verdict(True, round(value, 4), columns=columns)


class DiverseOptions(Settings):
    maximum_similarity: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Largest Tanimoto similarity (Morgan bits, radius 2) to a better candidate that is kept."""
    per_scaffold: Annotated[int, Field(ge=1)] = 5
    """Most candidates of one Bemis-Murcko scaffold of at least two rings; a lone ring, benzene say,
    tells too little to count."""


class DiverseCheck(Check):
    """Not too like a better candidate. The value is the similarity to the nearest one kept."""

    name = "diverse"
    description = "few per Bemis-Murcko scaffold, and unlike every better candidate that is kept"
    Options = DiverseOptions

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        kept: list[Any] = []
        names: list[str] = []
        scaffolds: Counter[str] = Counter()
        verdicts = []
        for candidate in candidates:
            verdict = self._one(candidate.structure, kept, names, scaffolds)
            if verdict.passed:
                kept.append(fingerprint(molecule(candidate.structure)))
                names.append(candidate.structure)
                scaffolds[scaffold(candidate.structure)] += 1
            verdicts.append(verdict)
        return verdicts

    def _one(
        self, smiles: str, kept: list[Any], names: list[str], scaffolds: Counter[str]
    ) -> Verdict:
        found = molecule(smiles)
        if found is None:
            return Verdict(False, None, f"{smiles[:60]!r} is not a valid SMILES")
        if smiles in names:
            return Verdict(False, 1.0, "a better candidate is the same molecule")
        similarities = DataStructs.BulkTanimotoSimilarity(fingerprint(found), kept)
        value = round(max(similarities, default=0.0), 4)
        if value > self.options.maximum_similarity:
            nearest = names[similarities.index(max(similarities))]
            return Verdict(
                False, value, f"similarity {value:.3f} to the better candidate {nearest}"
            )
        core = scaffold(smiles)
        if scaffolds[core] >= self.options.per_scaffold and _rings(core) > 1:
            reason = f"{self.options.per_scaffold} better candidates have its scaffold {core}"
            return Verdict(False, value, reason)
        return Verdict(True, value)
