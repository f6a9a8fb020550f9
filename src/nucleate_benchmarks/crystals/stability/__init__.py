"""Benchmarks of stability and optimisation of crystals."""
