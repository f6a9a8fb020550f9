"""Checks that compare molecules: with the known ones, and with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from rdkit import DataStructs
from rdkit.Chem import rdMolDescriptors
from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker

from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, Check, Verdict
from nucleate.molecules.chemistry.chem import fingerprint, molecule, scaffold
from nucleate.molecules.chemistry.lookup import Bits, MoleculeIdentity, nearest
from nucleate.novelty.common_checks import Accepted, BestFirstCheck, UnlikePicks
from nucleate.novelty.index import Hit, Reference, references_of
from nucleate.novelty.keys import Digests
from nucleate.novelty.lookup import identify


def unreadable(smiles: str) -> Verdict:
    """The verdict on a candidate that cannot even be read."""
    return Verdict(False, None, f"{smiles[:60]!r} is not a valid SMILES")


def _rings(core: str) -> int:
    found = molecule(core)
    return 0 if found is None else int(rdMolDescriptors.CalcNumRings(found))


class NovelOptions(Settings):
    ignore_stereo: bool = True
    """Whether a stereoisomer of a known molecule counts as known."""
    maximum_similarity: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Largest Tanimoto similarity (Morgan bits, radius 2) to a known molecule; 1 sets no bound."""
    nearest: bool = True
    """Whether the nearest known molecule is searched for those that are not known themselves."""
    searched: Annotated[int, Field(ge=1)] = 1_000_000
    """Known molecules at most among which the nearest is searched; of more, a random sample."""
    comparisons: Annotated[float, Field(ge=1)] = 2e9
    """Pairs at most that are compared in that search (15 ns each, half a minute in all): of many
    candidates each is compared with a smaller sample. Whether a molecule itself is known is always
    looked up in all of them."""


class NovelCheck(Check):
    """Not among the known molecules. The value is the similarity to the nearest of them.

    Columns: `nearest_known` (SMILES), `nearest_known_similarity` (Tanimoto, Morgan bits),
    `nearest_known_source` (file and row), `nearest_known_id` and `nearest_known_searched`: among
    how many known molecules the nearest was searched.
    """

    name = "novel"
    description = "not in the training or reference set, stereoisomers counted as the same"
    Options = NovelOptions

    @property
    def threshold(self) -> str:
        if not references_of(self.context, "molecules"):
            return "nothing: no known molecules were given"
        limit = self.options.maximum_similarity
        return "not known" if limit >= 1 else f"not known, similarity at most {limit:g}"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        references = references_of(self.context, "molecules")
        if not references:
            return [Verdict(True) for _ in candidates]
        structures = [candidate.structure for candidate in candidates]
        verdicts: dict[int, Verdict] = {}
        left: list[int] = []
        bits: list[Bits] = []
        start = 0
        for part in identify("molecules", structures, self.context.processes):
            chunk = structures[start : start + part.digests.shape[1]]
            readable = dict(zip(part.sketched.tolist(), part.sketches, strict=True))
            known = self._known_structures(chunk, part.digests, references)
            for row, smiles in enumerate(chunk):
                if row not in readable:
                    verdicts[start + row] = unreadable(smiles)
                elif row in known:
                    verdicts[start + row] = _is_known(smiles, known[row])
                else:
                    left.append(start + row)
                    bits.append(readable[row])
            start += len(chunk)
        if self.options.nearest or self.options.maximum_similarity < 1:
            verdicts |= self._nearest(left, bits, references)
        return [verdicts.get(row, Verdict(True)) for row in range(len(candidates))]

    def _known_structures(
        self, structures: Sequence[str], found: Digests, references: Sequence[Reference]
    ) -> dict[int, Hit]:
        """What each known structure is, by row.

        Args:
            found: digests of all kinds of key, [kinds, n, 2].
        """
        kinds = MoleculeIdentity.kinds if self.options.ignore_stereo else ("structure",)
        out: dict[int, Hit] = {}
        for kind, wanted in zip(kinds, found, strict=False):
            for reference in references:
                entries = reference.first(kind, wanted)
                for row in np.flatnonzero(entries >= 0).tolist():
                    if row not in out:
                        out[row] = reference.hit(int(entries[row]))
        return out

    def _nearest(
        self, rows: Sequence[int], bits: Sequence[Bits], references: Sequence[Reference]
    ) -> dict[int, Verdict]:
        """Verdicts on those that are not known, by row; none if nothing can be compared."""
        total = sum(len(reference.sketched) for reference in references)
        if not rows or not total:
            return {}
        most = min(self.options.searched, int(self.options.comparisons / len(rows)))
        share = min(1.0, max(1, most) / total)
        best = np.full(len(rows), -1.0)
        hits: list[Hit | None] = [None] * len(rows)
        compared = 0
        for reference in references:
            count = int(np.ceil(share * len(reference.sketched)))
            if not count:
                continue
            compared += count
            sample = reference.sketches[:, :count]
            values, places = nearest(bits, sample, self.context.processes)
            for place in np.flatnonzero(values > best).tolist():
                best[place] = values[place]
                hits[place] = reference.hit(int(reference.sketched[places[place]]))
        everything = sum(len(reference) for reference in references)
        searched = f"{compared} of {everything}" if compared < everything else f"all {everything}"
        return {
            row: self._similar(float(value), hit, searched)
            for row, value, hit in zip(rows, best, hits, strict=True)
            if hit is not None
        }

    def _similar(self, value: float, hit: Hit, searched: str) -> Verdict:
        value, limit = round(value, 4), self.options.maximum_similarity
        columns = hit.columns()
        columns |= {"nearest_known_similarity": value, "nearest_known_searched": searched}
        if limit < 1 and value > limit:
            reason = f"similarity {value:.3f} to the known {hit.structure} is above {limit:g}"
            return Verdict(False, value, reason, columns)
        return Verdict(True, value, columns=columns)


