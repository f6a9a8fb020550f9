"""`python -m nucleate_data.prototypes OUT WORK COUNT PROCESSES SEED`, with a log."""

import logging
import sys
from pathlib import Path

from nucleate_data.prototypes import build_prototypes

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    out, work, *numbers = sys.argv[1:]
    count, processes, seed = map(int, numbers)
    print(build_prototypes(Path(out), Path(work), count, processes, seed))
