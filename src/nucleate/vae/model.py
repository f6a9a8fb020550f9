"""The variational autoencoder of any schema (Kingma & Welling 2014).

Encoder: embedded steps and once fields -> mean and log variance of a Gaussian posterior over one
latent vector. Decoder: the once fields in order, then steps, each field conditioned on the latent
vector, on all earlier steps and on the earlier fields of its step, its likelihood normalised over
the values that the schema's legality allows.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from nucleate.settings.model import NetworkSettings
from nucleate.vae.arrays import Batch
from nucleate.vae.embedding import CategoricalEmbedding, Head, LinearHead, embedding_for
from nucleate.vae.legality import Legality
from nucleate.vae.likelihoods import Factorised
from nucleate.vae.networks import (
    Binding,
    GRUDecoder,
    GRUEncoder,
    SequenceDecoder,
    SequenceEncoder,
    TransformerDecoder,
    TransformerEncoder,
)
from nucleate.vae.posterior import Posterior, Reconstruction, Walk
from nucleate.vae.schema import Schema

LOG_VARIANCE_RANGE = (-10.0, 4.0)
PARENT = "parent of a step"  # no field's name has spaces
KEY = "key: "  # and a field's name
NOISE_INPUTS = 2
"""Inputs that tell the decoder how noisy its latent vector is."""


def resolve_network(settings: NetworkSettings) -> NetworkSettings:
    """Fill in `auto`: recurrent networks, which trained best on two cores for molecules and for
    crystals at equal time (results/benchmarks/discover.md)."""
    encoder = "gru" if settings.encoder == "auto" else settings.encoder
    decoder = "gru" if settings.decoder == "auto" else settings.decoder
    return settings.model_copy(
        update={
            "encoder": encoder,
            "decoder": decoder,
            "width": settings.width or (128 if decoder == "gru" else 160),
            "layers": settings.layers or (1 if decoder == "gru" else 3),
        }
    )


class VAE(nn.Module):
    """Encoder, latent vector, decoder.

    Args:
        schema: fields of the matter.
        legality: masks of the matter.
        settings: sizes and kinds; `auto` is resolved here.
    """

    def __init__(self, schema: Schema, legality: Legality, settings: NetworkSettings):
        super().__init__()
        settings = resolve_network(settings)
        self.schema, self.legality, self.settings = schema, legality, settings
        width, layers = settings.width or 0, settings.layers or 0
        # A recurrent network wants a wide state behind narrow inputs; a transformer one width.
        hidden = 4 * width if settings.decoder == "gru" else width
        self.latent_size = settings.latent
        self.embeddings = nn.ModuleDict(
            {f.name: embedding_for(f, width) for f in (*schema.once, *schema.step)}
        )
        self.encoder: SequenceEncoder = (
            GRUEncoder(width, 4 * width, layers, settings.dropout)
            if settings.encoder == "gru"
            else TransformerEncoder(width, layers, settings.dropout, schema.maximum_steps)
        )
        self.binding = (
            Binding(width, settings.latent, hidden, schema.maximum_steps, roles=legality.places > 0)
            if settings.binding
            else None
        )
        # Once a categorical field of a step is known (which position a site is on), what else is
        # there? Its key is what is known of the step by then.
        keyed = [f.name for f in schema.step[:-1] if f.is_categorical and settings.binding]
        self.keyed_bindings = nn.ModuleDict(
            {
                name: Binding(width, settings.latent, hidden, schema.maximum_steps, roles=True)
                for name in keyed
            }
        )
        self.keys = nn.ModuleDict({name: nn.Linear(width, width, bias=False) for name in keyed})
        bound = sum(b.parts * width for b in self._bindings())
        self.posterior = nn.Linear(width + bound, 2 * settings.latent)
        context = settings.latent + NOISE_INPUTS + (width if schema.once else 0)
        self.decoder: SequenceDecoder = (
            GRUDecoder(width, context, hidden, layers, settings.dropout)
            if settings.decoder == "gru"
            else TransformerDecoder(
                width, context, layers + 1, settings.dropout, schema.maximum_steps
            )
        )
        if schema.once:
            self.once_trunk = nn.Sequential(
                nn.Linear(settings.latent, width), nn.GELU(), nn.Linear(width, width)
            )
        heads = {f.name: Head(f, width, self.embeddings[f.name]) for f in schema.once}
        heads |= {f.name: Head(f, hidden, self.embeddings[f.name]) for f in schema.step}
        self.heads = nn.ModuleDict(heads)
        self.inject = nn.ModuleDict({f.name: nn.Linear(width, hidden) for f in schema.step[:-1]})
        self.first_input = nn.Parameter(0.02 * torch.randn(width))
        self.hidden_input = nn.Parameter(0.02 * torch.randn(width))
        if legality.places:
            self.parent = nn.Linear(width, width, bias=False)
            self.place = nn.Embedding(legality.places, width)
        self.auxiliary = nn.ModuleDict(
            {f.name: LinearHead(f, settings.latent) for f in schema.auxiliary}
        )

    def _bindings(self) -> list[Binding]:
        keyed = [self.keyed_binding(name) for name in self.keyed_bindings]
        return keyed if self.binding is None else [self.binding, *keyed]

    def keyed_binding(self, name: str) -> Binding:
        """Return the binding whose keys are the values of a step field."""
        return cast(Binding, self.keyed_bindings[name])

    # Encoding

    def tables(self) -> dict[str, Tensor]:
        """Return category vectors by field, computed once per forward pass; `PARENT`: those of
        the first step field in their role of parents; `KEY` and a field's name: in that of keys to
        the fields after it."""
        tables = {
            name: module.table()
            for name, module in self.embeddings.items()
            if isinstance(module, CategoricalEmbedding)
        }
        if self.legality.places:
            tables[PARENT] = self.parent(tables[self.schema.step[0].name])
        for name, key in self.keys.items():
            tables[KEY + name] = key(tables[name])
        return tables

    def embed(self, name: str, value: Tensor, tables: dict[str, Tensor]) -> Tensor:
        """Return vectors [..., width] of a field's values."""
        if name in tables:
            return nn.functional.embedding(value, tables[name])
        out: Tensor = self.embeddings[name](value)
        return out

    def embed_steps(self, batch: Batch, tables: dict[str, Tensor]) -> Tensor:
        """Sum over step fields, [B, T + 1, width]."""
        parts = [self.embed(f.name, batch.steps[f.name], tables) for f in self.schema.step]
        return torch.stack(parts).sum(0)

    def embed_once(self, once: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor | None:
        """Return the sum over once fields, [B, width]; None if the schema has none."""
        if not self.schema.once:
            return None
        parts = [self.embed(f.name, once[f.name], tables) for f in self.schema.once]
        return torch.stack(parts).sum(0)

    def embed_context(
        self, context: tuple[Tensor, Tensor] | None, tables: dict[str, Tensor]
    ) -> Tensor | float:
        """Vector of the place that a step fills, [..., width]; 0 if steps have no places."""
        if context is None:
            return 0.0
        parent = nn.functional.embedding(context[0], tables[PARENT])
        out: Tensor = parent + self.place(context[1])
        return out

    def encode(self, batch: Batch, walk: Walk | None = None) -> Posterior:
        """Posterior of each structure.

        Args:
            walk: `self.walk(batch)`, if it is at hand.
        """
        tables = self.tables()
        walk = walk or self.walk(batch)
        longest = int(batch.length.max())
        fillers = self.embed_steps(batch, tables)[:, :longest]
        roles = self.embed_context(walk.context, tables)
        roles = roles[:, :longest] if isinstance(roles, Tensor) else roles
        steps = fillers + roles
        once = self.embed_once(batch.once, tables)
        if once is not None:
            steps = steps + once[:, None]
        vector = self.encoder(steps, batch.length)
        if self.binding is not None:
            vector = torch.cat([vector, self.binding.bind(fillers, roles, batch.length)], -1)
        keys: Tensor | float = 0.0
        for name in self.keyed_bindings:
            value = batch.steps[name][:, :longest]
            keys = keys + nn.functional.embedding(value, tables[KEY + name])
            vector = torch.cat(
                [vector, self.keyed_binding(name).bind(fillers, keys, batch.length)], -1
            )
        mean, log_variance = self.posterior(vector).chunk(2, -1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    # Teacher-forced likelihood

    def reconstruct(
        self,
        latent: Tensor,
        batch: Batch,
        word_dropout: float = 0.0,
        noise: Tensor | None = None,
        walk: Walk | None = None,
        count: bool = True,
    ) -> Reconstruction:
        """Likelihood of a batch given latent vectors [B, D].

        Args:
            word_dropout: share of the decoder's inputs replaced by a learnt vector.
            noise: amplitude of the noise that `latent` holds, [B]; none if not given. Invented rows
                are marked by telling neither noise nor its absence.
            walk: `self.walk(batch)`, if it is at hand.
            count: whether to count, outside training, how many steps greedy decoding gets right.
        """
        tables = self.tables()
        walk = walk or self.walk(batch)
        result = Reconstruction({}, {}, {})
        self._reconstruct_once(latent, batch, tables, result)
        if noise is None:
            noise = latent.new_zeros(len(latent))
        context = self.context_of(latent, noise, batch.once, tables, batch.invented)
        embedded = self.embed_steps(batch, tables)
        b, t, width = embedded.shape
        inputs = torch.cat([self.first_input.expand(b, 1, width), embedded[:, :-1]], 1)
        if word_dropout > 0 and self.training:
            hide = torch.rand(b, t, 1, device=inputs.device) < word_dropout
            hide[:, 0] = False
            inputs = torch.where(hide, self.hidden_input, inputs)
        roles = self.embed_context(walk.context, tables)
        hidden = self.decoder(inputs + roles, context)
        if self.binding is not None:
            hidden = hidden + self.binding.unbind(latent, roles, 0, t)
        self._reconstruct_steps(hidden, latent, batch, tables, result, walk, count)
        return result

    def predict_auxiliary(self, latent: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Negative log-likelihood of each auxiliary field's components given latent vectors.

        Each [B, size], or [B, 1] of a field whose components are not independent; 0 where NaN.
        """
        nats = {}
        for f in self.schema.auxiliary:
            head = cast(LinearHead, self.auxiliary[f.name])
            if f.name not in batch.auxiliary:
                continue
            parameters, value = head(latent), batch.auxiliary[f.name]
            likelihood = head.likelihood
            if isinstance(likelihood, Factorised):
                nats[f.name] = -likelihood.terms(parameters, value)
            else:
                nats[f.name] = -likelihood.log_prob(parameters, value)[:, None]
        return nats

    def head(self, name: str) -> Head:
        """Return the head that writes a field."""
        return cast(Head, self.heads[name])

    def once_mask(
        self,
        name: str,
        once: dict[str, Tensor],
        latent: Tensor,
        rules: Legality | None = None,
    ) -> Tensor | None:
        """Return which values of a once field are legal, [B, n]; None if all are."""
        mask = (rules or self.legality).once_mask(name, once, len(latent))
        # The first field's mask depends on nothing that would tell the device.
        return None if mask is None else mask.to(latent.device)

    def _reconstruct_once(
        self, latent: Tensor, batch: Batch, tables: dict[str, Tensor], result: Reconstruction
    ) -> None:
        hidden = self.once_trunk(latent) if self.schema.once else latent
        for f in self.schema.once:
            head, value = self.head(f.name), batch.once[f.name]
            parameters = head(hidden, tables.get(f.name))
            legal = self.once_mask(f.name, batch.once, latent)
            result.nats[f.name] = -head.likelihood.log_prob(parameters, value, legal)
            if f.is_categorical:
                result.right[f.name] = (head.likelihood.mode(parameters, legal) == value).float()
                result.counted[f.name] = torch.ones_like(result.right[f.name])
            hidden = hidden + self.embed(f.name, value, tables)

    def context_of(
        self,
        latent: Tensor,
        noise: Tensor,
        once: dict[str, Tensor],
        tables: dict[str, Tensor],
        invented: Tensor | None = None,
    ) -> Tensor:
        """Return what the decoder reads at every step: latent vector, noise level, once fields."""
        told = torch.stack([noise, torch.sqrt(1 - noise**2)], -1)
        if invented is not None:
            told = told.masked_fill(invented[:, None], 0.0)
        vector = self.embed_once(once, tables)
        parts = [latent, told] if vector is None else [latent, told, vector]
        return torch.cat(parts, -1)

    def _reconstruct_steps(
        self,
        hidden: Tensor,
        latent: Tensor,
        batch: Batch,
        tables: dict[str, Tensor],
        result: Reconstruction,
        walk: Walk,
        count: bool = True,
    ) -> None:
        """Fields of all real steps at once, flattened to [N, ...] to skip the padding."""
        real = batch.step_mask()
        row = torch.arange(len(batch), device=batch.device)[:, None].expand_as(real)[real]
        masks, presents = walk.masks, walk.presents
        flat = hidden[real]
        stopping = batch.steps[self.schema.step[0].name][real] == self.schema.stop
        zeros = torch.zeros(len(batch), device=batch.device)
        keys: Tensor | float = 0.0
        for position, f in enumerate(self.schema.step):
            head, value = self.head(f.name), batch.steps[f.name][real]
            parameters = head(flat, tables.get(f.name))
            legal = masks[f.name][real] if f.name in masks else None
            nats = -head.likelihood.log_prob(parameters, value, legal)
            counts = torch.ones_like(nats) if position == 0 else (~stopping).to(nats.dtype)
            if f.name in presents:
                counts = counts * presents[f.name][real].to(nats.dtype)
            result.nats[f.name] = zeros.index_add(0, row, nats * counts)
            if f.is_categorical and count and not self.training:
                hit = (head.likelihood.mode(parameters, legal) == value).to(nats.dtype) * counts
                result.right[f.name] = zeros.index_add(0, row, hit)
                result.counted[f.name] = zeros.index_add(0, row, counts)
            if f.name in self.inject:
                flat = flat + self.inject[f.name](self.embed(f.name, value, tables))
            if f.name in self.keyed_bindings:
                keys = keys + nn.functional.embedding(batch.steps[f.name], tables[KEY + f.name])
                flat = (
                    flat + self.keyed_binding(f.name).unbind(latent, keys, 0, keys.shape[1])[real]
                )

    @torch.no_grad()
    def walk(self, batch: Batch) -> Walk:
        """What legality says along the given sequences."""
        masks: dict[str, list[Tensor]] = {}
        presents: dict[str, list[Tensor]] = {}
        contexts: list[tuple[Tensor, Tensor]] = []
        state = self.legality.start(batch.once, len(batch), batch.device)
        width = next(iter(batch.steps.values())).shape[1]
        for t in range(width):
            step = {name: values[:, t] for name, values in batch.steps.items()}
            context = self.legality.context(state)
            if context is not None:
                contexts.append(context)
            for f in self.schema.step:
                mask = self.legality.mask(f.name, state, batch.once, step)
                if mask is not None:
                    # Beyond the stop step nothing is legal or counted: keep the softmax finite.
                    masks.setdefault(f.name, []).append(mask | ~mask.any(-1, keepdim=True))
                present = self.legality.present(f.name, state, batch.once, step)
                if present is not None:
                    presents.setdefault(f.name, []).append(present)
            state = self.legality.advance(state, batch.once, step)
        joined = [torch.stack(part, 1) for part in zip(*contexts, strict=True)]
        return Walk(
            {name: torch.stack(m, 1) for name, m in masks.items()},
            {name: torch.stack(p, 1) for name, p in presents.items()},
            (joined[0], joined[1]) if joined else None,
        )
