"""The one family of exceptions that Nucleate raises on purpose.

Everything a person can cause (a wrong file, a misspelt setting, a damaged checkpoint) ends in a
`NucleateError` whose message names what was wrong and where. The command line prints the message
without a traceback; any other exception is a defect of ours.
"""

from __future__ import annotations

from pathlib import Path


def printable(name: object) -> str:
    """A file's name with what is no UTF-8 in it replaced, so that it can be written anywhere."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class NucleateError(Exception):
    """Base of all errors that a user can act upon."""


class SettingsError(NucleateError):
    """A settings file or option is misspelt, missing or impossible."""


class InputError(NucleateError):
    """An input file cannot be read as what it claims to be.

    Args:
        message: what is wrong and, where possible, what to do.
        file: the file concerned.
        row: one-based number of the data row, if one row is to blame.
    """

    def __init__(self, message: str, *, file: str | Path | None = None, row: int | None = None):
        where = "" if file is None else f"{printable(file)}: "
        where += "" if row is None else f"row {row}: "
        super().__init__(where + message)
        self.file = None if file is None else str(file)
        self.row = row


class StructureError(NucleateError):
    """One structure is refused. Bulk paths turn this into a counted rejected row.

    Args:
        reason: short snake_case word by which rejections are counted, e.g. `partial_occupancy`.
        detail: a sentence for a person, naming the offending part.
    """

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DatasetError(NucleateError):
    """A catalogued dataset is unknown, cannot be fetched or fails its verification."""


class CheckpointError(NucleateError):
    """A model folder is missing, damaged, or of another schema than the data."""


class ResultsError(NucleateError):
    """A run's folder cannot be written, is in use, or is damaged."""
