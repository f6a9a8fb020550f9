"""A study: Optuna's trials of a searcher's structures, their storage and results."""
