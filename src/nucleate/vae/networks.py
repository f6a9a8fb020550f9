"""Sequence networks: the interchangeable kinds of encoder and decoder.

Encoders map step vectors [B, T, width] and lengths [B] to one vector [B, width]; decoders map
step inputs and a context vector to hidden vectors, all at once for training (`forward`) or one
step at a time for decoding (`start`, `step`), with the same result.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SequenceEncoder(nn.Module, ABC):
    """Step vectors -> one vector, invariant to padding."""

    @abstractmethod
    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        """[B, T, width], int64 [B] -> [B, width]."""


class SequenceDecoder(nn.Module, ABC):
    """Step inputs and context -> hidden vectors; position t sees inputs 0..t only."""

    @abstractmethod
    def forward(self, inputs: Tensor, context: Tensor) -> Tensor:
        """[B, T, width], [B, context] -> [B, T, hidden]."""

    @abstractmethod
    def start(self, context: Tensor) -> Any:
        """State before the first step."""

    @abstractmethod
    def step(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """[B, width], state -> [B, hidden], state."""

    @abstractmethod
    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of some rows, bool [B] or int64 [n]."""


class GRUEncoder(SequenceEncoder):
    """Bidirectional GRU; the mean over steps beside the two final states."""

    def __init__(self, width: int, hidden: int, layers: int, dropout: float):
        super().__init__()
        self.gru = nn.GRU(
            width,
            hidden // 2,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.out = nn.Sequential(nn.Linear(2 * hidden, width), nn.GELU())

    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            steps, length.cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.gru(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        mean = states.sum(1) / length[:, None]
        ends = torch.cat([last[-2], last[-1]], -1)
        out: Tensor = self.out(torch.cat([mean, ends], -1))
        return out


class GRUDecoder(SequenceDecoder):
    """GRU that meets the context in its first state, at every input and at the output."""

    def __init__(self, width: int, context: int, hidden: int, layers: int, dropout: float):
        super().__init__()
        self.layers, self.hidden = layers, hidden
        self.first = nn.Linear(context, layers * hidden)
        self.gru = nn.GRU(
            width + context,
            hidden,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.late = nn.Linear(context, hidden)

    def _first_state(self, context: Tensor) -> Tensor:
        state = torch.tanh(self.first(context))
        return state.reshape(-1, self.layers, self.hidden).transpose(0, 1).contiguous()

    def forward(self, inputs: Tensor, context: Tensor) -> Tensor:
        wide = context[:, None].expand(-1, inputs.shape[1], -1)
        states, _ = self.gru(torch.cat([inputs, wide], -1), self._first_state(context))
        out: Tensor = states + self.late(context)[:, None]
        return out

    def start(self, context: Tensor) -> Any:
        return context, self._first_state(context)

    def step(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        context, hidden = state
        out, hidden = self.gru(torch.cat([inputs, context], -1)[:, None], hidden)
        return out[:, 0] + self.late(context), (context, hidden)

    def select(self, state: Any, rows: Tensor) -> Any:
        context, hidden = state
        return context[rows], hidden[:, rows].contiguous()


class Block(nn.Module):
    """Pre-norm transformer layer (Xiong et al. 2020)."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.heads = max(1, width // 32)
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        causal: bool = False,
        cache: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x [B, T, width]; mask bool [B, 1, 1, T] of keys to attend; cache keys, values so far."""
        b, t, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).reshape(b, t, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # [3, B, heads, T, width / heads]
        if cache is not None:
            key, value = torch.cat([cache[0], key], 2), torch.cat([cache[1], value], 2)
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=causal and cache is None
        )
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(b, t, width)))
        return x + self.dropout(self.feed(self.norm_feed(x))), (key, value)


class TransformerEncoder(SequenceEncoder):
    """Transformer without positions beyond a learnt one per step; a query token is read out."""

    def __init__(self, width: int, layers: int, dropout: float, maximum_steps: int):
        super().__init__()
        self.token = nn.Parameter(0.02 * torch.randn(width))
        self.position = nn.Parameter(0.02 * torch.randn(maximum_steps, width))
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        b, t, width = steps.shape
        x = torch.cat([self.token.expand(b, 1, width), steps + self.position[:t]], 1)
        mask = torch.arange(t + 1, device=steps.device)[None] <= length[:, None]
        for block in self.blocks:
            x, _ = block(x, mask[:, None, None])
        out: Tensor = self.norm(x[:, 0])
        return out


class TransformerDecoder(SequenceDecoder):
    """Causal transformer; the context enters as prefix tokens and is added at every step."""

    PREFIX = 3

    def __init__(self, width: int, context: int, layers: int, dropout: float, maximum_steps: int):
        super().__init__()
        self.width = width
        self.prefix = nn.Linear(context, self.PREFIX * width)
        self.add = nn.Linear(context, width)
        self.position = nn.Parameter(0.02 * torch.randn(maximum_steps + 1, width))
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def _prefix(self, context: Tensor) -> Tensor:
        out: Tensor = self.prefix(context).reshape(-1, self.PREFIX, self.width)
        return out

    def forward(self, inputs: Tensor, context: Tensor) -> Tensor:
        steps = inputs + self.position[: inputs.shape[1]] + self.add(context)[:, None]
        x = torch.cat([self._prefix(context), steps], 1)
        for block in self.blocks:
            x, _ = block(x, None, causal=True)
        out: Tensor = self.norm(x[:, self.PREFIX :])
        return out

    def start(self, context: Tensor) -> Any:
        x = self._prefix(context)
        cache = []
        for block in self.blocks:
            x, keys = block(x, None, causal=True)
            cache.append(keys)
        return self.add(context), cache, 0

    def step(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        added, cache, position = state
        x = (inputs + self.position[position] + added)[:, None]
        new = []
        for block, keys in zip(self.blocks, cache, strict=True):
            x, extended = block(x, None, cache=keys)
            new.append(extended)
        return self.norm(x[:, 0]), (added, new, position + 1)

    def select(self, state: Any, rows: Tensor) -> Any:
        added, cache, position = state
        return added[rows], [(key[rows], value[rows]) for key, value in cache], position


class Binding(nn.Module):
    """Steps as a sum of bound pairs, filler times role (Gayler 2003; Plate 1995).

    The role of a step is its position, and beside it what it hangs on, if that is known; binding is
    the element-wise product. The sum is a bag of "this hangs there", to which every step
    contributes whatever comes before it; unbinding asks a latent vector what hangs there. It gives
    encoder and decoder a short way for what a recurrent state has to carry through all steps.

    Args:
        latent: size of the latent vector that is unbound.
        hidden: size of the decoder's hidden vectors.
        roles: whether steps come with roles besides their position.
    """

    def __init__(self, width: int, latent: int, hidden: int, maximum_steps: int, roles: bool):
        super().__init__()
        self.parts = 2 if roles else 1
        self.scale = math.sqrt(maximum_steps)  # of a sum over steps, whatever the batch's padding
        self.position = nn.Parameter(torch.randn(maximum_steps + 1, width))
        self.filler = nn.Linear(width, self.parts * width)
        self.question = nn.Linear(latent, self.parts * width)
        self.answer = nn.Linear(self.parts * width, hidden)

    def _roles(self, first: int, count: int, roles: Tensor | float) -> Tensor:
        position = self.position[first : first + count]
        if not isinstance(roles, Tensor):
            return position
        return torch.cat([position.expand(len(roles), -1, -1), roles], -1)

    def bind(self, steps: Tensor, roles: Tensor | float, length: Tensor) -> Tensor:
        """[B, T, width], roles [B, T, width] or 0, int64 [B] -> [B, parts * width]."""
        real = torch.arange(steps.shape[1], device=steps.device)[None] < length[:, None]
        bound = self.filler(steps) * self._roles(0, steps.shape[1], roles)
        return (bound * real[..., None]).sum(1) / self.scale

    def unbind(self, latent: Tensor, roles: Tensor | float, first: int, count: int) -> Tensor:
        """[B, D], roles [B, T, width] or 0, positions from `first` on -> [B, T, hidden]."""
        asked = self.question(latent)[:, None] * self._roles(first, count, roles)
        out: Tensor = self.answer(asked)
        return out
