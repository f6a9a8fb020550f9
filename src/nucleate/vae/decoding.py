"""Decoding: latent vectors in, structures' arrays out, legal by construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nucleate.vae.arrays import Batch, RaggedArrays, offsets_of
from nucleate.vae.legality import Legality
from nucleate.vae.likelihoods import restrict
from nucleate.vae.model import KEY, VAE


@torch.no_grad()
def decode(
    model: VAE,
    latent: Tensor,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    noise: float | Tensor = 0.0,
    legality: Legality | None = None,
    given: RaggedArrays | None = None,
    continuous_temperature: float | None = None,
) -> tuple[RaggedArrays, Tensor]:
    """Write structures from latent vectors [B, D], legal by construction.

    Args:
        temperature: 0 is greedy (the mode of every field).
        noise: amplitude of the noise that the decoder shall take for granted in the vectors,
            which are used as they are: 0 copies, towards 1 they matter less and less and what
            is usual counts. One for all, or [B].
        legality: a stricter one for this call, with the places of the model's own.
        given: B structures whose categorical fields are written as they are there, so that
            only the continuous ones are decoded.
        continuous_temperature: of continuous fields, where it is the lower one.

    Returns:
        The structures, and the log-likelihood of each under its latent vector, nats [B]: of the
        fields that were decoded, all or the continuous ones.
    """
    schema = model.schema
    rules = legality or model.legality
    coldest = temperature
    if continuous_temperature is not None:
        coldest = min(temperature, continuous_temperature)
    fields = (*schema.once, *schema.step)
    warmth = {f.name: temperature if f.is_categorical else coldest for f in fields}
    writer = _Writer(model, rules, model.tables(), warmth, generator)
    forced = None if given is None else given.batch(np.arange(len(given))).to(latent.device)
    once, total = writer.write_once(latent, forced)
    state = rules.start(once, len(latent), latent.device)
    level = torch.as_tensor(noise, dtype=latent.dtype, device=latent.device).expand(len(latent))
    network = model.decoder.start(model.context_of(latent, level, once, writer.tables))
    inputs = model.first_input.expand(len(latent), -1)
    size = len(latent)
    rows = torch.arange(size, device=latent.device)  # of the vectors still being written
    alive = torch.ones(size, dtype=torch.bool, device=latent.device)
    whole_once = once
    written: dict[str, list[Tensor]] = {f.name: [] for f in schema.step}
    lengths = torch.zeros(size, dtype=torch.long, device=latent.device)
    for number in range(schema.maximum_steps + 1):
        place = model.embed_context(rules.context(state), writer.tables)
        hidden, network = model.decoder.step(inputs + place, network)
        if model.binding is not None:
            roles = place[:, None] if isinstance(place, Tensor) else place
            hidden = hidden + model.binding.unbind(latent, roles, number, 1)[:, 0]
        known = {}
        if forced is not None:
            known = {
                f.name: forced.steps[f.name][rows, number] for f in schema.step if f.is_categorical
            }
        step, first, all_fields = writer.write_step(hidden, latent, number, state, once, known)
        stopped = step[schema.step[0].name] == schema.stop
        total[rows] += torch.where(alive, torch.where(stopped, first, all_fields), 0.0)
        alive = alive & ~stopped
        if not bool(alive.any()):
            break
        lengths[rows] += alive
        for name, value in step.items():
            whole = value.new_zeros(size)
            whole[rows] = value
            written[name].append(whole)
        state = rules.advance(state, once, step)
        if not bool(alive.all()):
            # What has stopped costs no more.
            rows, latent = rows[alive], latent[alive]
            once = {k: v[alive] for k, v in once.items()}
            step = {k: v[alive] for k, v in step.items()}
            state = {k: v[alive] for k, v in state.items()}
            network = model.decoder.select(network, alive)
            alive = alive[alive]
        inputs = torch.stack(
            [model.embed(f.name, step[f.name], writer.tables) for f in schema.step]
        ).sum(0)
    real = torch.arange(int(lengths.max()), device=lengths.device)[None] < lengths[:, None]
    steps = {name: torch.stack(values, 1)[real].cpu() for name, values in written.items()}
    arrays = RaggedArrays(
        schema,
        {name: value.cpu().numpy() for name, value in whole_once.items()},
        {name: value.numpy() for name, value in steps.items()},
        offsets_of(lengths.cpu().numpy()),
    )
    return arrays, total


@dataclass(frozen=True)
class _Writer:
    """Writes fields of a batch, each under the legality that the fields before it leave.

    Attributes:
        tables: category vectors, see `VAE.tables`.
        temperatures: by field.
    """

    model: VAE
    rules: Legality
    tables: dict[str, Tensor]
    temperatures: Mapping[str, float]
    generator: torch.Generator | None

    def write_once(self, latent: Tensor, forced: Batch | None) -> tuple[dict[str, Tensor], Tensor]:
        """Write the once fields, categorical ones as `forced` has them; their log-likelihood [B]
        of those that were decoded."""
        model = self.model
        once: dict[str, Tensor] = {}
        total = torch.zeros(len(latent), device=latent.device)
        hidden = model.once_trunk(latent) if model.schema.once else latent
        for f in model.schema.once:
            if forced is not None and f.is_categorical:
                value = forced.once[f.name]
            else:
                head = model.head(f.name)
                parameters = head(hidden, self.tables.get(f.name))
                legal = model.once_mask(f.name, once, latent, self.rules)
                temperature = self.temperatures[f.name]
                value = head.likelihood.sample(parameters, temperature, self.generator, legal)
                present = self.rules.once_present(f.name, once, len(latent))
                if present is not None:
                    value = value.masked_fill(~present, float("nan"))
                total = total + head.likelihood.log_prob(parameters, value, legal)
            once[f.name] = value
            hidden = hidden + model.embed(f.name, value, self.tables)
        return once, total

    def write_step(
        self,
        hidden: Tensor,
        latent: Tensor,
        number: int,
        state: Any,
        once: dict[str, Tensor],
        known: dict[str, Tensor],
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Write one step, of which `known` fields are given; besides the log-likelihoods [B] of the
        first field alone, and of all fields that were decoded."""
        model = self.model
        step: dict[str, Tensor] = {}
        gained: list[Tensor] = []
        keys: Tensor | float = 0.0
        for f in model.schema.step:
            if f.name in known:
                value, nats = known[f.name], torch.zeros(len(hidden), device=hidden.device)
            else:
                legal = self.rules.mask(f.name, state, once, step)
                present = self.rules.present(f.name, state, once, step)
                value, nats = self.write_field(f.name, hidden, legal, present)
            gained.append(nats)
            step[f.name] = value
            if f.name in model.inject:
                hidden = hidden + model.inject[f.name](model.embed(f.name, value, self.tables))
            if f.name in model.keyed_bindings:
                keys = keys + nn.functional.embedding(value, self.tables[KEY + f.name])[:, None]
                hidden = hidden + model.keyed_binding(f.name).unbind(latent, keys, number, 1)[:, 0]
        return step, gained[0], torch.stack(gained).sum(0)

    def write_field(
        self, name: str, hidden: Tensor, legal: Tensor | None, present: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Values of a step field and their log-likelihoods, NaN and 0 where it is absent, [B]."""
        if present is not None:
            # Heads cost, and most sites leave few coordinates free.
            rows = present.nonzero()[:, 0]
            value, nats = hidden.new_full(present.shape, torch.nan), hidden.new_zeros(present.shape)
            if len(rows):
                part = None if legal is None else legal[rows]
                value[rows], nats[rows] = self.write_field(name, hidden[rows], part, None)
            return value, nats
        head = self.model.head(name)
        likelihood, parameters = head.likelihood, head(hidden, self.tables.get(name))
        if legal is not None:
            legal = legal | ~legal.any(-1, keepdim=True)  # only rows that have stopped
            parameters = restrict(parameters, legal)  # once, for the value and its likelihood
        value = likelihood.sample(parameters, self.temperatures[name], self.generator)
        return value, likelihood.log_prob(parameters, value)
