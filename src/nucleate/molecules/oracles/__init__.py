"""The oracles of PMO and GuacaMol."""
