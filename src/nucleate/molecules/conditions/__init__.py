"""Conditions on generated molecules: scaffolds, similarity, properties."""
