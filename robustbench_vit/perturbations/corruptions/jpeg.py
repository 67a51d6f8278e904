"""JPEG compression."""

import numpy as np
import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.perturbations.corruptions.opencv import opencv
from robustbench_vit.randomness import Keys


@corruption()
def jpeg_compression(images: Tensor, keys: Keys, setting: Setting) -> Tensor:  # noqa: ARG001 - nothing is random
    """Encode at low quality, with colour at half the resolution (4:2:0), and decode."""
    return through_jpeg(images, setting.pick((25, 18, 15, 10, 7), (80, 65, 58, 50, 40)))


def through_jpeg(images: Tensor, quality: int) -> Tensor:
    """Encode and decode N×3×H×W uint8 images, on the CPU whatever their device: a GPU's codec gives other pixels.

    Differences:
        The originals go through Pillow. OpenCV contains the same libjpeg-turbo, gives the same pixels, and is faster
        because it takes channels apart and together by itself.
    """
    cv2, pixels = opencv(), images.cpu().numpy()
    decoded = np.empty(pixels.shape, np.uint8)
    for (red, green, blue), channels in zip(pixels, decoded, strict=True):
        _, file = cv2.imencode(".jpg", cv2.merge((blue, green, red)), (cv2.IMWRITE_JPEG_QUALITY, quality))
        cv2.split(cv2.imdecode(file, cv2.IMREAD_COLOR), tuple(channels[::-1]))  # its order is blue, green, red
    return torch.from_numpy(decoded).to(images.device)
