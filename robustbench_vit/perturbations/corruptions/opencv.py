"""OpenCV, which the package imagecorruptions brings; imported where it is needed."""

from types import ModuleType

from robustbench_vit.errors import CaseError


def opencv() -> ModuleType:
    """The module cv2.

    Raises:
        CaseError: If it cannot be imported.
    """
    try:
        import cv2
    except ImportError as error:
        raise CaseError(f"this corruption needs OpenCV ({error}): pip install opencv-python") from error
    return cv2
