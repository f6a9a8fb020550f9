"""Symmetry: space groups, canonical Wyckoff strings, comparison of crystals."""
