"""Shape or texture (Geirhos et al., ICLR 2019): cue conflict, pictures of one cue, and who errs on which of them.

Without data it runs on `shapetex`, whose 10 classes are those of the zoo. The published stimuli are for networks of
ImageNet-1k, which are read into their 16 categories::

    robustbench-vit run shape_bias --model timm:resnet50 --data "cue_conflict=cue_conflict(/x)" --data "edges=edges(/y)"

The slots `edges`, `silhouettes` and `stylized_imagenet` have no data of their own, and are skipped unless given.
"""

from robustbench_vit.suite import Case, Suite

SUITE = Suite(
    "shape_bias",
    version=1,
    summary="shape bias under cue conflict, with a control, edges, silhouettes and stylized pictures",
    models=("zoo:resnet_xs", "zoo:vit_xs", "zoo:vit_xs_nopos"),
    data={"": "shapetex", "cue_conflict": "shapetex(conflict)"},
)


def bench_control():
    """Pictures whose cues agree, as in photographs; skipped where the model has other classes."""
    return Case(tags=("optional",))


def bench_cue_conflict():
    """Pictures whose shape and texture are of different classes."""
    return Case(data="cue_conflict")


def bench_edges():
    """Outlines: no texture at all."""
    return Case(data="edges", tags=("consistency",))


def bench_silhouettes():
    """Filled silhouettes: shape alone."""
    return Case(data="silhouettes", tags=("consistency",))


def bench_stylized():
    """Pictures in the manner of paintings: the texture tells nothing of the class."""
    return Case(data="stylized_imagenet", tags=("consistency",))
