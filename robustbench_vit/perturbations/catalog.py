"""Which perturbations and saliency providers exist (contract C10)."""

from robustbench_vit.catalog import REQUIRED, Catalog, Parameter
from robustbench_vit.perturbations.attack_catalog import ATTACK_ROWS
from robustbench_vit.perturbations.corruption_catalog import CORRUPTIONS
from robustbench_vit.perturbations.needs import Need, When
from robustbench_vit.perturbations.row import Axis, PerturbationRow
from robustbench_vit.spec import Spec

_GRID = Parameter(
    "grid", None, "cells as an integer or [rows, columns]; none picks by image size", "sizes", 1, optional=True
)

_OTHERS = (
    PerturbationRow(
        "clean",
        "robustbench_vit.perturbations.clean:clean",
        "images as they are",
        family="clean",
        output="8bit",
        grid=("clean",),
    ),
    PerturbationRow(
        "fourier_noise",
        "robustbench_vit.perturbations.fourier_noise:fourier_noise",
        "real-valued noise of one frequency band, calibrated rms, clipped",
        (
            Parameter("center", REQUIRED, "centre of the band, share of the Nyquist frequency", low=0, high=1.5),
            Parameter("width", None, "full width of the band, share of Nyquist; none is 0.1", low=0, optional=True),
            Parameter("rms", 0.1, "root mean square before clipping, pixels in [0,1]", low=0, high=1),
            Parameter("shape", "ring", "contours of equal frequency", "word", choices=("ring", "square")),
            Parameter("compat", None, "hvw: the authors' arithmetic", "word", choices=("hvw",), optional=True),
        ),
        positional="center",
        reference="Park & Kim, How Do Vision Transformers Work?, ICLR 2022, figure 2b",
        family="frequency",
        needs=(Need("pixel_std", When("compat", ("hvw",))),),
        axis=Axis("center", "band centre (share of Nyquist)"),
        unclipped=When("compat", ("hvw",)),
        grows_with="rms",
        grid=tuple(f"fourier_noise(center=0.{tenth})" for tenth in range(1, 10)),
    ),
    PerturbationRow(
        "patchdrop",
        "robustbench_vit.perturbations.patchdrop:patchdrop",
        "cells of a grid are blacked out: at random, most salient first, or least salient first",
        (
            Parameter("region", "random", "which cells go first", "word", choices=("random", "salient", "background")),
            Parameter("ratio", REQUIRED, "share dropped, of the area or of the saliency mass", low=0, high=1),
            _GRID,
            Parameter("fill", 0, "value of dropped pixels", low=0, high=1),
            Parameter("offset", 0, "shift of the mask down and right, pixels", "integer", low=0),
            Parameter("by", "area", "what ratio counts", "word", choices=("area", "mass")),
            Parameter("saliency", Spec("spectral"), "provider that orders the cells", "spec"),
            Parameter("compat", None, "naseer: one mask a batch", "word", choices=("naseer",), optional=True),
        ),
        positional="ratio",
        reference="Naseer et al., Intriguing Properties of Vision Transformers, NeurIPS 2021, section 3.1",
        family="occlusion",
        needs=(Need("saliency", When("region", ("salient", "background"))),),
        axis=Axis("ratio", "share dropped", clean_at=0.0),
        grows_with="ratio",
        grid=tuple(f"patchdrop(ratio=0.{tenth})" for tenth in range(1, 10)),
    ),
    PerturbationRow(
        "shuffle",
        "robustbench_vit.perturbations.shuffle:shuffle",
        "the cells of a grid change places",
        (
            Parameter("grid", REQUIRED, "cells as an integer or [rows, columns]", "sizes", low=1),
            Parameter("compat", None, "naseer: one permutation a batch", "word", choices=("naseer",), optional=True),
        ),
        positional="grid",
        reference="Naseer et al., Intriguing Properties of Vision Transformers, NeurIPS 2021, section 3.3",
        family="shuffle",
        axis=Axis("grid", "log₂ number of cells", clean_at=0.0, cells=True),
        grid=("shuffle(grid=2)", "shuffle(grid=4)", "shuffle(grid=8)"),
    ),
    PerturbationRow(
        "stored",
        "robustbench_vit.perturbations.stored:stored",
        "images that were corrupted before and kept: a condition of a data set such as imagenet_c",
        (
            Parameter("corruption", REQUIRED, "name of its folder or array", "word"),
            Parameter("severity", REQUIRED, "1 to 5 in the published sets"),
        ),
        positional="corruption",
        family="corruption",
        output="8bit",
        takes="8bit",
        needs=(Need("stored"),),
        axis=Axis("severity", "severity", clean_at=0.0),
        grid=tuple(f"stored(corruption=fog, severity={severity})" for severity in range(1, 6)),
    ),
    PerturbationRow(
        "stylize",
        "robustbench_vit.perturbations.stylize.stylize:stylize",
        "the texture and colours of one keyed style picture, the contours of the image",
        (
            Parameter("style", REQUIRED, "folder of style pictures", "path"),
            Parameter("strength", 1, "share of the way from the image to the full result", low=0, high=1),
            Parameter(
                "method", "texture", "filter bank, or AdaIN with your weights", "word", choices=("texture", "adain")
            ),
            Parameter("encoder", None, "adain: file of vgg_normalised.pth", "path", optional=True),
            Parameter("decoder", None, "adain: file of decoder.pth", "path", optional=True),
            Parameter("alpha", 1, "adain: how far the features' statistics go", low=0, high=1),
        ),
        reference="Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR 2019",
        family="texture",
        axis=Axis("strength", "strength of the style", clean_at=0.0),
    ),
)

PERTURBATIONS: Catalog[PerturbationRow] = Catalog(
    "perturbations", tuple(sorted((*ATTACK_ROWS, *CORRUPTIONS, *_OTHERS), key=lambda row: row.name))
)
