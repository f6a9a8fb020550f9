"""Random changes of molecules without a network."""
