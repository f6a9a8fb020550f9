"""Structural alerts: hazards, unstable groups, strain."""
