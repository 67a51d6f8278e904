"""Stored corruptions: the work was done when the set was made, and the engine hands over its images."""

from fractions import Fraction

from torch import Tensor

from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context


def stored(images: Tensor, keys: Keys, *, context: Context, corruption: str, severity: int | Fraction) -> Tensor:
    """The stored images of a condition, which the engine has taken from the data set, as they are.

    Args:
        images: N×3×H×W uint8.
        keys: Not used.
        context: Not used.
        corruption: Name of the folder or array.
        severity: Place on the corruption's axis.
    """
    del keys, context, corruption, severity
    return images