def _is_known(smiles: str, hit: Hit) -> Verdict:
    columns = {**hit.columns(), "nearest_known_similarity": 1.0, "nearest_known_searched": "all"}
    isomer = f"is a stereoisomer of {hit.structure}, which is known"
    return Verdict(False, 1.0, "is known" if hit.structure == smiles else isomer, columns)


class NearestKnownCheck(NovelCheck):
    """The same, for the few that are left at the funnel's end: among all known molecules."""

    name = "nearest_known"
    description = "the nearest known molecule, searched among all that the funnel may search"
    usual = False


class DiverseOptions(Settings):
    maximum_similarity: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Largest Tanimoto similarity (Morgan bits, radius 2) to a better candidate that is kept."""
    per_scaffold: Annotated[int, Field(ge=1)] = 5
    """Most candidates of one Bemis-Murcko scaffold of at least two rings; a lone ring, benzene say,
    tells too little to count."""


class DiverseCheck(BestFirstCheck):
    """Not too like a better candidate. The value is the similarity to the nearest one kept."""

    name = "diverse"
    description = "few per Bemis-Murcko scaffold, and unlike every better candidate that is kept"
    Options = DiverseOptions

    @property
    def threshold(self) -> str:
        options = self.options
        return (
            f"similarity at most {options.maximum_similarity:g}, {options.per_scaffold} a scaffold"
        )

    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        found = molecule(structure)
        if found is None:
            return unreadable(structure)
        names, prints = accepted.members["names"], accepted.members["prints"]
        if structure in names:
            return Verdict(False, 1.0, "a better candidate is the same molecule")
        own = fingerprint(found)
        similarities = DataStructs.BulkTanimotoSimilarity(own, prints)
        value = round(max(similarities, default=0.0), 4)
        if value > self.options.maximum_similarity:
            like = names[similarities.index(max(similarities))]
            return Verdict(False, value, f"similarity {value:.3f} to the better candidate {like}")
        core = scaffold(structure)
        reason = accepted.full(core, self.options.per_scaffold, f"its scaffold {core}")
        if reason and _rings(core) > 1:
            return Verdict(False, value, reason)
        names.append(structure)
        prints.append(own)
        accepted.groups[core] += 1
        return Verdict(True, value)


class PicksCheck(UnlikePicks):
    """MaxMin picks (Ashton et al., Quant. Struct.-Act. Relat. 2002, 21, 598) of RDKit, by Tanimoto
    distance of Morgan bits; see `UnlikePicks`."""

    description = "so many molecules, each as unlike those picked before it as can be (MaxMin)"

    def describe(self, structure: str) -> Any:
        """Morgan bits."""
        found = molecule(structure)
        return unreadable(structure) if found is None else fingerprint(found)

    def pick(self, described: Sequence[Any], number: int) -> list[tuple[int, float | None]]:
        """See `UnlikePicks.pick`."""
        number = min(number, len(described))
        picker: Any = MaxMinPicker()
        # The first pick is the best candidate; the seed would matter without it only.
        picks = list(picker.LazyBitVectorPick(described, len(described), number, [0]))
        before: list[Any] = []
        out: list[tuple[int, float | None]] = []
        for place in picks:
            alike = DataStructs.BulkTanimotoSimilarity(described[place], before)
            out.append((place, 1 - max(alike) if alike else None))
            before.append(described[place])
        return out
