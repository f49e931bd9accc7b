"""A student's encoder made ready for bf16 on a CPU: weights cast, laid out and scaled once.

Autocast alone casts every weight at every pass, copies every bias, and attends in a kernel that
gains nothing from bf16. Here attention and the two-layer networks of timm's blocks become matrix
products of packed weights; norms, residual sums and the pooled mean stay in fp32, and whatever is
of another kind runs under autocast as before.

Shapes: B inputs, N tokens, D width, H heads.
"""

from __future__ import annotations

import copy
import functools

import torch
from timm.models.vision_transformer import Attention, Mlp
from torch import nn


def encoder_in_bf16(encoder: nn.Module) -> nn.Module:
    """Give a copy of an encoder that is faster in bf16 on a CPU; run it under autocast.

    Later changes of the encoder's weights do not reach the copy. Where torch comes without oneDNN
    the encoder itself is given.
    """
    if not _has_packed_products():
        return encoder
    ready = copy.deepcopy(encoder).eval()
    _replace_in(ready)
    return ready


class _PackedLinear(nn.Module):
    """A linear layer, with a GELU after it where asked for, in one call to oneDNN."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, *, gelu: bool) -> None:
        super().__init__()
        reorder = torch.ops.mkldnn._reorder_linear_weight  # noqa: SLF001 - tried before use
        self._weight = reorder(weight.detach().to(torch.bfloat16).contiguous())
        self._bias = None if bias is None else bias.detach().to(torch.bfloat16)
        self._then = "gelu" if gelu else "none"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.to(torch.bfloat16)
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001 - tried before use
            rows, self._weight, self._bias, self._then, [], "none"
        )
        return product


class _PackedAttention(nn.Module):
    """Attention as two batched products and a softmax; queries are scaled by their weights."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self._n_heads = attention.num_heads
        weight, bias = attention.qkv.weight.detach().clone(), attention.qkv.bias
        bias = None if bias is None else bias.detach().clone()
        for values in (weight, bias):
            if values is not None:
                values[: len(values) // 3] *= attention.scale
        self._qkv = _PackedLinear(weight, bias, gelu=False)
        self._out = _PackedLinear(attention.proj.weight, attention.proj.bias, gelu=False)

    def forward(self, x_BND: torch.Tensor, **masks: object) -> torch.Tensor:
        assert not any(masks.values()), "an image has neither padding nor order"
        n_inputs, n_tokens, _ = x_BND.shape
        qkv = self._qkv(x_BND).view(n_inputs, n_tokens, 3, self._n_heads, -1)
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4).flatten(1, 2).unbind(0)
        weights = torch.bmm(queries, keys.transpose(1, 2)).softmax(-1)
        heads = torch.bmm(weights, values).view(n_inputs, self._n_heads, n_tokens, -1)
        joined: torch.Tensor = self._out(heads.transpose(1, 2).flatten(2))
        return joined


def _replace_in(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, Attention) and _is_plain_attention(child):
            setattr(module, name, _PackedAttention(child))
        elif isinstance(child, Mlp) and _is_plain_mlp(child):
            setattr(module, name, _packed_mlp(child))
        else:
            _replace_in(child)


def _packed_mlp(mlp: Mlp) -> nn.Module:
    return nn.Sequential(
        _PackedLinear(mlp.fc1.weight, mlp.fc1.bias, gelu=True),
        _PackedLinear(mlp.fc2.weight, mlp.fc2.bias, gelu=False),
    )


def _is_plain_attention(attention: Attention) -> bool:
    extras = [getattr(attention, name, None) for name in ("q_norm", "k_norm", "norm", "gate")]
    return all(extra is None or isinstance(extra, nn.Identity) for extra in extras)


def _is_plain_mlp(mlp: Mlp) -> bool:
    is_exact_gelu = isinstance(mlp.act, nn.GELU) and mlp.act.approximate == "none"
    return is_exact_gelu and isinstance(mlp.norm, nn.Identity) and isinstance(mlp.fc1, nn.Linear)


@functools.cache
def _has_packed_products() -> bool:
    """Try them once: they are torch's own, but no promise of its public interface."""
    weight, x = torch.eye(16).flip(0), torch.arange(16.0)[None]
    try:
        found = _PackedLinear(weight, None, gelu=False)(x)
    except (AttributeError, RuntimeError):
        return False
    return torch.equal(found.float(), x.flip(1))
