"""What is run once to make data that ships: prototypes and crystal tables."""
