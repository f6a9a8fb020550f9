"""Reading, standardising, writing and drawing molecules."""
