"""Predictors of numbers from structures and latent vectors."""
