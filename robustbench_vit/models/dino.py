"""Saliency from DINO: the class token's attention in the last block of ViT-S/16 (Caron et al., ICCV 2021)."""

from functools import lru_cache, partial
from typing import Any

import timm
import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor
from torch.nn import functional

from robustbench_vit.chunks import in_chunks
from robustbench_vit.errors import ModelError
from robustbench_vit.models.checkpoint import restore
from robustbench_vit.types import Context, Pixels

_SIDE = 224


def saliency(images: Pixels, context: Context, *, head: int = 1, checkpoint: str | None = None) -> Tensor:
    """How much the class token attends to each patch.

    Args:
        images: N×3×H×W float in [0,1]; resized to 224×224 for the network.
        context: Not used.
        head: Attention head, from 0; the PatchDrop authors take the second.
        checkpoint: Weights of the backbone; None fetches timm's ``vit_small_patch16_224.dino``.

    Returns:
        N×H×W float, every pixel the attention of its patch.

    Raises:
        ModelError: If the weights cannot be had.

    Source:
        Naseer et al., NeurIPS 2021, released evaluation script.

    Differences:
        They normalise with the tested model's mean and std; here always with ImageNet's, so that all models share the
        map.
    """
    del context
    network = backbone(checkpoint).to(images.device)
    mean, std = (images.new_tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    resized = functional.interpolate(images, (_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False)
    attention = in_chunks(partial(class_attention, network), (resized - mean) / std)[:, head]
    return functional.interpolate(attention[:, None], images.shape[-2:], mode="nearest")[:, 0]


@torch.no_grad()
def class_attention(network: Any, inputs: Tensor) -> Tensor:
    """N×heads×rows×columns: the class token's row of the last block's attention, its own entry left out.

    Args:
        network: A timm VisionTransformer.
        inputs: N×3×h×w, normalised.
    """
    last = network.blocks[-1]
    kept: list[Tensor] = []
    handle = last.norm1.register_forward_hook(lambda *arguments: kept.append(arguments[2]))
    try:
        network.forward_features(inputs)
    finally:
        handle.remove()
    tokens, attention = kept[0], last.attn
    n, length, _ = tokens.shape
    qkv = attention.qkv(tokens).view(n, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, key = attention.q_norm(qkv[0]), attention.k_norm(qkv[1])
    weights: Tensor = (query[:, :, :1] * attention.scale @ key.transpose(-2, -1)).softmax(-1)
    rows, columns = network.patch_embed.grid_size
    prefix: int = network.num_prefix_tokens
    return weights[:, :, 0, prefix:].reshape(n, -1, rows, columns)


@lru_cache(maxsize=2)
def backbone(checkpoint: str | None) -> Any:
    """The network in evaluation mode, loaded once.

    Raises:
        ModelError: If the weights cannot be fetched or loaded.
    """
    try:
        network = timm.create_model("vit_small_patch16_224.dino", pretrained=checkpoint is None, num_classes=0)
    except Exception as error:  # the hub raises many kinds
        raise ModelError(
            f"cannot fetch the DINO weights ({type(error).__name__}); give saliency=dino(checkpoint=PATH), "
            "or use saliency=spectral, which needs none"
        ) from error
    if checkpoint is not None:
        restore(network, checkpoint)
    return network.eval().requires_grad_(False)
