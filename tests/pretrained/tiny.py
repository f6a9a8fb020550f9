"""What a tiny model for tests is trained with."""

from nucleate.config import NetworkSettings, PriorSettings, TrainSettings

QUICK = TrainSettings(
    network=NetworkSettings(width=32, latent=8),
    prior=PriorSettings(steps=20, width=32, layers=1),
    epochs=2,
    batch=32,
)
CARD = """---
title: A tiny model
data: 150 molecules of NCI
licence: MIT
---
# A tiny model

Not for any use [at all].
"""
