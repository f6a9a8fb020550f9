"""Benchmarks of molecule models."""
