"""Between field values and vectors: embeddings, and heads that emit likelihood parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nucleate.vae.likelihoods import Likelihood, for_field
from nucleate.vae.schema import Field


class CategoricalEmbedding(nn.Module):
    """A learnt vector per category plus a linear map of the category's fixed features.

    Args:
        field: a categorical field; `features` float32 [size, F] become a buffer.
        width: length of the vectors.
    """

    def __init__(self, field: Field, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(field.size, width) / math.sqrt(width))
        self.features: Tensor | None
        if field.features is None:
            self.features, self.project = None, None
        else:
            self.register_buffer("features", torch.as_tensor(field.features, dtype=torch.float32))
            self.project = nn.Linear(field.features.shape[1], width, bias=False)

    def table(self) -> Tensor:
        """Vectors of all categories, [size, width]."""
        if self.features is None or self.project is None:
            return self.weight
        return self.weight + self.project(self.features)

    def forward(self, value: Tensor) -> Tensor:
        """int64 [...] -> [..., width]."""
        return F.embedding(value, self.table())


class AngleEmbedding(nn.Module):
    """Fourier features of an angle of period 1; a learnt vector where it is absent (NaN)."""

    HARMONICS = 8

    def __init__(self, width: int):
        super().__init__()
        self.project = nn.Linear(2 * self.HARMONICS, width)
        self.absent = nn.Parameter(torch.zeros(width))
        self.register_buffer("frequencies", 2 * math.pi * torch.arange(1.0, self.HARMONICS + 1))
        self.frequencies: Tensor

    def forward(self, value: Tensor) -> Tensor:
        """float32 [...] -> [..., width]."""
        phase = torch.nan_to_num(value)[..., None] * self.frequencies
        vector = self.project(torch.cat([phase.sin(), phase.cos()], -1))
        return torch.where(torch.isnan(value)[..., None], self.absent, vector)


class VectorEmbedding(nn.Module):
    """A small network on the components, absent ones (NaN) as zero beside a flag."""

    def __init__(self, size: int, width: int):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(2 * size, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, value: Tensor) -> Tensor:
        """float32 [..., size] -> [..., width]."""
        absent = torch.isnan(value)
        return self.network(torch.cat([torch.nan_to_num(value), absent.to(value.dtype)], -1))


def embedding_for(field: Field, width: int) -> nn.Module:
    """The embedding that suits a field's likelihood."""
    if field.is_categorical:
        return CategoricalEmbedding(field, width)
    if field.likelihood == "von_mises_mixture":
        return AngleEmbedding(width)
    return VectorEmbedding(field.size, width)


class Head(nn.Module):
    """Hidden vector -> parameters of a field's likelihood.

    A categorical head is tied to the field's embedding: logits are products of a projection of
    the hidden vector with the category vectors (Press & Wolf 2017), so that categories with like
    features share what is learnt.
    """

    def __init__(self, field: Field, width: int, embedding: nn.Module):
        super().__init__()
        self.likelihood: Likelihood = for_field(field)
        self.norm = nn.LayerNorm(width)
        if isinstance(embedding, CategoricalEmbedding):
            size = embedding.weight.shape[1]
            self.network: nn.Module = nn.Linear(width, size)
            self.bias: nn.Parameter | None = nn.Parameter(torch.zeros(field.size))
        else:
            inner = max(64, width // 2)
            self.network = nn.Sequential(
                nn.Linear(width, inner),
                nn.GELU(),
                nn.Linear(inner, self.likelihood.parameter_count),
            )
            self.bias = None

    def forward(self, hidden: Tensor, table: Tensor | None = None) -> Tensor:
        """[..., width] -> [..., parameter_count]; `table` is the embedding's, if categorical."""
        out: Tensor = self.network(self.norm(hidden))
        if table is None or self.bias is None:
            return out
        return out @ table.T + self.bias


class LinearHead(nn.Module):
    """Latent vector -> parameters of an auxiliary field's likelihood, linearly.

    Linear, so that the latent space itself, not a network behind it, takes the field's shape. A
    Gaussian's spread does not depend on the latent vector.
    """

    def __init__(self, field: Field, latent: int):
        super().__init__()
        self.likelihood: Likelihood = for_field(field)
        free = field.size if field.likelihood == "gaussian" else 0
        self.linear = nn.Linear(latent, self.likelihood.parameter_count - free)
        self.spread = nn.Parameter(torch.zeros(free))

    def forward(self, latent: Tensor) -> Tensor:
        """[B, D] -> [B, parameter_count]."""
        out: Tensor = self.linear(latent)
        return torch.cat([out, self.spread.expand(len(latent), -1)], -1)
