"""Distances, neighbours, voids, oxidation states, descriptors."""
