"""The suites run: pytest passes over abstract classes without a word."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import nucleate.testing

MODULES = [
    importlib.import_module(f"nucleate.testing.{module.name}")
    for module in pkgutil.iter_modules(nucleate.testing.__path__)
    if module.name.startswith("pytest_")
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_an_unfinished_subclass_of_a_suite_is_collected(module):
    suites = [
        one
        for name, one in vars(module).items()
        if name.endswith("TestCase") and one.__module__ == module.__name__
    ]
    assert suites
    assert not any(inspect.isabstract(suite) for suite in suites)
