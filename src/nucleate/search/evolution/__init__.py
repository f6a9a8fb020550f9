"""Screened evolution: parents, moves, surrogate and niches."""
