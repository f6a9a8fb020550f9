"""Molecules as arrays: SELFIES and fragment trees."""
