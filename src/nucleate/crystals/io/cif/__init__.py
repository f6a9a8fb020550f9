"""CIF texts -> crystals."""
