"""Objectives that a person brings: a Python function, a command, a column of data, a model's head.

`settings` says what the keys of a study's term mean, `build.build` makes the property, and
`nucleate.objectives.objective.Objective` scores with it. Nothing is imported here: worker processes
import this package and must start quickly.
"""
