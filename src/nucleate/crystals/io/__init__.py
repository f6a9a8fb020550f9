"""Reading, standardising, writing and drawing crystals."""
