"""Keys of many structures at a time."""

from __future__ import annotations

import numpy as np

from nucleate.novelty import lookup
from nucleate.novelty.keys import digests
from nucleate.novelty.lookup import identify, identify_chunk, identity_of


def test_chunks_hold_what_one_pass_holds() -> None:
    structures = ["CCO", "C[C@H](N)O", "not a molecule", "CCN"]
    kinds = len(identity_of("molecules").kinds)
    whole = identify_chunk(("molecules", structures))
    assert whole.digests.shape == (kinds, 4, 2)
    np.testing.assert_array_equal(whole.digests[0], digests(structures))
    assert whole.sketched.tolist() == [0, 1, 3]
    (part,) = identify("molecules", structures)
    np.testing.assert_array_equal(part.digests, whole.digests)
    np.testing.assert_array_equal(part.sketches, whole.sketches)


def test_nothing_has_no_keys() -> None:
    assert list(identify("molecules", [])) == []
    assert lookup.CHUNK < lookup.WORTH_WORKERS
