import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nucleate.search.latent_boxes.regions import (
    SearchSpace,
    choose_starts,
    principal_axes,
    sample_reference,
)


def test_axes_are_the_widest_directions_and_as_long_as_said():
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    latents = (rng.normal(size=(20000, 5)) * [5, 3, 1, 0.5, 0.1]) @ rotation.T
    axes = principal_axes(latents.astype(np.float32), 2, radius=1.5)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), [7.5, 4.5], rtol=0.05)
    cosines = np.abs(axes @ rotation[:, :2]) / np.linalg.norm(axes, axis=1)[:, None]
    np.testing.assert_allclose(cosines, np.eye(2), atol=0.05)


def test_fewer_rows_or_dimensions_than_asked_for():
    assert principal_axes(np.zeros((1, 3), np.float32), 2, 1.0).shape == (2, 3)
    rows = np.array([[0, 0], [1, 2], [np.nan, 1]], np.float32)
    axes = principal_axes(rows, 16, 1.0)
    assert axes.shape == (2, 2)
    assert np.isfinite(axes).all()


@given(st.integers(0, 1), st.lists(st.floats(-1, 1), min_size=2, max_size=2))
def test_latents_stay_in_their_region(region, coordinates):
    space = SearchSpace(
        np.array([[0, 0, 0], [10, 10, 10]], np.float32),
        ("a", "b"),
        np.array([[1, 0, 0], [0, 2, 0]], np.float32),
    )
    (latent,) = space.latent(np.array([region]), np.array([coordinates]))
    expected = space.centres[region] + [coordinates[0], 2 * coordinates[1], 0]
    np.testing.assert_allclose(latent, expected, atol=1e-5)


def test_starts_are_the_best_that_could_be_encoded():
    latents = np.array([[0.0], [np.nan], [1.0], [2.0]], np.float32)
    assert choose_starts(["a", "b", "c", "d"], np.array([0.1, 0.9, 0.5, 0.5]), latents, 2) == [2, 3]


def test_reference_sample_is_distinct_and_seeded():
    pool = [str(i % 400) for i in range(1000)]
    sample = sample_reference(pool, 256, seed=1)
    assert len(sample) == len(set(sample)) == 256
    assert sample == sample_reference(pool, 256, seed=1)
    assert sample != sample_reference(pool, 256, seed=2)
    assert sorted(sample_reference(pool, 1000, seed=1)) == sorted(set(pool))
