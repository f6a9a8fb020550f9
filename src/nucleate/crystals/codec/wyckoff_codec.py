"""Wyckoff strings <-> arrays of the crystal schema (see `nucleate.crystals.codec.schema`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Limits

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals import elements
from nucleate.crystals.codec.schema import (
    AXES,
    build_schema,
    free_components,
    lattice_components,
    lattice_from_components,
)
from nucleate.crystals.wyckoff.symmetry import LETTERS, group_starts, space_group
from nucleate.crystals.wyckoff.wyckoff_string import (
    Site,
    WyckoffStructure,
    from_string,
    to_string,
)
from nucleate.matter.codec import Codec
from nucleate.vae.schema import Record


class CodecOptions(Settings):
    """What the schema can hold."""

    maximum_sites: Positive = 20
    """Occupied Wyckoff positions (inequivalent atoms)."""
    maximum_atoms: Positive = 20
    """Atoms in the primitive cell."""
    noble_gases: bool = False
    """Accept He, Ne, Ar, Kr and Xe."""
    tolerance: Annotated[float, Limits(gt=0, lt=0.5)] = 0.01
    """Of the symmetry search that makes a decoded crystal canonical, angstrom."""


class WyckoffCodec(Codec):
    """Encodes and decodes crystals.

    Args:
        mean: of the six lattice numbers over the training set.
        spread: their standard deviations.
        seen: symbols of the elements of the training set; nothing if that is not known.
    """

    def __init__(
        self,
        options: CodecOptions,
        mean: list[float],
        spread: list[float],
        seen: Iterable[str] = (),
    ):
        self.options = options
        self.seen = frozenset(elements.NUMBERS[symbol] for symbol in seen)
        self.mean = np.array(mean, np.float64)
        self.spread = np.array(spread, np.float64)
        self.schema = build_schema(
            options.maximum_sites, options.maximum_atoms, options.noble_gases, mean, spread
        )

    @classmethod
    def fit(cls, structures: Sequence[str], options: CodecOptions) -> WyckoffCodec:
        """Measure the mean and spread of the lattice numbers; 0 and 1 where there are none."""
        genes = [from_string(structure) for structure in structures]
        values = np.array([_components(gene) for gene in genes]).reshape(-1, 6)
        mean, spread = [], []
        for column in values.T:
            known = column[np.isfinite(column)]
            mean.append(round(float(known.mean()), 6) if len(known) else 0.0)
            deviation = float(known.std()) if len(known) else 0.0
            spread.append(round(deviation, 6) if deviation > 1e-2 else 1.0)
        return cls(options, mean, spread, {site.element for gene in genes for site in gene.sites})

    def to_json(self) -> dict[str, Any]:
        seen = [elements.SYMBOLS[number - 1] for number in sorted(self.seen)]
        return {
            "options": self.options.model_dump(mode="json"),
            "lattice_mean": self.mean.tolist(),
            "lattice_spread": self.spread.tolist(),
            **({"elements": seen} if seen else {}),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> WyckoffCodec:
        """Rebuild from `to_json`.

        Raises:
            CheckpointError: the values are not a codec's.
        """
        try:
            mean, spread = list(data["lattice_mean"]), list(data["lattice_spread"])
            if len(mean) != 6 or len(spread) != 6 or not all(s > 0 for s in spread):
                raise ValueError("six means and six positive spreads are needed")
            seen = list(data.get("elements", ()))
            return cls(CodecOptions.model_validate(data["options"]), mean, spread, seen)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"not a codec of crystals: {error}") from None

    def encode(self, structure: str) -> Record:
        """Arrays of a Wyckoff string.

        Raises:
            StructureError: `not_a_wyckoff_string`, `too_many_atoms`, `too_many_sites`,
                `unsupported_element`, `extreme_lattice`.
        """
        gene = from_string(structure)
        self._check(gene)
        sites = sorted(gene.sites, key=lambda s: (LETTERS.index(s.letter), s.number))
        start = int(group_starts()[gene.space_group - 1])
        coordinates = np.full((len(sites), 3), np.nan, np.float32)
        for row, site in enumerate(sites):
            free = list(gene.group.position(site.letter).free)
            coordinates[row, free] = site.parameters
        steps: dict[str, NDArray[Any]] = {
            "wyckoff_position": np.array(
                [1 + start + LETTERS.index(s.letter) for s in sites], np.int64
            ),
            "element": np.array([s.number - 1 for s in sites], np.int64),
            **{axis: coordinates[:, i] for i, axis in enumerate(AXES)},
        }
        lattice = ((_components(gene) - self.mean) / self.spread).astype(np.float32)
        return Record({"space_group": gene.space_group - 1, "lattice": lattice}, steps)

    def _check(self, gene: WyckoffStructure) -> None:
        for site in gene.sites:
            if refusal := elements.refusal(site.number, self.options.noble_gases):
                raise StructureError("unsupported_element", refusal)
        if len(gene.sites) > self.options.maximum_sites:
            raise StructureError(
                "too_many_sites", f"{len(gene.sites)}, at most {self.options.maximum_sites}"
            )
        if gene.atoms > self.options.maximum_atoms:
            raise StructureError(
                "too_many_atoms",
                f"{gene.atoms} in the primitive cell, at most {self.options.maximum_atoms}",
            )
        again = lattice_from_components(
            _components(gene), conventional_atoms(gene), gene.space_group
        )
        if not np.allclose(again, gene.lattice, rtol=1e-6):
            raise StructureError("extreme_lattice", f"lattice parameters {gene.lattice}")

    def decode(self, record: Record) -> str:
        """The canonical Wyckoff string of arrays that obey the schema's masks.

        What is written is rebuilt and described anew: it may turn out to have more symmetry, or a
        better origin. Where no symmetry can be found (atoms on top of each other, to which the
        checks will object), it is returned as written, each site in its preferred image.

        Raises:
            StructureError: `illegal`, if the arrays break the masks.
        """
        from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
        from nucleate.crystals.wyckoff.preferred_setting import tidy
        from nucleate.crystals.wyckoff.wyckoff_string import expand

        gene = self._as_written(record)
        try:
            return to_string(canonical_wyckoff(*expand(gene), self.options.tolerance))
        except StructureError:
            return to_string(tidy(gene))

    def as_written(self, record: Record) -> str:
        return to_string(self._as_written(record))

    def _as_written(self, record: Record) -> WyckoffStructure:
        number = int(record.once["space_group"]) + 1
        group = space_group(number)
        start = int(group_starts()[number - 1])
        coordinates = np.stack([np.asarray(record.steps[axis]) for axis in AXES], axis=1)
        sites = []
        for row, index in enumerate(np.asarray(record.steps["wyckoff_position"]).tolist()):
            place = index - 1 - start
            if not 0 <= place < len(group.positions):
                raise StructureError("illegal", f"position {index} is not of group {number}")
            position = group.positions[place]
            parameters = tuple(float(coordinates[row, j]) % 1.0 for j in position.free)
            if not all(math.isfinite(p) for p in parameters):
                raise StructureError("illegal", f"site {row + 1} lacks a free coordinate")
            element = elements.SYMBOLS[int(record.steps["element"][row])]
            sites.append(Site(position.letter, element, parameters))
        values = np.asarray(record.once["lattice"], np.float64) * self.spread + self.mean
        if not np.isfinite(values[list(free_components(group.system))]).all():
            raise StructureError("illegal", "a free lattice parameter is missing")
        atoms = sum(group.position(s.letter).multiplicity for s in sites)
        return WyckoffStructure(
            number, tuple(sites), lattice_from_components(values, atoms, number)
        )


def conventional_atoms(gene: WyckoffStructure) -> int:
    """Atoms in the conventional cell."""
    return sum(gene.group.position(site.letter).multiplicity for site in gene.sites)


def _components(gene: WyckoffStructure) -> NDArray[np.float64]:
    return lattice_components(gene.lattice, conventional_atoms(gene), gene.group.system)
