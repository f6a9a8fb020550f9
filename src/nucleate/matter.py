"""What a kind of matter must offer, and the registry that finds it by name.

A kind of matter (molecules, crystals, a third one from outside) is a subclass of `Matter` that is
registered as an entry point of the group `nucleate.matter`. Everything else in Nucleate handles
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
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nucleate.config import DatasetSettings, PropertySettings, Settings, validate
from nucleate.errors import SettingsError, StructureError

if TYPE_CHECKING:
    import torch

    from nucleate.generation.guide import Guide
    from nucleate.identity import Identity
    from nucleate.vae.arrays import Batch
    from nucleate.vae.legality import Legality
    from nucleate.vae.refinement import Refiner
    from nucleate.vae.schema import Record, Schema


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in a file, not yet looked at.

    Attributes:
        number: one-based data row (header not counted).
        id: the file's own id of the row, or its number as text.
        payload: what `Matter.standardise` takes; small and picklable (a SMILES, CIF text).
        properties: by column name; NaN where missing or not finite.
        error: why the row could not even be read; then `payload` is None.
    """

    number: int
    id: str
    payload: Any
    properties: dict[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Standardised:
    """A structure in canonical form.

    Attributes:
        structure: the structure string.
        key: rows with different keys are surely different structures; rows with equal keys are
            compared by `Matter.duplicate`.
    """

    structure: str
    key: str


class Codec(ABC):
    """Structure string <-> `Record` of a schema. Rebuilt from JSON in every worker process."""

    schema: Schema

    @abstractmethod
    def encode(self, structure: str) -> Record:
        """Arrays of a structure.

        Raises:
            StructureError: the schema cannot hold it (unknown symbol, too long); names the part.
        """

    def encode_spelling(self, spelling: str) -> Record:
        """Arrays of another way to write a structure (see `Matter.spellings`)."""
        return self.encode(spelling)

    def auxiliary(self, structure: str) -> dict[str, NDArray[Any]]:
        """Values of the schema's auxiliary fields for a structure, each [size]: float32 with NaN
        where missing, or uint8 for bernoulli fields.

        Raises:
            StructureError: the structure cannot be read.
        """
        return {}

    def auxiliaries(self, structures: Sequence[str]) -> list[dict[str, NDArray[Any]]]:
        """`auxiliary` of each structure, where many at once are less work.

        Raises:
            StructureError: one of the structures cannot be read.
        """
        return [self.auxiliary(structure) for structure in structures]

    def extended(self, structures: Sequence[str]) -> Codec:
        """A codec that also holds these structures as far as new symbols allow; symbols that were
        known keep their numbers. Itself if the kind of matter has a closed alphabet."""
        return self

    def symbols(self) -> list[str]:
        """What each value of the first step field stands for, by number; empty if it has no
        names."""
        return []

    @abstractmethod
    def decode(self, record: Record) -> str:
        """The structure string that the arrays mean, canonical.

        Raises:
            StructureError: the arrays mean no structure.
        """

    def as_written(self, record: Record) -> str:
        """The structure that the arrays mean, canonical or not, whichever is quicker.

        Raises:
            StructureError: the arrays mean no structure.
        """
        return self.decode(record)

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Plain values from which `Matter.load_codec` rebuilds the codec."""


@dataclass(frozen=True)
class Property:
    """A number that can be computed for a structure.

    Attributes:
        name: the field's own term.
        unit: e.g. `eV/atom`, empty if dimensionless.
        description: one line, with the source of the method.
        compute: list of n structure strings -> float64 [n]; NaN where it fails. Never raises for
            one bad structure.
        quick: milliseconds a structure at most: a screening computes it where it checks the
            structure, in its workers.
    """

    name: str
    unit: str
    description: str
    compute: Callable[[Sequence[str]], NDArray[np.float64]]
    quick: bool = field(default=False, kw_only=True)


@dataclass
class Candidate:
    """A structure on its way through the funnel.

    Attributes:
        structure: structure string; a check may replace it (relaxation).
        columns: everything known about it by column name: provenance, properties, check values.
    """

    structure: str
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What a check says of one candidate.

    Attributes:
        passed: whether the candidate goes on.
        value: the measured value, shown beside the verdict; None where there is none.
        reason: why it failed, one short sentence with the numbers; empty if it passed.
        columns: further columns for the table.
        structure: replaces the candidate's structure if given.
    """

    passed: bool
    value: float | str | None = None
    reason: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    structure: str | None = None


@dataclass(frozen=True)
class CheckContext:
    """What checks may need besides the candidates.

    Attributes:
        known: structure strings of the training and reference sets (for novelty).
        seed: of all randomness.
        processes: worker processes that a check may start.
        device: torch device name.
    """

    known: Sequence[str] = ()
    seed: int = 0
    processes: int = 1
    device: str = "cpu"


class Check(ABC):
    """One named test of the funnel. Subclasses state `name`, `description` and `Options`.

    Attributes:
        name: snake_case; the table's columns are `<name>_value`, and a rejection's reason starts
            with it.
        description: one line for the report.
        Options: its settings with defaults (pydantic, unknown keys refused).
        needs: names of checks that must stand before it: it reads their columns, or relies on what
            they refuse.
        usual: whether it is part of the default funnel; others run where the settings name them.
        expensive: seconds rather than milliseconds a candidate. Draws without a score are scored
            just before the first expensive check, once the cheap ones have thinned them out.
        apart: whether what it rejects is reported in a table of its own, not only among the rest.
        independent: whether its verdict on a candidate depends on that candidate alone: then it
            runs in worker processes, on `chunk` candidates at a time, and what was judged is kept
            if the run is killed. Checks that compare candidates, or know others, are not.
        chunk: candidates that an independent check is given together.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    Options: ClassVar[type[Settings]] = Settings
    needs: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[bool] = True
    expensive: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    independent: ClassVar[bool] = False
    chunk: ClassVar[int] = 64

    def __init__(self, options: Any, context: CheckContext):
        self.options = options
        self.context = context

    @property
    def threshold(self) -> str:
        """What the options ask of a value, in a few words: `at most 4.5`; empty if nothing."""
        return ""

    @abstractmethod
    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """One verdict per candidate, in order. Never raises for one bad candidate.

        Candidates arrive best first, so that checks that keep a subset (diversity, a budget of
        relaxations) prefer the better ones.
        """


class EachCheck(Check):
    """A check whose verdict on a candidate depends on that candidate alone.

    Such checks run in worker processes, several of them in a row on each candidate. A candidate
    that takes longer than its limit is stopped in its worker and becomes a rejected row.

    Attributes:
        seconds: limit for one candidate; that of the settings if None.
    """

    independent = True
    seconds: ClassVar[float | None] = None

    @abstractmethod
    def one(self, candidate: Candidate) -> Verdict:
        """The verdict on one candidate, which is not changed.

        An exception becomes a rejection with its message: where a structure cannot be read,
        `StructureError` says it best.
        """

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """One verdict per candidate, in order."""
        return [self.guarded(candidate) for candidate in candidates]

    def guarded(self, candidate: Candidate) -> Verdict:
        """`one`, its exceptions turned into a rejection."""
        try:
            return self.one(candidate)
        except StructureError as error:
            return Verdict(False, reason=str(error))
        except Exception as error:
            sentence = f"cannot be judged ({type(error).__name__}: {error})"
            return Verdict(False, reason=sentence[:300])


class Comparison(ABC):
    """By what a surrogate of a search compares structures: the closer, the more alike in value."""

    @abstractmethod
    def features(
        self, structures: Sequence[str], groups: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Features of n structures by group name; zeros for a structure that cannot be read.

        Args:
            groups: names of those wanted; all if not given.

        A group of bits, uint8 [n, B], is compared by Tanimoto similarity; a group of numbers,
        float32 [n, F], by squared distance, each number standardised by the search.
        """


class Edits(ABC):
    """Random changes of structures without any network: what latent moves are held against."""

    @abstractmethod
    def mutated(self, structures: Sequence[str], seed: int) -> list[str | None]:
        """A small change of each structure; None where none was found."""

    @abstractmethod
    def crossed(self, pairs: Sequence[tuple[str, str]], seed: int) -> list[str | None]:
        """A structure of parts of both, for each pair; None where none was found."""


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
        from nucleate.generation.guide import Guide

        return Guide(self)

    def groups(self) -> dict[str, Callable[[str], str]]:
        """Keys, by kind, that structures share which are variations of one another; the natural
        kind first."""
        kinds = [kind for kind in self.split_kinds if kind != "random"]
        return {kind: partial(self.split_key, kind=kind) for kind in kinds}

    def identity(self) -> Identity:
        """By what structures are told to be known; their strings if not overridden."""
        from nucleate.identity import PlainIdentity

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
        fallback (`nucleate.search.objective.USUAL_TERMS`)."""
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


@cache
def _load(name: str) -> type[Matter] | None:
    # Only the kind asked for: another one's package may be heavy, or broken.
    for entry in entry_points(group="nucleate.matter", name=name):
        found: type[Matter] = entry.load()
        return found
    return None


def names() -> list[str]:
    """Registered kinds of matter."""
    return sorted(entry.name for entry in entry_points(group="nucleate.matter"))


def get(name: str) -> Matter:
    """The kind of matter of that name.

    Raises:
        SettingsError: no such kind; lists those that are registered.
    """
    cls = _load(name)
    if cls is None:
        raise SettingsError(f"no kind of matter named {name!r}; known: {', '.join(names())}")
    return cls()
