"""Objectives that a person brings: a function, a program, a column, a head."""
