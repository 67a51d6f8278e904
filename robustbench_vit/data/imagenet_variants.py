"""Other pictures of the classes of ImageNet-1k, or of 200 of them: photographs, sketches, renditions, stylised ones."""

from robustbench_vit.data.files import FileDataset, class_labels, existing_folder, labelled_pictures
from robustbench_vit.data.geometry import NONE
from robustbench_vit.data.imagenet import by_wnid
from robustbench_vit.labels import imagenet_classes, label_space


def imagenet_a(path: str) -> FileDataset:
    """Open ``<path>/<wnid>/*``, photographs that a ResNet-50 gets wrong; ids are ``<wnid>/<stem>``.

    Networks of all 1000 classes are read into the 200 of the set.

    Args:
        path: Folder of the class folders, which may be any subset of the 200.

    Raises:
        DataError: If a folder is missing, empty or no class, or an id comes twice.

    Source: Hendrycks et al., "Natural Adversarial Examples", CVPR 2021.
    """
    return _of_200_classes("imagenet_a", "imagenet-a", path)


def imagenet_r(path: str) -> FileDataset:
    """Open ``<path>/<wnid>/*``, renditions (art, cartoons, toys, …); ids are ``<wnid>/<stem>``.

    Networks of all 1000 classes are read into the 200 of the set.

    Args:
        path: Folder of the class folders, which may be any subset of the 200.

    Raises:
        DataError: As for `imagenet_a`.

    Source: Hendrycks et al., "The Many Faces of Robustness", ICCV 2021.
    """
    return _of_200_classes("imagenet_r", "imagenet-r", path)


def imagenet_sketch(path: str) -> FileDataset:
    """Open ``<path>/<wnid>/*``, drawings of all 1000 classes; ids are ``<wnid>/<stem>``, or the stem as for `imagenet`.

    Args:
        path: Folder of the class folders.

    Raises:
        DataError: As for `imagenet_a`.

    Source: Wang et al., "Learning Robust Global Representations by Penalizing Local Predictive Power", NeurIPS 2019.
    """
    return by_wnid("imagenet_sketch", path)


def imagenet_v2(path: str) -> FileDataset:
    """Open ``<path>/<class index>/*``, new photographs in the manner of the validation set; ids are the places.

    Folders are named by class index, 0 to 999. Sorted as text (0, 1, 10, 100, …), as ImageFolder does, nearly all
    labels would be wrong.

    Args:
        path: Folder of the class folders, for example ``imagenetv2-matched-frequency-format-val``.

    Raises:
        DataError: As for `imagenet_a`.

    Source: Recht et al., "Do ImageNet Classifiers Generalize to ImageNet?", ICML 2019.
    """
    root = existing_folder(path, "folders named by class index, 0 to 999")
    names = imagenet_classes()[1]
    labels = class_labels(root, [str(index) for index in range(len(names))], "ImageNet-V2 (class indices)")
    samples = labelled_pictures(root, labels)
    return FileDataset(name="imagenet_v2", samples=samples, classes=names, label_space="imagenet-1k")


def stylized_imagenet(path: str) -> FileDataset:
    """Open ``<path>/<wnid>/*`` or ``<path>/val/<wnid>/*``, ImageNet-1k in the manner of paintings; ids as `imagenet`.

    The pictures of Stylized-ImageNet are 224×224, and evaluated as they are.

    Args:
        path: Folder of the class folders, or of val/.

    Raises:
        DataError: As for `imagenet_a`.

    Source: R. Geirhos et al., "ImageNet-trained CNNs are biased towards texture; increasing shape bias improves
    accuracy and robustness", ICLR 2019; rgeirhos/Stylized-ImageNet makes the set.
    """
    return by_wnid("stylized_imagenet", path, geometry=NONE)


def _of_200_classes(name: str, space: str, path: str) -> FileDataset:
    read, wnids = label_space(space), imagenet_classes()[0]
    own = [wnids[index] for (index,) in read.members]
    root = existing_folder(path, f"class folders such as {own[0]}")
    samples = labelled_pictures(root, class_labels(root, own, f"the {len(own)} of {name}"))
    return FileDataset(name=name, samples=samples, classes=read.classes, label_space=space)
