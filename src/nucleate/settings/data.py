"""Settings of datasets, splits and featurizing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nucleate.core.settings import Positive, Settings, Share


class DatasetSettings(Settings):
    """Where structures come from."""

    source: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Catalogue name (`nucleate datasets list`) or path of a file or folder; or a list of them,
    read in that order: of equal rows the first is kept."""
    test_source: str | None = None
    """Another one whose rows are the test split, whatever `split` says; they are read first."""
    validation_source: str | None = None
    """Likewise for the validation split."""
    format: Literal[
        "auto", "csv", "tsv", "smi", "parquet", "sdf", "cif", "poscar", "extxyz", "json"
    ] = "auto"
    """What a file holds, if its name does not tell; or each file of a folder, zip or tar: `cif`,
    `poscar`, `extxyz` or `json`."""
    structure_column: str | None = None
    """Column with the SMILES or CIF, or with paths of crystals' files from the table's folder;
    found by its usual names if not given."""
    id_column: str | None = None
    """Column with the row's id; row numbers if not given and no column is called `id`."""
    properties: tuple[str, ...] = ()
    """Columns (or SD tags, or extxyz info keys) to keep as properties; missing values allowed."""
    limit: Positive | None = None
    """Use only the first rows of `source`, and of `test_source` and `validation_source` each."""

    @property
    def sources(self) -> tuple[str, ...]:
        """What `source` names, always as a tuple."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def label(self) -> str:
        """What `source` names, on one line."""
        return ", ".join(self.sources)


class SplitSettings(Settings):
    """How records are divided. Rows of equal split key never part."""

    kind: str = "random"
    """`random`, or a kind that the matter offers: `scaffold` (molecules), `formula` (crystals)."""
    validation: Share = 0.05
    """Of the rows that may be held out, those for validation: a share (below 1) or how many of them
    (a whole number)."""
    test: Share = 0.05
    """Those for the test, likewise."""
    hold_out: dict[str, Any] = Field(default_factory=dict)
    """Which rows may be held out, by the matter's own options; all of them if empty. Rows whose
    split key is also that of a row that may not are trained on."""

    @model_validator(mode="after")
    def _leaves_training(self) -> SplitSettings:
        shares = [s for s in (self.validation, self.test) if isinstance(s, float)]
        if sum(shares) >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self


class FeaturizeSettings(Settings):
    """Dataset -> records -> arrays."""

    dataset: DatasetSettings
    """Where structures come from."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    """How rows are standardised, by the matter's own options."""
    codec: dict[str, Any] = Field(default_factory=dict)
    """How structures become arrays, by the matter's own options."""
    split: SplitSettings = SplitSettings()
    """How records are divided."""
    duplicates: Literal["drop", "drop_within_split", "keep"] = "drop"
    """What becomes of rows that repeat an earlier one. The last two are for protocols of the
    literature whose test sets repeat training rows."""
    spellings: Annotated[int, Field(ge=0)] = 0
    """Random spellings of each training structure to train on besides the canonical one."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""
    chunk: Positive = 2000
    """Rows per unit of work, of progress and of resumption."""
