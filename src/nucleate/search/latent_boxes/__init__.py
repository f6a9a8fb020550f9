"""Optuna's own samplers over boxes of latent space."""
