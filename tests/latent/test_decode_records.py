"""Records written as structures: alike in this process and in workers, with a reason each."""

from __future__ import annotations

import numpy as np

from nucleate.latent.decode_records import write_records
from nucleate.matter import registry

CRYSTALS = ["225 a:Na b:Cl | 5.6402", "225 a:O b:Mg | 4.2112", "221 a:Cl b:Cs | 4.123"]


def test_workers_write_what_this_process_writes() -> None:
    matter = registry.get("crystals")
    codec = matter.codecs.fit(CRYSTALS, matter.codecs.resolve({}, ""), 0)
    records = [codec.encode(crystal) for crystal in CRYSTALS]
    broken = codec.encode(CRYSTALS[0])
    broken.once["lattice"][:] = np.nan  # arrays that mean no structure
    chunks = [records, [broken, records[0]]]
    here = list(write_records(matter, codec, chunks, 1))
    assert [structure for structure, _ in here[0]] == CRYSTALS
    assert here[1][0][0] is None
    assert here[1][0][1]
    assert list(write_records(matter, codec, chunks, 2)) == here
