"""A small pre-activation ResNet (He et al., 2016, Identity Mappings)."""

from torch import Tensor, nn


class Block(nn.Module):
    """BN–ReLU–3×3, twice; the shortcut is a 1×1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, features: Tensor) -> Tensor:
        """N×C×H×W → N×C'×H/stride×W/stride."""
        active = self.norm1(features).relu()
        skip = features if self.shortcut is None else self.shortcut(active)
        return skip + self.conv2(self.norm2(self.conv1(active)).relu())  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Three stages of pre-activation blocks after a 3×3 stem, then global average pooling.

    Args:
        num_classes: K.
        widths: Channels of each stage; each but the first halves the resolution.
        blocks: Blocks a stage.
        stem_stride: Stride of the stem.
    """

    def __init__(
        self,
        num_classes: int = 10,
        widths: tuple[int, ...] = (32, 64, 128),
        blocks: int = 2,
        stem_stride: int = 2,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, stem_stride, 1, bias=False)
        layers, inputs = [], widths[0]
        for stage, outputs in enumerate(widths):
            for block in range(blocks):
                layers.append(Block(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.stages = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(inputs)
        self.head = nn.Linear(inputs, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """N×3×H×W normalised → N×K logits."""
        features = self.norm(self.stages(self.stem(images))).relu()
        return self.head(features.mean(dim=(2, 3)))  # type: ignore[no-any-return]
