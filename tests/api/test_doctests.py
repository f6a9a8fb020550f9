"""The examples in the verbs' docstrings run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

import nucleate

VERBS = [name for name in nucleate.__all__ if name not in ("__version__", "tell")]
"""`tell` is part of the example of `propose`."""


@pytest.mark.parametrize("name", VERBS)
def test_the_example_of_a_verb_runs(name: str):
    verb = getattr(nucleate, name)
    module = import_module(verb.__module__)
    (case,) = doctest.DocTestFinder(recurse=False).find(verb, name, module, module.__dict__)
    assert case.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(verbose=False)
    said: list[str] = []
    result = runner.run(case, out=said.append)
    assert not result.failed, "".join(said)
