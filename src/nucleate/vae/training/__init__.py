"""Training, transfer to other data, and tuning of the prior."""
