"""Benchmarks of the representation of crystals."""
