"""RDKit's parser and writer, quiet, and the few derived things that several modules need."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Literal

from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors, rdqueries
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds import MurckoScaffold

from nucleate.molecules.options import MAXIMUM_TEXT

FINGERPRINT_BITS = 1024
Fingerprint = Literal["ECFP4", "ECFP6", "FCFP4", "AP"]


def parse(smiles: str) -> Any | None:
    """The sanitised RDKit molecule of a SMILES, or None; RDKit's log stays silent.

    Texts beyond `MAXIMUM_TEXT` are not read: several of RDKit's methods take minutes on them.
    """
    if len(smiles) > MAXIMUM_TEXT:
        return None
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)


def canonical(molecule: Any) -> str:
    """RDKit's canonical isomeric SMILES: the structure string."""
    return str(Chem.MolToSmiles(molecule))


@lru_cache(maxsize=4096)
def molecule(smiles: str) -> Any | None:
    """Like `parse`, remembered, because checks and properties ask for the same one in turn.

    The object is shared: never change it.
    """
    return parse(smiles)


def random_spellings(smiles: str, count: int, seed: int) -> list[str]:
    """Distinct SMILES of a molecule from random starts and branch orders, at most `count`.

    The canonical one is not among them; few are left where a molecule has few spellings.
    """
    found = parse(smiles)
    if found is None:
        return []
    # RDKit takes 0 for no seed at all.
    own = (seed & 0x7FFFFFFF) or 0x7FFFFFFF
    drawn = Chem.MolToRandomSmilesVect(found, count, randomSeed=own)
    return [text for text in dict.fromkeys(map(str, drawn)) if text != smiles]


def fill_valences(molecule: Any) -> Any:
    """A copy whose free valences are filled with hydrogen.

    SELFIES writes stereocentres and charged atoms in brackets with a fixed number of hydrogens;
    a decoder that gives such an atom too few neighbours would leave a radical, never meant.
    """
    out = Chem.RWMol(molecule)
    for atom in out.GetAtoms():
        if atom.GetNumRadicalElectrons():
            atom.SetNumExplicitHs(atom.GetNumExplicitHs() + atom.GetNumRadicalElectrons())
            atom.SetNumRadicalElectrons(0)
    Chem.SanitizeMol(out)
    return out


_UNCHARGER: Any = rdMolStandardize.Uncharger(True)  # canonical order of sites


def uncharge(molecule: Any) -> Any:
    """A copy with protons added or taken away until it is neutral, where that can be."""
    return _UNCHARGER.uncharge(molecule)


def one_atom_query(atom: Any) -> Any:
    """A query of one atom."""
    query = Chem.RWMol()
    query.AddAtom(atom)
    return query.GetMol()


_RADICAL = one_atom_query(rdqueries.NumRadicalElectronsGreaterQueryAtom(0))


def has_radicals(molecule: Any) -> bool:
    """Whether any atom has unpaired electrons."""
    return bool(molecule.HasSubstructMatch(_RADICAL))


@lru_cache(maxsize=65536)
def scaffold(smiles: str) -> str:
    """Bemis-Murcko scaffold (J. Med. Chem. 1996, 39, 2887) without stereo; empty if acyclic."""
    found = molecule(smiles)
    if found is None or rdMolDescriptors.CalcNumRings(found) == 0:
        return ""
    with rdBase.BlockLogs():
        core = MurckoScaffold.GetScaffoldForMol(found)
        return str(Chem.MolToSmiles(core, isomericSmiles=False))


def weight(molecule: Any) -> float:
    """Average molecular weight, g/mol."""
    descriptors: Any = Descriptors  # its functions are made at run time: no stub knows them
    return float(descriptors.MolWt(molecule))


def logp(molecule: Any) -> float:
    """Crippen's octanol-water partition coefficient (Wildman and Crippen 1999)."""
    return float(rdMolDescriptors.CalcCrippenDescriptors(molecule)[0])


@cache
def fingerprints(kind: Fingerprint = "ECFP4", bits: int = FINGERPRINT_BITS) -> Any:
    """RDKit's generator: ECFP4, ECFP6, FCFP4 (Rogers and Hahn 2010) or atom pairs up to 10 bonds
    apart (AP; Carhart et al. 1985); `bits` counts for what is folded only."""
    if kind == "AP":
        return rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=10)
    options: dict[str, Any] = {}
    if kind == "FCFP4":
        options["atomInvariantsGenerator"] = rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    radius = 3 if kind == "ECFP6" else 2
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits, **options)


def fingerprint(molecule: Any) -> Any:
    """Morgan bits, `FINGERPRINT_BITS` long."""
    return fingerprints().GetFingerprint(molecule)
