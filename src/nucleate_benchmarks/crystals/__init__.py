"""Benchmarks of crystal models."""
