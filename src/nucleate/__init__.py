"""Nucleate discovers new molecules and new crystals with a variational autoencoder.

    >>> import nucleate
    >>> table = nucleate.sample("molecules", 10)

The verbs are those of the command line; `help(nucleate.sample)` has an example of each. Importing
this package loads nothing heavy: torch, RDKit, pymatgen and Optuna are imported by the verb that
needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nucleate.core.version import __version__

if TYPE_CHECKING:
    from nucleate.api.latent_space import decode, encode, load_model, reconstruct
    from nucleate.api.search_verbs import optimize, sample
    from nucleate.api.stage_verbs import (
        discover,
        featurize,
        finetune,
        propose,
        screen,
        tell,
        train,
    )

__all__ = [
    "__version__", "decode", "discover", "encode", "featurize", "finetune", "load_model",
    "optimize", "propose", "reconstruct", "sample", "screen", "tell", "train",
]  # fmt: skip

_PLACES = {
    "latent_space": ("decode", "encode", "load_model", "reconstruct"),
    "search_verbs": ("optimize", "sample"),
    "stage_verbs": ("discover", "featurize", "finetune", "propose", "screen", "tell", "train"),
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            found = getattr(import_module(f"nucleate.api.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'nucleate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
