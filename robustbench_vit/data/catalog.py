"""Which data sets exist (contract C10)."""

from robustbench_vit.catalog import Catalog, Parameter, Row

DATASETS: Catalog[Row] = Catalog(
    "datasets",
    (
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
    ),
)
