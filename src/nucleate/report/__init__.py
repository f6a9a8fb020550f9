"""The page `report.html` of a run, and how its numbers and names are written everywhere."""
