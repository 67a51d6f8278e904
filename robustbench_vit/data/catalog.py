"""Which data sets exist (contract C10)."""

from robustbench_vit.catalog import REQUIRED, Catalog, Parameter, Row

_DOWNLOAD = Parameter("download", False, "fetch into path through torchvision", "flag")
_SPLIT = Parameter("split", "test", "published split", "word", choices=("test", "train"))
_MASKS = Parameter("masks", None, "folder of object masks under the same relative paths", "path", optional=True)
_C = "Hendrycks & Dietterich, Benchmarking Neural Network Robustness, ICLR 2019; Zenodo record "


def _clean(what: str) -> Parameter:
    return Parameter("clean", None, f"{what}, for the uncorrupted images", "path", optional=True)


DATASETS: Catalog[Row] = Catalog(
    "datasets",
    (
        Row(
            "cifar10",
            "robustbench_vit.data.cifar:cifar10",
            "CIFAR-10, 32×32 photographs, 10 classes",
            (Parameter("path", REQUIRED, "folder that holds cifar-10-batches-py", "path"), _SPLIT, _DOWNLOAD),
            positional="path",
            reference="Krizhevsky 2009, Learning multiple layers of features from tiny images",
        ),
        Row(
            "cifar100",
            "robustbench_vit.data.cifar:cifar100",
            "CIFAR-100, 32×32 photographs, 100 classes",
            (Parameter("path", REQUIRED, "folder that holds cifar-100-python", "path"), _SPLIT, _DOWNLOAD),
            positional="path",
            reference="Krizhevsky 2009, Learning multiple layers of features from tiny images",
        ),
        Row(
            "cifar100_c",
            "robustbench_vit.data.cifar_c:cifar100_c",
            "CIFAR-100-C, stored corruptions of the test images",
            (Parameter("path", REQUIRED, "folder that holds CIFAR-100-C", "path"), _clean("path of cifar100")),
            positional="path",
            reference=f"{_C}3555552",
        ),
        Row(
            "cifar10_c",
            "robustbench_vit.data.cifar_c:cifar10_c",
            "CIFAR-10-C, stored corruptions of the test images",
            (Parameter("path", REQUIRED, "folder that holds CIFAR-10-C", "path"), _clean("path of cifar10")),
            positional="path",
            reference=f"{_C}2535967",
        ),
        Row(
            "cue_conflict",
            "robustbench_vit.data.cue_conflict:cue_conflict",
            "pictures whose shape and texture are of different classes, 16 categories or your own",
            (
                Parameter("path", REQUIRED, "folder of the shapes' folders, e.g. cat/cat1-bear2.png", "path"),
                Parameter(
                    "classes", None, "classes of a set of your own, in the order of labels", "any", optional=True
                ),
            ),
            positional="path",
            reference="Geirhos et al., ICLR 2019; github rgeirhos/texture-vs-shape",
        ),
        Row(
            "edges",
            "robustbench_vit.data.cue_conflict:edges",
            "outlines of objects, 16 categories",
            (Parameter("path", REQUIRED, "folder of the category folders", "path"),),
            positional="path",
            reference="Geirhos et al., ICLR 2019; github rgeirhos/texture-vs-shape",
        ),
        Row(
            "fashion_mnist",
            "robustbench_vit.data.fashion_mnist:fashion_mnist",
            "Fashion-MNIST, 28×28 grey pictures of clothes, 10 classes",
            (
                Parameter("path", None, "folder of the IDX files, or torchvision root", "path", optional=True),
                _SPLIT,
                _DOWNLOAD,
            ),
            positional="path",
            reference="arXiv:1708.07747",
        ),
        Row(
            "folder",
            "robustbench_vit.data.folder:folder",
            "any pictures in one folder a class",
            (
                Parameter("path", REQUIRED, "folder of the class folders", "path"),
                _MASKS,
                Parameter("classes", None, "class folders in the order of their labels", "any", optional=True),
            ),
            positional="path",
        ),
        Row(
            "folder_c",
            "robustbench_vit.data.folder_c:folder_c",
            "stored corruptions of any pictures, corruption/severity/class, or what `make corrupted` wrote",
            (
                Parameter("path", REQUIRED, "folder of the corruptions, or of groups of them", "path"),
                _clean("folder of class folders"),
            ),
            positional="path",
        ),
        Row(
            "imagenet",
            "robustbench_vit.data.imagenet:imagenet",
            "ImageNet-1k pictures in folders named by WordNet id",
            (Parameter("path", REQUIRED, "folder of the class folders, or of val/", "path"), _MASKS),
            positional="path",
            reference="Russakovsky et al. 2015, IJCV 115",
        ),
        Row(
            "imagenet_a",
            "robustbench_vit.data.imagenet_variants:imagenet_a",
            "ImageNet-A, photographs that a ResNet-50 gets wrong, 200 classes",
            (Parameter("path", REQUIRED, "folder of the class folders", "path"),),
            positional="path",
            reference="arXiv:1907.07174",
        ),
        Row(
            "imagenet_c",
            "robustbench_vit.data.imagenet_c:imagenet_c",
            "ImageNet-C, stored corruptions of the validation images, 224×224",
            (
                Parameter("path", REQUIRED, "folder of the corruptions, or of groups of them", "path"),
                _clean("path of imagenet"),
            ),
            positional="path",
            reference=f"{_C}2235448",
        ),
        Row(
            "imagenet_r",
            "robustbench_vit.data.imagenet_variants:imagenet_r",
            "ImageNet-R, renditions such as art and toys, 200 classes",
            (Parameter("path", REQUIRED, "folder of the class folders", "path"),),
            positional="path",
            reference="arXiv:2006.16241",
        ),
        Row(
            "imagenet_sketch",
            "robustbench_vit.data.imagenet_variants:imagenet_sketch",
            "ImageNet-Sketch, drawings of the 1000 classes",
            (Parameter("path", REQUIRED, "folder of the class folders", "path"),),
            positional="path",
            reference="arXiv:1905.13549",
        ),
        Row(
            "imagenet_v2",
            "robustbench_vit.data.imagenet_variants:imagenet_v2",
            "ImageNet-V2, a second validation set, in folders named by class index",
            (Parameter("path", REQUIRED, "folder of the class folders 0 to 999", "path"),),
            positional="path",
            reference="arXiv:1902.10811",
        ),
        Row(
            "shapetex",
            "robustbench_vit.data.shapetex:Shapetex",
            "shapes × textures rendered from keys, 64×64, 10 classes, with masks (embedded)",
            (
                Parameter("split", "congruent", "which cues agree", "word", choices=("congruent", "conflict", "train")),
                Parameter("n", 1000, "number of images", "integer", low=1),
                Parameter("seed", 0, "seed of the rendering", "integer", low=0),
            ),
            positional="split",
        ),
        Row(
            "silhouettes",
            "robustbench_vit.data.cue_conflict:silhouettes",
            "filled silhouettes of objects, 16 categories",
            (Parameter("path", REQUIRED, "filled-silhouettes, the folder of the category folders", "path"),),
            positional="path",
            reference="Geirhos et al., ICLR 2019; github rgeirhos/texture-vs-shape",
        ),
        Row(
            "stylized_imagenet",
            "robustbench_vit.data.imagenet_variants:stylized_imagenet",
            "Stylized-ImageNet, the 1000 classes in the manner of paintings, 224×224",
            (Parameter("path", REQUIRED, "folder of the class folders, or of val/", "path"),),
            positional="path",
            reference="Geirhos et al., ICLR 2019; github rgeirhos/Stylized-ImageNet",
        ),
        Row(
            "tiny_imagenet_c",
            "robustbench_vit.data.imagenet_c:tiny_imagenet_c",
            "Tiny-ImageNet-C, stored corruptions of the validation images, 64×64, 200 classes",
            (
                Parameter("path", REQUIRED, "folder of the corruptions", "path"),
                _clean("folder val of Tiny-ImageNet"),
            ),
            positional="path",
            reference=f"{_C}2536630",
        ),
    ),
)
