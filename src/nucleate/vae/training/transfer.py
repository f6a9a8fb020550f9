"""Weights from one network to another of the same kind, and between two of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nucleate.core.errors import CheckpointError
from nucleate.vae.embedding import CategoricalEmbedding


@torch.no_grad()
def transfer_weights(old: nn.Module, new: nn.Module) -> None:
    """Copy the weights of `old` into `new`, which may know more categories.

    A parameter with more rows than before keeps the old rows in their places. A category unseen so
    far starts with the average vector of the known ones (Hewitt 2021, "Initializing new word
    embeddings for pretrained language models") and as rare as the rarest of them: what its features
    would say of it is not to be trusted before it was trained. Buffers are constant tables: they
    are copied where shapes agree and left as built where not.

    Raises:
        CheckpointError: a parameter is missing, or its shape differs in another way.
    """
    parameters = dict(new.named_parameters())
    source = {name: value.detach() for name, value in old.named_parameters()}
    if lacking := sorted(set(parameters) ^ set(source)):
        raise CheckpointError(f"the networks have different parts: {', '.join(lacking[:5])}")
    for name, parameter in parameters.items():
        parameter.copy_(_grown(name, source[name], parameter.shape))
    buffers = dict(old.named_buffers())
    for name, buffer in new.named_buffers():
        if name in buffers and buffers[name].shape == buffer.shape:
            buffer.copy_(buffers[name])
    former = dict(old.named_modules())
    for name, module in new.named_modules():
        before = former.get(name)
        if isinstance(module, CategoricalEmbedding) and isinstance(before, CategoricalEmbedding):
            known = len(before.weight)
            of_features = module.table()[known:] - module.weight[known:]
            module.weight[known:] = before.table().mean(0) - of_features


def _grown(name: str, old: Tensor, shape: torch.Size) -> Tensor:
    if old.shape == shape:
        return old
    if old.dim() != len(shape) or old.shape[1:] != shape[1:] or old.shape[0] > shape[0]:
        raise CheckpointError(
            f"{name}: weights of shape {list(old.shape)} do not fit one of shape {list(shape)}"
        )
    if old.dim() == 1:  # of a category: how frequent it is
        return torch.cat([old, old.min().expand(shape[0] - old.shape[0])])
    further = old.mean(0, keepdim=True).expand(shape[0] - old.shape[0], *shape[1:])
    return torch.cat([old, further])


def interpolate(
    old: Mapping[str, Tensor], new: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Weights at a share of the way from `old` (0) to `new` (1).

    Between the weights before and after fine-tuning, what was known and what was learnt are traded
    smoothly (WiSE-FT, Wortsman et al. 2022).
    """
    return {
        name: torch.lerp(old[name], value, share) if value.is_floating_point() else value.clone()
        for name, value in new.items()
    }
