"""Conditions on generated crystals: composition, symmetry, distance."""
