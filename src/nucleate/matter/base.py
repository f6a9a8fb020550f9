"""What a kind of matter must offer, and the registry that finds it by name.

A kind of matter (molecules, crystals, a third one from outside) is a subclass of `Matter` that is
registered as an entry point of the group `nucleate.matter`. Everything else in Nucleate
handles
structures as *structure strings*: canonical SMILES for molecules, the canonical Wyckoff string for
crystals. Equal strings are equal structures; a string holds all that is needed to rebuild,
draw, score and export.

Life cycle: `read_rows` streams a person's file; `standardise` turns each row's payload into a
structure string or raises `StructureError`; `fit_codec` learns a codec on the training split;
`Codec.encode` and `decode` go between strings and `Record`s; properties and checks take lists of
strings; `describe`, `draw` and `write_*` show them.

This module imports nothing heavy. A `Matter` object must be cheap to make: heavy libraries are
imported inside its methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, validate
from nucleate.matter.checks import Check, CheckContext
from nucleate.matter.codec import Codec, RawRow, Standardised
from nucleate.matter.properties import Property
from nucleate.matter.variation import Comparison, Edits
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings

if TYPE_CHECKING:
    import torch

    from nucleate.matter.conditions import Guide
    from nucleate.matter.identity import Identity
    from nucleate.vae.arrays import Batch
    from nucleate.vae.legality import Legality
    from nucleate.vae.refinement import Refiner
    from nucleate.vae.schema import Schema


class Matter(ABC):
    """A kind of matter. See the module's docstring for the life cycle."""

    name: ClassVar[str]
    structure_column: ClassVar[str]
    StandardiseOptions: ClassVar[type[Settings]]
    CodecOptions: ClassVar[type[Settings]]
    split_kinds: ClassVar[tuple[str, ...]]
    HoldOutOptions: ClassVar[type[Settings]] = Settings
    screening: ClassVar[Mapping[str, Any]] = {}
    """Options of `StandardiseOptions` for files that are screened, where its defaults, made for
    training sets, would refuse sound structures."""
    exchange_key: ClassVar[str] = ""
    """What `exchange` writes, in a word, e.g. `cif`; the structure column if empty."""

    @abstractmethod
    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        """Stream the rows of a file or folder; memory does not grow with the file.

        Raises:
            InputError: the file as a whole is unreadable, empty or lacks a named column.
        """

    @abstractmethod
    def standardise(self, payload: Any, options: Any) -> Standardised:
        """Canonical structure of a row.

        Raises:
            StructureError: with the reason under which the row is counted as rejected.
        """

    @abstractmethod
    def same(self, first: str, second: str) -> bool:
        """Whether two structures are the same by the field's own definition."""

    def duplicate(self, first: str, second: str) -> bool:
        """Whether a row of a dataset repeats another one of equal key.

        `same` if not overridden; it may be stricter, and must be quick where most pairs differ.
        """
        return self.same(first, second)

    def altered(self, text: str, structure: str) -> bool:
        """Whether a person's text states another structure than this one, which standardising made
        of it; what is left out of salts, say. False if not overridden."""
        return False

    def key(self, structure: str) -> str:
        """`Standardised.key` of a structure string that is already canonical."""
        return structure

    @abstractmethod
    def split_key(self, structure: str, kind: str) -> str:
        """Rows of equal split key go to the same split; `kind` is one of `split_kinds`."""

    def may_hold_out(self, structure: str, options: Any) -> bool:
        """Whether a structure may be in the test or validation split.

        Args:
            options: `HoldOutOptions`, the settings' `split.hold_out`.
        """
        return True

    @abstractmethod
    def fit_codec(self, structures: Sequence[str], options: Any, seed: int) -> Codec:
        """Learn a codec (a vocabulary, say) on the training structures."""

    @abstractmethod
    def load_codec(self, data: Mapping[str, Any]) -> Codec:
        """Rebuild a codec from `Codec.to_json`."""

    def spellings(self, structure: str, count: int, seed: int) -> list[str]:
        """At most `count` other ways to write a structure, for `Codec.encode_spelling`.

        Further training material where the canonical record is one of many that mean the same
        structure; nothing where it is the only one.
        """
        return []

    def legality(self, schema: Schema) -> Legality:
        """The masks of the schema. Must import torch and numpy only."""
        from nucleate.vae.legality import Legality

        return Legality(schema)

    def augment(
        self, schema: Schema, options: Mapping[str, Any]
    ) -> Callable[[Batch, torch.Generator], Batch] | None:
        """A random transformation of training batches (made afresh each epoch), or None.

        Takes and returns padded batches of the schema. Must import torch and numpy only.

        Args:
            options: `train.augment` of the settings; `enabled` false asks for none.
        """
        return None

    def refiner(self, schema: Schema) -> Refiner | None:
        """What betters the continuous fields of decoded structures at fixed categorical ones, or
        None where nothing does. Must import torch and numpy only."""
        return None

    def guide(self) -> Guide:
        """What generation under conditions asks of this kind of matter."""
        from nucleate.matter.conditions import Guide

        return Guide(self)

    def groups(self) -> dict[str, Callable[[str], str]]:
        """Keys, by kind, that structures share which are variations of one another; the natural
        kind first."""
        kinds = [kind for kind in self.split_kinds if kind != "random"]
        return {kind: partial(self.split_key, kind=kind) for kind in kinds}

    def identity(self) -> Identity:
        """By what structures are told to be known; their strings if not overridden."""
        from nucleate.matter.identity import PlainIdentity

        return PlainIdentity()

    def comparison(self) -> Comparison | None:
        """By what structures are compared in a search, or None: by their latent vectors alone."""
        return None

    def edits(self, codec: Codec) -> dict[str, Edits]:
        """Random changes of structures by kind: `graph` or `gene` of the structure itself, `token`
        of its record; those that this kind of matter knows."""
        return {}

    def regrowth(
        self, codec: Codec, structures: Sequence[str | None], seed: int
    ) -> Legality | None:
        """Masks of n rows, each of which keeps a random part of a structure and leaves the rest to
        the decoder; rows of None are free. None if this kind of matter knows no such masks."""
        return None

    @abstractmethod
    def properties(self) -> dict[str, str]:
        """Name -> one-line description of every property that `property` builds."""

    def usual_properties(self) -> list[str]:
        """Names of the properties that a listing shows; all if not overridden."""
        return list(self.properties())

    @abstractmethod
    def property(self, name: str, arguments: Mapping[str, Any]) -> Property:
        """Build a property.

        Raises:
            SettingsError: unknown name (the message lists the known ones) or argument.
        """

    @abstractmethod
    def checks(self) -> dict[str, type[Check]]:
        """Every check of its own by name, cheapest first: those that are `usual` are, in this
        order, the default funnel."""

    def forbidden(self, structures: Sequence[str]) -> list[str]:
        """Why a search must never be paid for each of n structures (a hazard, say); empty where it
        may. Nothing is forbidden if not overridden."""
        return [""] * len(structures)

    @abstractmethod
    def describe(self, structure: str) -> dict[str, Any]:
        """Columns for people: formula, space group, number of heavy atoms."""

    def title(self, structure: str) -> str:
        """The structure in a few words, for the terminal; its string if not overridden."""
        return structure

    def exchange(self, structure: str) -> str:
        """The structure as text that other programs read: SMILES, CIF. Equal structures give equal
        texts.

        The structure string itself if not overridden.

        Raises:
            StructureError: the structure cannot be read.
        """
        return structure

    @abstractmethod
    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        """The structure as one self-contained SVG element."""

    @abstractmethod
    def write_candidates(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write the field's own formats (SDF; CIF folder and extxyz), atomically.

        Args:
            rows: candidate rows; each has at least `candidate_id` and `structure_column`.
        """

    @abstractmethod
    def write_samples(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write `samples.csv` (molecules) or `samples.extxyz` (crystals), atomically."""

    def write_best(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write a search's few best structures as single files, atomically, where people expect
        such; nothing if not overridden.

        Args:
            rows: best first; each has at least `structure`.
        """
        return []

    @abstractmethod
    def write_reconstructions(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write what was rebuilt, atomically.

        Args:
            rows: mappings with `id`, `structure` (the input, canonical) and `reconstructed`
                (structure string or None where nothing legal was decoded).

        Returns:
            `reconstructed.csv` (columns id, smiles, reconstructed) or `reconstructed.extxyz`
            (`id` in each frame's info).
        """

    # Defaults that rest on the abstract methods above.

    def default_objectives(self) -> tuple[PropertySettings, ...]:
        """What is optimised if the settings name nothing; empty leaves it to the search's own
        fallback (`nucleate.objectives.objective.USUAL_TERMS`)."""
        return ()

    def resolve_standardise(self, options: Mapping[str, Any], where: str) -> Any:
        """Validate the standardise section of a settings file."""
        return validate(self.StandardiseOptions, options, where)

    def resolve_codec(self, options: Mapping[str, Any], where: str) -> Any:
        """Validate the codec section of a settings file."""
        return validate(self.CodecOptions, options, where)

    def resolve_hold_out(self, options: Mapping[str, Any], where: str) -> Any:
        """Validate the split.hold_out section of a settings file."""
        return validate(self.HoldOutOptions, options, where)

    def every_check(self) -> dict[str, type[Check]]:
        """Checks of its own, and those that installed packages bring under the entry point group
        `nucleate.checks.<kind of matter>`; the latter are never part of the default funnel.

        Raises:
            SettingsError: an entry point brings something else than a check.
        """
        found = dict(self.checks())
        for entry in entry_points(group=f"nucleate.checks.{self.name}"):
            brought = entry.load()
            if not (isinstance(brought, type) and issubclass(brought, Check)):
                raise SettingsError(f"entry point {entry.value}: {entry.name} is not a Check")
            found.setdefault(entry.name, brought)
        return found

    def build_check(
        self, name: str, options: Mapping[str, Any], context: CheckContext, where: str
    ) -> Check:
        """Make a check from its section of the settings.

        Raises:
            SettingsError: unknown check (the message lists the known ones) or option.
        """
        known = self.every_check()
        if name not in known:
            raise SettingsError(
                f"{where}: no check named {name!r} for {self.name}; known: {', '.join(known)}"
            )
        cls = known[name]
        return cls(validate(cls.Options, options, f"{where} [{name}]"), context)
