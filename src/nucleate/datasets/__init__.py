"""Datasets: the catalogue, verified downloads, and rows on their way to records."""
