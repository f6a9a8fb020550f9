"""Trained models: encoding, decoding, shipped models and their cards."""
