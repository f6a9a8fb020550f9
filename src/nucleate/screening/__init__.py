"""The funnel of checks that candidates pass, their ranking and their tables."""
