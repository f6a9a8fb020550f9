"""A study in the closed loop: propose, tell, withdraw, rebuild."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.campaign.batches import Batch, read_batches, table_path, write_batch, write_files
from nucleate.campaign.folder import Record, new_name, now, write_record
from nucleate.campaign.match_structures import Identity
from nucleate.campaign.measurements import LOG, WITHDRAWN, Entry, append_log, read_log
from nucleate.campaign.proposing import Question, propose
from nucleate.campaign.result_tables import read_table, write_rejected
from nucleate.campaign.scoring import Scoring
from nucleate.campaign.telling import Reading, Telling, read_rows
from nucleate.campaign.trials import bring_up
from nucleate.core.errors import InputError, NucleateError, ResultsError, SettingsError
from nucleate.core.files import code_version
from nucleate.matter.base import Matter
from nucleate.search.study.storage import open_study
from nucleate.settings.study import StudySettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.novelty.records import StartingStructures

JOURNAL = "loop.journal"


@dataclass
class Campaign:
    """A study's folder, open. Use `opened`.

    Attributes:
        settings: of the study; its text is kept beside the results.
        model: loads the model; `starting` what the study starts from. Telling needs neither,
            unless an objective predicts.
        notes: what a person should know: a changed model, version or objective.
    """

    folder: Path
    matter: Matter
    settings: StudySettings
    settings_text: str
    record: Record
    scoring: Scoring
    model: Callable[[], LatentModel]
    starting: Callable[[], StartingStructures]
    notes: list[str]

    @cached_property
    def batches(self) -> list[Batch]:
        """All batches so far."""
        return read_batches(self.folder)

    def __post_init__(self) -> None:
        self.measurements = read_log(self.folder)
        last = self.batches[-1] if self.batches else None
        if last is not None and last.code_version != code_version():
            self.notes.append(f"the latest batch was made by version {last.code_version}")

    def begin(self) -> None:
        """Write the record, and make up for whatever a killed command left undone."""
        write_record(self.folder, self.record, self.settings_text)
        for batch in self.batches:
            write_files(self.folder, batch, self.matter, self.scoring.columns)
        self.scoring.fit(self.measurements)
        self._bring_up()

    def propose(self, count: int) -> Batch:
        """Ask the searcher for a batch and write it.

        Raises:
            ResultsError: the searcher has nothing left to propose.
        """
        model, starting = self.model(), self.starting()
        self.scoring.fit(self.measurements)
        question = Question(
            model, starting.training, frozenset(starting.known), self.settings, self.scoring
        )
        batch = propose(question, count, self.batches, self.measurements)
        batch = replace(
            batch,
            created=now(),
            code_version=code_version(),
            model=self.record.model_digest,
        )
        write_batch(self.folder, batch)  # from here on it is proposed
        self.batches.append(batch)
        write_files(self.folder, batch, self.matter, self.scoring.columns)
        self._bring_up()
        return batch

    def tell(
        self, path: Path, *, replace: bool = False, structure_column: str | None = None
    ) -> Telling:
        """Take the values of a table.

        Args:
            replace: they take the place of what was told before of the same structures.
            structure_column: that holds structures; found by its name if not given.

        Raises:
            InputError: the table as a whole cannot be used.
        """
        table = read_table(path)
        reading = Reading(self.scoring.columns, now(), replace, structure_column)
        telling = read_rows(table, reading, self.identity(), self.measurements)
        told = self.folder / LOG.parent
        telling.rejected_file = write_rejected(told, table.columns, telling.rejected)
        self._append(telling.entries)
        return telling

    def withdraw(self, ids: Sequence[str], reason: str = "") -> list[str]:
        """Give proposals up; returns their ids. They are never proposed again.

        Raises:
            InputError: no such proposal, or it was told already; nothing is given up then.
        """
        known = self.identity().structures
        entries = []
        for name in dict.fromkeys(ids):
            structure, identity = known.get(name.strip().lower(), ("", ""))
            told = self.measurements.of(structure)
            if not identity:
                raise InputError(f"{name!r} was never proposed in this study")
            if told.values or told.failures:
                raise InputError(f"{identity} cannot be withdrawn: measurements of it were told")
            if told.withdrawn is None:
                why = reason or "withdrawn"
                entries.append(
                    Entry(structure, WITHDRAWN, reason=why, proposal=identity, date=now())
                )
        self._append(entries)
        return [entry.proposal for entry in entries]

    def rebuild(self) -> None:
        """Make Optuna's study anew; what there was of it is kept aside.

        Raises:
            ResultsError: the folder cannot be written.
        """
        journal = self.folder / JOURNAL
        if self.settings.storage is None and journal.exists():
            aside = journal.with_name(f"loop-until-{now().replace(':', '')}.journal")
            journal.replace(aside)
        self.record = replace(self.record, name=new_name(self.matter.name))
        self.begin()

    def identity(self) -> Identity:
        """Finds the structures of tables."""
        proposed = [p for batch in self.batches for p in batch.proposals]
        standardise = self.scoring.standardise
        return Identity(self.matter, proposed, self.measurements.observed, standardise)

    def table(self, batch: Batch) -> Path:
        """Where a batch's table is."""
        return table_path(self.folder, batch)

    def _append(self, entries: Sequence[Entry]) -> None:
        if entries:
            append_log(self.folder, entries)  # from here on it is told
            self.measurements.add(entries)
            self.scoring.fit(self.measurements)
            self._bring_up()

    def _bring_up(self) -> None:
        complete = self.scoring.complete(self.measurements)
        failed = {structure: why for structure, why in complete.items() if why}
        good = [structure for structure, why in complete.items() if not why]
        scores = dict(zip(good, self.scoring.score(good, self.measurements), strict=True))
        journal = self.folder / JOURNAL
        try:
            with open_study(journal, self.record.name, self.settings.storage) as study:
                bring_up(study, self.batches, self.measurements, scores, failed)
        except SettingsError:
            raise
        except NucleateError as error:
            raise ResultsError(
                f"{error}\n  `nucleate tell {self.folder} --rebuild` makes it anew from what was "
                "proposed and told"
            ) from None
