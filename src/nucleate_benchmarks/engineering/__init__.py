"""What the engineering holds: hostile input, workers, overhead, novelty."""
