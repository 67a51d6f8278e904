"""DINO saliency against timm's own attention, and with injected attention."""

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from robustbench_vit.api import perturb
from robustbench_vit.errors import RobustbenchError
from robustbench_vit.models import dino
from robustbench_vit.types import Context


@pytest.fixture
def network():
    """A tiny ViT of timm with six heads."""
    torch.manual_seed(0)
    return VisionTransformer(img_size=224, patch_size=16, embed_dim=48, depth=2, num_heads=6, num_classes=0).eval()


def test_class_attention_is_timms(network):
    """The row equals the one timm computes when its attention is not fused."""
    inputs = torch.randn(2, 3, 224, 224)
    last, seen = network.blocks[-1].attn, []
    last.fused_attn = False
    last.attn_drop.register_forward_hook(lambda *arguments: seen.append(arguments[2]))
    with torch.no_grad():
        network.forward_features(inputs)

    expected = seen[0][:, :, 0, 1:].reshape(2, 6, 14, 14)
    assert torch.allclose(expected, dino.class_attention(network, inputs), atol=1e-6)


def test_saliency_has_the_size_of_the_images(network, monkeypatch):
    """Attention is enlarged by nearest neighbours; heads differ."""
    monkeypatch.setattr(dino, "backbone", lambda checkpoint: network)
    images = torch.rand(2, 3, 112, 224)
    maps = [dino.saliency(images, Context(), head=head) for head in (0, 1)]

    assert maps[0].shape == (2, 112, 224)
    assert not torch.equal(maps[0], maps[1])
    assert torch.equal(maps[1][:, ::8, ::16], dino.saliency(images, Context(), head=1)[:, 7::8, 15::16])


def test_injected_attention_orders_the_cells(monkeypatch):
    """The most attended patches go first, whatever the network says."""
    attention = torch.arange(196.0).view(1, 1, 14, 14).expand(8, 6, 14, 14)
    monkeypatch.setattr(dino, "backbone", lambda checkpoint: torch.nn.Identity())
    monkeypatch.setattr(dino, "class_attention", lambda network, inputs: attention)
    dropped = (
        perturb(torch.ones(1, 3, 224, 224), "patchdrop(0.5, region=salient, saliency=dino)")[0, 0, ::16, ::16] == 0
    )

    assert [False] * 98 + [True] * 98 == dropped.flatten().tolist()


def test_missing_weights_say_what_to_do():
    """A missing checkpoint is named."""
    with pytest.raises(RobustbenchError, match=r"no such file|/none\.pt"):
        perturb(torch.ones(1, 3, 224, 224), "patchdrop(0.5, region=salient, saliency=dino(checkpoint=/none.pt))")
