"""Energies, relaxation and the convex hull."""
