"""Nucleate discovers new molecules and new crystals with a variational autoencoder.

Importing this package loads nothing heavy: torch, RDKit, pymatgen and Optuna are imported by the
stage that needs them.
"""

from nucleate.core.version import __version__ as __version__
