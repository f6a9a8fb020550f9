"""Embeddings of field values and the heads that emit likelihood parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.vae.embedding import (
    AngleEmbedding,
    CategoricalEmbedding,
    Head,
    LinearHead,
    VectorEmbedding,
    embedding_for,
)
from nucleate.vae.schema import Field

WIDTH = 16
FEATURES = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
ELEMENT = Field("element", "categorical", 3, features=FEATURES)


def test_fixed_features_move_categories_that_share_them_together() -> None:
    torch.manual_seed(0)
    embedding = CategoricalEmbedding(ELEMENT, WIDTH)
    with torch.no_grad():
        before = embedding.table().clone()
        embedding.project.weight += 1.0  # type: ignore[union-attr]
        moved = embedding.table() - before
    torch.testing.assert_close(moved[0], moved[1])
    assert torch.equal(embedding(torch.tensor([[2, 0]])), embedding.table()[[2, 0]][None])


def test_an_angle_is_the_same_after_a_whole_turn_and_absent_ones_have_a_vector() -> None:
    embedding = AngleEmbedding(WIDTH)
    with torch.no_grad():
        embedding.absent += 3.0
        angle = torch.tensor([0.25, 1.25, float("nan")])
        once, again, absent = embedding(angle)
    torch.testing.assert_close(once, again, atol=1e-4, rtol=1e-4)
    assert torch.equal(absent, embedding.absent)


def test_an_absent_component_is_not_a_zero() -> None:
    torch.manual_seed(0)
    embedding = VectorEmbedding(2, WIDTH)
    absent, zero = embedding(torch.tensor([[float("nan"), 1.0], [0.0, 1.0]]))
    assert torch.isfinite(absent).all()
    assert not torch.allclose(absent, zero)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (ELEMENT, CategoricalEmbedding),
        (Field("x", "von_mises_mixture", 1), AngleEmbedding),
        (Field("lattice", "gaussian", 2), VectorEmbedding),
    ],
)
def test_each_likelihood_has_its_embedding_and_a_head_that_fits(field: Field, kind: type) -> None:
    embedding = embedding_for(field, WIDTH)
    assert isinstance(embedding, kind)
    head = Head(field, WIDTH, embedding)
    table = embedding.table() if isinstance(embedding, CategoricalEmbedding) else None
    parameters = head(torch.randn(4, WIDTH), table)
    assert parameters.shape == (4, head.likelihood.parameter_count)


def test_a_linear_heads_spread_does_not_depend_on_the_latent_vector() -> None:
    torch.manual_seed(0)
    head = LinearHead(Field("weight", "gaussian", 2), 8)
    parameters = head(torch.randn(5, 8))
    assert parameters.shape == (5, head.likelihood.parameter_count)
    assert torch.equal(parameters[:, -2:], parameters[:1, -2:].expand(5, -1))
