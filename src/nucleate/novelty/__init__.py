"""Known structures, looked up by key: what is new, and what it is nearest to."""
