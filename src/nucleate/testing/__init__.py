"""Toy matter, tiny models and jobs that tests share; suites that implementations pass."""
