"""The tiny model for the tests of this folder."""

from tiny import card, exported, nucleate, shipped, tiny_features, trained

__all__ = ["card", "exported", "nucleate", "shipped", "tiny_features", "trained"]
