"""Attributes of a study's trials: their names, and a proposal as attributes.

Every operation of a storage costs (a journal's some 50 us, a database's milliseconds), so that a
proposal is written at once when its trial is made, and what its scoring gave at once when it ends.
`optuna-dashboard` shows all of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.search.searcher import Proposal

STRUCTURE = "structure"
"""Structure string that was decoded or proposed."""
PROPOSAL = "proposal"
"""Where a proposed structure comes from: origin, parents, log_likelihood, latent (base64 of little
endian float32)."""
OUTCOME = "outcome"
"""`new`, `known` (no discovery), `duplicate` (decoded before), `failed` (decoded to nothing),
or of trials that failed `abandoned` (its worker died), `yielded` (another worker has it)."""
UNSCORED = ("duplicate", "failed")
"""Outcomes of trials that ended without a question to the objective: they cost no budget."""
RESULT = "result"
"""What the objective gave: properties, desirability, and reasons where a property has no value."""
WORKER = "worker"
"""Id of the worker that scores the trial, where several share a study."""
REASON = "reason"
"""Why a trial failed, or decoded to nothing."""
PROPOSED = "proposed"
"""Of a trial that a person, not a worker, scores: id, batch and date of its proposal, or that the
structure is the person's own."""
MEASURED = "measured"
"""What a person told, by column: every value or failure with its date and file."""
REFERENCE = "reference"
"""Of the study: the sample of known structures and their raw property values."""
INTERRUPTED = "interrupted"
"""Why a trial was abandoned, or why a study stopped: somebody stopped it, and it may go on."""
ABANDONED = "abandoned"
YIELDED = "yielded"


def latent_text(latent: NDArray[np.float32]) -> str:
    """A latent vector [D] as text."""
    return base64.b64encode(np.asarray(latent, "<f4").tobytes()).decode()


def latent_of(text: str) -> NDArray[np.float32]:
    """The latent vector [D] of `latent_text`."""
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)


def origin_attribute(proposal: Proposal) -> dict[str, Any]:
    """Value of `PROPOSAL`."""
    value: dict[str, Any] = {"origin": proposal.origin}
    if proposal.parents:
        value["parents"] = list(proposal.parents)
    if proposal.log_likelihood is not None:
        value["log_likelihood"] = float(proposal.log_likelihood)
    if proposal.latent is not None:
        value["latent"] = latent_text(proposal.latent)
    return value


def proposal_of(attributes: Mapping[str, Any]) -> Proposal | None:
    """The proposal that a trial's user attributes hold; None if it has none."""
    structure = attributes.get(STRUCTURE)
    if structure is None:
        return None
    value = attributes.get(PROPOSAL) or {}
    latent = value.get("latent")
    return Proposal(
        structure,
        str(value.get("origin", "given")),
        tuple(value.get("parents", ())),
        None if latent is None else latent_of(latent),
        value.get("log_likelihood"),
    )
