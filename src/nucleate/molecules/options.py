"""Settings of the molecules' own sections: `standardise` and `codec`. Light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleate.core.settings import Settings

DEFAULT_ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")

STRUCTURE_COLUMNS = (
    *("smiles", "isomeric_smiles", "canonical_smiles", "smi", "structure_smiles", "cxsmiles"),
    *("ligand_smiles", "molecule_smiles", "compound_smiles", "smiles_string", "rdkit_smiles"),
    "inchi",
)
"""Usual names of the column with the SMILES or InChI, the preferred one first (PubChem's canonical
SMILES hold no stereo); compared without case."""

MAXIMUM_TEXT = 2000
"""Longest SMILES that is handed to RDKit, in characters; drug-like ones have fewer than 150."""

MAXIMUM_PAYLOAD = 8_000
"""Longest text of one, with the extension of a CXSMILES and a name behind it."""


class StandardiseOptions(Settings):
    """What becomes of a row's molecule before anything else sees it."""

    fragment: Literal["largest", "refuse"] = "largest"
    """Salts and solvates: keep the molecule that is meant, or refuse the row (`salt`). It is the
    largest organic part by heavy atoms that is no listed counter-ion or solvent
    (`molecules/io/salts.toml`); of nothing but listed ones (sodium benzoate) it is the largest
    organic one. What is left out is told in the row's notes."""
    mixture: Literal["refuse", "largest"] = "refuse"
    """Two different molecules in one row, neither of them a listed counter-ion or solvent and the
    smaller with at least half the heavy atoms of the larger (two medicines, say): refuse the row
    (`mixture`), as it cannot be told whose values it holds, or keep the largest."""
    neutralise: Literal["salts", "always", "never"] = "salts"
    """Take up or give off protons where that removes a charge: only for the fragment kept of a salt
    (its counter-ion is gone), for every molecule, or never. Deliberate protonation states, as in
    ZINC, survive the default."""
    isotopes: Literal["refuse", "drop"] = "refuse"
    """Labelled molecules: refuse the row (`isotope`), or forget the labels."""
    elements: tuple[str, ...] = DEFAULT_ELEMENTS
    """Allowed elements by symbol; any other refuses the row (`element`)."""
    minimum_heavy_atoms: Annotated[int, Field(ge=1)] = 1
    """Heavy atoms at least."""
    maximum_heavy_atoms: Annotated[int, Field(ge=1, le=500)] = 60
    """Heavy atoms at most."""

    @model_validator(mode="after")
    def _window(self) -> StandardiseOptions:
        if self.minimum_heavy_atoms > self.maximum_heavy_atoms:
            raise ValueError("minimum_heavy_atoms exceeds maximum_heavy_atoms")
        return self


class CodecOptions(Settings):
    """How molecules become token sequences."""

    kind: Literal["fragments", "selfies"] = "fragments"
    """Trees of fragments, or SELFIES symbols merged by byte pairs."""
    vocabulary: Annotated[int, Field(ge=16, le=65536)] | None = None
    """Tokens, the stop token counted. Fragments: 1,024 below 50,000 training molecules, else 4,096;
    more if the pieces that every fragment can be opened into need more. SELFIES: 512 or 1,024."""
    learn_from: Annotated[int, Field(ge=1)] = 60_000
    """Molecules drawn at random to learn the vocabulary from. Those with rare SMILES tokens are
    looked at in any case, so that no symbol of the training set is missed."""
    maximum_steps: Annotated[int, Field(ge=1)] | None = None
    """Longest token sequence; a quarter above the longest one learnt from if not given."""
    verify: bool | None = None
    """Refuse (`not_round_trip`) a molecule that does not come back from its own tokens. It triples
    the cost of encoding, so it is off for large training sets (from 50,000) if not given."""
