"""RDKit helpers: parsing, fingerprints, conformers, tautomers."""
