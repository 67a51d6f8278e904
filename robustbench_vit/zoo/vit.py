"""A small pre-norm Vision Transformer (Dosovitskiy et al., 2021), with and without position embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head self-attention over L tokens of width D."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """N×L×D → N×L×D."""
        n, length, width = tokens.shape
        qkv = self.qkv(tokens).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(n, length, width))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and MLP, each with a residual path."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """N×L×D → N×L×D."""
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))  # type: ignore[no-any-return]


class ViT(nn.Module):
    """Vision Transformer with a class token.

    Args:
        num_classes: K.
        image_size: Height and width of the input.
        patch_size: Side of a patch; must divide the image size.
        width: Token width D.
        depth: Number of blocks.
        heads: Heads a block.
        positions: Whether a position embedding is learned and added; without it the logits do not change when
            patches are shuffled.
    """

    def __init__(
        self,
        num_classes: int = 10,
        image_size: int = 64,
        patch_size: int = 8,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        *,
        positions: bool = True,
    ) -> None:
        super().__init__()
        tokens = (image_size // patch_size) ** 2
        self.embed = nn.Conv2d(3, width, patch_size, patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, tokens + 1, width) * 0.02) if positions else None
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """N×3×H×W normalised → N×K logits."""
        patches = self.embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        if self.positions is not None:
            tokens = tokens + self.positions
        return self.head(self.norm(self.blocks(tokens))[:, 0])  # type: ignore[no-any-return]
