"""Reference sets for novelty: datasets turned into keys once and kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from nucleate.core.errors import ResultsError
from nucleate.core.files import atomic_folder, digest
from nucleate.core.parallel import default_processes
from nucleate.core.paths import download_folder
from nucleate.core.version import __version__
from nucleate.datasets.sources import Source, resolve, source_digest
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.novelty import build_reference as reference_files
from nucleate.novelty.index import MOST_SKETCHES, Reference
from nucleate.novelty.lookup import identity_of
from nucleate.settings.data import DatasetSettings

_LOG = logging.getLogger(__name__)
FORMAT = 1
"""Of the key files; a change makes all of them anew."""


def references(
    settings: Sequence[DatasetSettings],
    matter_name: str,
    mirror: str | None = None,
    *,
    standardise: Mapping[str, Any] | None = None,
    processes: int | None = None,
) -> list[Reference]:
    """The known structures of reference datasets, one `Reference` for each file or folder.

    Each file is turned into keys once (about a minute for 250,000 molecules on two cores) and kept
    beside the downloads, under a digest of its content, of how it is read and standardised, and of
    the versions of what makes structures canonical.

    Args:
        standardise: options of the kind of matter; its defaults if not given.
        processes: as many as cores if not given.

    Raises:
        DatasetError: unknown, or cannot be fetched.
        InputError: a file as a whole cannot be read.
        ResultsError: the keys cannot be written.
    """
    matter = registry.get(matter_name)
    options = dict(standardise or {})
    matter.reader.resolve(options, f"[matter.{matter_name}.featurize.standardise]")
    found: dict[str, Reference] = {}
    for one in settings:
        for source in resolve(one, matter_name, mirror):
            facts = key_facts(source, matter, options)
            name = digest(facts)[:32]
            if name not in found:
                folder = download_folder() / "references" / name
                found[name] = reference_files.build(
                    source,
                    matter,
                    options,
                    folder,
                    facts,
                    processes=processes or default_processes(),
                )
    return list(found.values())


def stage_reference(
    name: str,
    structures: Sequence[str],
    matter_name: str,
    key: str,
    *,
    processes: int | None = None,
) -> Reference:
    """The known structures of a stage, canonical already, turned into keys once and kept.

    Args:
        name: for people, e.g. `the training set`.
        key: changes with the structures: that of the stage's manifest.
        processes: as many as cores if not given.
    """
    version = identity_of(matter_name).version()
    facts = {"format": FORMAT, "key": key, "name": name, "identity": [matter_name, version]}
    folder = download_folder() / "references" / digest(facts)[:32]
    kept = reference_files.open_if_sound(folder)
    if kept is not None:
        return kept
    made = Reference.of(name, structures, matter_name, processes=processes or default_processes())
    try:
        with atomic_folder(folder) as temporary:
            made.save(temporary, facts)
        return Reference.open(folder)
    except ResultsError as error:
        _LOG.warning("the keys of %s are not kept: %s", name, error)
        return made


def key_facts(source: Source, matter: Matter, options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything on which the keys of a source depend."""
    return {
        "format": FORMAT,
        "nucleate": __version__,
        "digest": source_digest(source, matter),
        "reading": source.settings.model_dump(mode="json", exclude={"source"}),
        "standardise": matter.reader.resolve(options, "standardise").model_dump(mode="json"),
        "identity": [matter.name, identity_of(matter.name).version()],
        "most_sketches": MOST_SKETCHES,
    }
