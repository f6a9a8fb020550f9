"""Conditions on generated crystals: composition, symmetry, nearness."""
