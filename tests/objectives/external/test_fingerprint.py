"""Functions that compute different things have different fingerprints."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading

import numpy as np
import pytest

from nucleate.objectives.external import callables
from nucleate.objectives.external.fingerprint import fingerprint

SCALE = 2.0
TABLE = {"C": 1.0}


def scaled(texts):
    return [SCALE * len(text) for text in texts]


def nested(texts):
    return [TABLE[text] + scaled([text])[0] for text in texts]


def times(factor):
    return lambda texts: [factor * len(text) for text in texts]


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, texts):
        return [self.weight for _ in texts]

    def method(self, texts):
        return [2 * self.weight for _ in texts]


def test_two_lambdas_of_one_line_are_two_objectives():
    up, down = (lambda x: [len(t) for t in x]), (lambda x: [-len(t) for t in x])
    keys = [callables.register(one)[0] for one in (up, down)]
    assert len(set(keys)) == 2
    assert [callables._functions[key] for key in keys] == [up, down]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (times(2), times(3)),
        (times(np.zeros(3)), times(np.ones(3))),
        (times([1, {"a": 2}]), times([1, {"a": 3}])),
        (times({1, 2}), times({1, 3})),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (Weighted(1.0), Weighted(2.0)),
        (Weighted(1.0).method, Weighted(2.0).method),
        (Weighted(1.0), Weighted(1.0).method),
        (times(threading.Lock()), times(threading.Lock())),
        (len, max),
        (lambda x, a=1: a, lambda x, a=2: a),
    ],
)
def test_what_functions_hold_tells_them_apart(one, other):
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(other)


def test_equal_functions_are_one():
    assert fingerprint(times(2)) == fingerprint(times(2))
    assert fingerprint(Weighted([1.0])) == fingerprint(Weighted([1.0]))


def test_values_of_the_module_count(monkeypatch):
    first, inner = fingerprint(scaled), fingerprint(nested)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert fingerprint(scaled) != first
    assert fingerprint(nested) != inner  # it calls the other
    monkeypatch.undo()
    assert fingerprint(nested) == inner
    monkeypatch.setitem(TABLE, "C", 2.0)
    assert fingerprint(nested) != inner


def test_counters_that_a_function_keeps_do_not_count():
    calls = 0

    def counting(texts):
        nonlocal calls
        calls += 1
        return [float(len(text)) for text in texts]

    before = fingerprint(counting)
    counting(["C"])
    assert fingerprint(counting) == before


def test_other_processes_agree():
    code = (
        "from nucleate.objectives.external.fingerprint import fingerprint\n"
        "import math; S = {'a', 'b', 'c'}; K = 3\n"
        "def f(texts):\n return [math.log(K) * (t in {'x', 'y', 'z'}) + len(S) for t in texts]\n"
        "print(fingerprint(f))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(3)
    }
    assert len(seen) == 1
