"""Fine-tuning of a model on a set of your own."""
