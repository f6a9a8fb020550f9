"""Crystals as arrays: schema, legality, augmentation, overlap."""
