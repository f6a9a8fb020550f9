"""Continuous fields drawn anew keep the categorical ones; their likelihood is the training one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.settings.model import DrawSettings
from nucleate.testing.toy_schema import toy_arrays
from nucleate.vae.arrays import Batch, RaggedArrays
from nucleate.vae.decoding import decode
from nucleate.vae.model import VAE
from nucleate.vae.refinement import Refiner, quality_of, refine

CATEGORIES = ("letter", "colour")


class CloseToZero(Refiner):
    """Good cells have a first component near 0; repair halves it."""

    def __init__(self, enough: float):
        self.enough = self.mendable = enough

    def quality(self, batch: Batch) -> Tensor:
        return -batch.once["cell"][:, 0].abs()

    def repair(self, batch: Batch) -> Batch:
        cell = batch.once["cell"].clone()
        cell[:, 0] /= 2
        return Batch(batch.once | {"cell": cell}, batch.steps, batch.length, batch.auxiliary)


def how(draws: int, relief: bool = False) -> DrawSettings:
    return DrawSettings(resample=draws, resample_temperature=1.0, relief=relief)


def latents(model: VAE, count: int) -> Tensor:
    return torch.randn(count, model.latent_size, generator=torch.Generator().manual_seed(1))


def likelihood_of(
    model: VAE,
    latent: Tensor,
    arrays: RaggedArrays,
    noise: Tensor,
    names: Sequence[str] = ("group", "cell", *CATEGORIES, "angle"),
) -> Tensor:
    batch = arrays.batch(range(len(arrays)))
    nats = model.reconstruct(latent, batch, noise=noise).nats
    return -torch.stack([nats[name] for name in names]).sum(0)


def assert_same_categories(first: RaggedArrays, second: RaggedArrays) -> None:
    np.testing.assert_array_equal(first.offsets, second.offsets)
    np.testing.assert_array_equal(first.once["group"], second.once["group"])
    for name in CATEGORIES:
        np.testing.assert_array_equal(first.steps[name], second.steps[name])
    absent: dict[str, NDArray[Any]] = {"angle": first.steps["angle"]}
    np.testing.assert_array_equal(np.isnan(absent["angle"]), np.isnan(second.steps["angle"]))


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_given_categories_are_written_and_the_likelihood_is_the_training_one(
    toy_model: VAE, temperature: float
) -> None:
    arrays, latent = toy_arrays(50, seed=3), latents(toy_model, 50)
    noise = torch.linspace(0, 0.9, 50)
    generator = torch.Generator().manual_seed(0)
    drawn, likelihood = decode(toy_model, latent, temperature, generator, noise, given=arrays)
    assert_same_categories(drawn, arrays)
    known = ~np.isnan(arrays.steps["angle"])
    assert (drawn.steps["angle"][known] != arrays.steps["angle"][known]).all()
    with torch.no_grad():
        wanted = likelihood_of(toy_model, latent, drawn, noise, ("cell", "angle"))
    torch.testing.assert_close(likelihood, wanted, atol=1e-3, rtol=1e-4)


def test_greedy_for_what_was_written_writes_it_again(toy_model: VAE) -> None:
    latent = latents(toy_model, 30)
    first, _ = decode(toy_model, latent)
    again, _ = decode(toy_model, latent, given=first)
    for name, values in first.arrays().items():
        np.testing.assert_allclose(again.arrays()[name], values, atol=1e-5, equal_nan=True)


def refined(model: VAE, enough: float, draws: int, offset: float = 0.0) -> tuple[Any, ...]:
    latent, noise = latents(model, 60), torch.full((60,), 0.2)
    with torch.no_grad():
        arrays, likelihood = decode(model, latent, noise=noise)
    refiner = CloseToZero(enough)
    generator = torch.Generator().manual_seed(5)
    found = refine(
        model,
        refiner,
        latent,
        arrays,
        likelihood + offset,
        how(draws),
        generator,
        noise,
        stricter=offset != 0,
    )
    return refiner, latent, noise, arrays, likelihood, *found


def test_resampling_betters_what_is_poor_and_leaves_what_is_fine(toy_model: VAE) -> None:
    quality = quality_of(CloseToZero(0), decode(toy_model, latents(toy_model, 60))[0], CPU)
    enough = float(quality.median())
    refiner, latent, noise, before, old, after, new = refined(toy_model, enough, 6)
    assert_same_categories(after, before)
    first, then = (quality_of(refiner, arrays, CPU) for arrays in (before, after))
    fine = first >= enough
    assert 10 < int(fine.sum()) < 50
    for row in fine.nonzero()[:, 0].tolist():
        one, two = before.record(row), after.record(row)
        np.testing.assert_array_equal(one.once["cell"], two.once["cell"])
        np.testing.assert_array_equal(one.steps["angle"], two.steps["angle"])
    assert torch.equal(new[fine], old[fine])
    assert (then >= first).all()
    assert int((then >= enough).sum()) > int(fine.sum())
    with torch.no_grad():
        torch.testing.assert_close(
            new, likelihood_of(toy_model, latent, after, noise), atol=1e-2, rtol=1e-3
        )


def test_a_stricter_likelihood_changes_by_as_much(toy_model: VAE) -> None:
    plain, offset = (refined(toy_model, 10.0, 5, offset) for offset in (0.0, 7.0))
    torch.testing.assert_close(offset[6], plain[6] + 7.0, atol=1e-3, rtol=1e-4)


def test_where_no_draw_is_fine_the_best_is_taken(toy_model: VAE) -> None:
    few, many = (refined(toy_model, 10.0, draws) for draws in (1, 40))
    quality = [quality_of(run[0], run[5], CPU) for run in (few, many)]
    assert float(quality[1].mean()) > float(quality[0].mean())


def test_likelier_draws_win(toy_model: VAE) -> None:
    latent = latents(toy_model, 1).expand(2, -1)
    arrays, likelihood = decode(toy_model, latent)

    class FirstIsPoor(CloseToZero):
        """Everything but what was written at first is fine."""

        def quality(self, batch: Batch) -> Tensor:
            written = float(arrays.once["cell"][0, 0])
            return (batch.once["cell"][:, 0] != written).float() - 0.5

    def worst(draws: int) -> float:
        seeded, refiner = torch.Generator().manual_seed(2), FirstIsPoor(0.0)
        found = refine(toy_model, refiner, latent, arrays, likelihood, how(draws), generator=seeded)
        return float(found[1].min())

    assert worst(64) > worst(1)


def test_no_draws_and_nothing_poor_change_nothing(toy_model: VAE) -> None:
    for enough, draws in ((10.0, 0), (-1e9, 4)):
        *_, before, old, after, new = refined(toy_model, enough, draws)
        assert_same_categories(after, before)
        for name, values in before.arrays().items():
            np.testing.assert_array_equal(after.arrays()[name], values)
        assert torch.equal(new, old)


def test_what_repair_mends_is_not_drawn_anew(toy_model: VAE) -> None:
    latent = latents(toy_model, 60)
    arrays, likelihood = decode(toy_model, latent)
    quality = quality_of(CloseToZero(0), arrays, CPU)
    refiner = CloseToZero(10.0)
    refiner.mendable = float(quality.median())
    generator = torch.Generator().manual_seed(0)
    both = refine(toy_model, refiner, latent, arrays, likelihood, how(5, True), generator)
    kept = (quality >= refiner.mendable).numpy()
    assert torch.equal(both[1][kept], likelihood[kept])
    cells = [a.once["cell"][kept, 0] for a in (arrays, both[0])]
    np.testing.assert_allclose(cells[1], cells[0] / 2)
    assert (both[1][~kept] != likelihood[~kept]).any()
    alone = refine(toy_model, refiner, latent, arrays, likelihood, how(5), generator)
    assert (alone[1][kept] != likelihood[kept]).any()


def test_what_is_poor_is_repaired_in_its_place(toy_model: VAE) -> None:
    latent = latents(toy_model, 1100)
    arrays, likelihood = decode(toy_model, latent)
    refiner = CloseToZero(float(quality_of(CloseToZero(0), arrays, CPU).median()))
    mended, same = refine(toy_model, refiner, latent, arrays, likelihood, how(0, relief=True))
    assert_same_categories(mended, arrays)
    cell = arrays.once["cell"][:, 0]
    wanted = np.where(-np.abs(cell) < refiner.enough, cell / 2, cell)
    np.testing.assert_allclose(mended.once["cell"][:, 0], wanted)
    np.testing.assert_array_equal(mended.steps["angle"], arrays.steps["angle"])
    assert torch.equal(same, likelihood)


CPU = torch.device("cpu")
