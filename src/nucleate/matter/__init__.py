"""Kinds of matter: what each must offer, and the registry that finds it by name."""
