"""Sequence networks: stepwise decoding equals the parallel pass; padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from nucleate.vae.networks import (
    Binding,
    GRUDecoder,
    GRUEncoder,
    SequenceDecoder,
    SequenceEncoder,
    TransformerDecoder,
    TransformerEncoder,
)

WIDTH, CONTEXT, STEPS, ROWS = 32, 8, 6, 5


@pytest.fixture(params=["gru", "transformer"])
def decoder(request: pytest.FixtureRequest) -> SequenceDecoder:
    torch.manual_seed(0)
    if request.param == "gru":
        return GRUDecoder(WIDTH, CONTEXT, 48, 2, 0.0).eval()
    return TransformerDecoder(WIDTH, CONTEXT, 2, 0.0, STEPS).eval()


@pytest.fixture(params=["gru", "transformer"])
def encoder(request: pytest.FixtureRequest) -> SequenceEncoder:
    torch.manual_seed(0)
    if request.param == "gru":
        return GRUEncoder(WIDTH, 48, 1, 0.0).eval()
    return TransformerEncoder(WIDTH, 2, 0.0, STEPS).eval()


@torch.no_grad()
def test_steps_one_by_one_give_what_the_parallel_pass_gives(decoder: SequenceDecoder) -> None:
    inputs, context = torch.randn(ROWS, STEPS, WIDTH), torch.randn(ROWS, CONTEXT)
    whole = decoder(inputs, context)
    state = decoder.start(context)
    for t in range(STEPS):
        hidden, state = decoder.step(inputs[:, t], state)
        torch.testing.assert_close(hidden, whole[:, t], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_rows_that_go_on_are_not_changed_by_those_that_stop(decoder: SequenceDecoder) -> None:
    inputs, context = torch.randn(ROWS, STEPS, WIDTH), torch.randn(ROWS, CONTEXT)
    state = decoder.start(context)
    _, state = decoder.step(inputs[:, 0], state)
    alive = torch.tensor([True, False, True, True, False])
    hidden, _ = decoder.step(inputs[alive, 1], decoder.select(state, alive))
    torch.testing.assert_close(hidden, decoder(inputs, context)[alive, 1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_later_input_changes_no_earlier_output(decoder: SequenceDecoder) -> None:
    inputs, context = torch.randn(ROWS, STEPS, WIDTH), torch.randn(ROWS, CONTEXT)
    changed = inputs.clone()
    changed[:, 4:] += 1.0
    before, after = decoder(inputs, context), decoder(changed, context)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


@torch.no_grad()
def test_padding_changes_no_vector(encoder: SequenceEncoder) -> None:
    steps, length = torch.randn(ROWS, STEPS, WIDTH), torch.tensor([6, 1, 3, 5, 2])
    padded = steps.clone()
    for row, real in enumerate(length.tolist()):
        padded[row, real:] = 100.0
    torch.testing.assert_close(encoder(steps, length), encoder(padded, length))


@torch.no_grad()
def test_binding_sums_over_real_steps_alone() -> None:
    torch.manual_seed(0)
    binding = Binding(WIDTH, CONTEXT, 16, STEPS, roles=True)
    steps, roles = torch.randn(2, STEPS, WIDTH), torch.randn(2, STEPS, WIDTH)
    whole = binding.bind(steps, roles, torch.tensor([STEPS, 3]))
    short = binding.bind(steps[1:, :3], roles[1:, :3], torch.tensor([3]))
    torch.testing.assert_close(whole[1:], short)
    asked = binding.unbind(torch.randn(2, CONTEXT), roles, 0, STEPS)
    assert asked.shape == (2, STEPS, 16)
