"""Silence where a library talks without need."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import optuna


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna says nothing but errors inside: what it would say of every study is ours to say."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


@contextmanager
def silenced() -> Iterator[None]:
    """Drop the prints and warnings of CHGNet, ASE and pymatgen inside the block."""
    with (
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
