"""What a run found, for people: the page `report.html` and the end of the terminal's output."""
