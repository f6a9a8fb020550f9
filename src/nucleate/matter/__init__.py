"""What a kind of matter must offer, and the registry that finds it by name."""
