"""What every perturbation promises (contracts C1, C2, C10), checked over every catalogue row."""

import inspect
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from robustbench_vit.catalog import REQUIRED
from robustbench_vit.data import load_dataset
from robustbench_vit.perturbations import PERTURBATIONS, SALIENCY
from robustbench_vit.perturbations.perturbation import Perturbation, provide_saliency, to_uint8
from robustbench_vit.spec import Spec, parse
from robustbench_vit.types import Context

EXTRA = (
    "fourier_noise(0.5, shape=square, width=0.3)",
    "fourier_noise(0.5, compat=hvw)",
    "patchdrop(0.5, region=salient)",
    "patchdrop(0.5, region=background, by=mass)",
    "patchdrop(0.5, region=salient, saliency=mask)",
    "patchdrop(0.5, region=background, saliency=gradient)",
    "patchdrop(0.5, compat=naseer, offset=8, fill=0.5)",
    "shuffle([2, 8], compat=naseer)",
)
SPECS = [spec for row in PERTURBATIONS for spec in row.grid] + list(EXTRA)
ROWS = list(PERTURBATIONS)
WITH_LIBRARY = {"fab", "torchattacks"}


@pytest.fixture(scope="module")
def block():
    """Nineteen images: more than two fixed chunks, and a rest."""
    return load_dataset("shapetex(n=300)").batch(245, 264)


def model(pixels):
    """Ten logits: mean squares of ten cells, whose rounding does not depend on the batch."""
    return 10 * adaptive_avg_pool2d(pixels.square(), (5, 2)).mean(1).flatten(1)


def apply(spec, block, chosen):
    """Perturb some images of a block, with everything the perturbation may need."""
    bound, chosen = Perturbation.bind(spec), list(chosen)
    if bound.row.name in WITH_LIBRARY and find_spec("torchattacks") is None:
        pytest.skip("needs torchattacks: pip install 'robustbench_vit[attacks]'")
    images = block.images[chosen]
    context = Context(
        positions=block.positions[chosen],
        labels=model(images.float() / 255).argmax(1),  # so that there is something to attack
        model=model,
        mask=block.extra["mask"][chosen],
        pixel_std=torch.tensor([0.2, 0.3, 0.4]),
    )
    if bound.saliency:
        context = replace(context, saliency=provide_saliency(bound.saliency, images.float() / 255, context))
    return bound(images, tuple(block.ids[i] for i in chosen), context=context)


@pytest.mark.parametrize("spec", SPECS)
def test_shape_dtype_and_range(spec, block):
    """N×3×H×W float in [0,1], unless the row says that it is unclipped; columns have one value an image."""
    result = apply(spec, block, range(19))
    bound = Perturbation.bind(spec)

    assert result.images.shape == (19, 3, 64, 64)
    assert result.images.dtype == torch.float32
    assert all(column.shape == (19,) for column in result.columns.values())
    assert bound.row.is_unclipped(bound.spec) or 0 <= result.images.min() <= result.images.max() <= 1


@pytest.mark.parametrize("spec", SPECS)
def test_input_stays_untouched(spec, block):
    """Images and everything in the context are the same afterwards, the saliency provider's work included."""
    before = block.images.clone(), block.extra["mask"].clone(), block.labels.clone(), block.positions.clone()
    apply(spec, block, range(19))

    assert all(map(torch.equal, before, (block.images, block.extra["mask"], block.labels, block.positions)))


@pytest.mark.parametrize("row", [row for row in ROWS if row.output == "8bit"], ids=lambda row: row.name)
def test_8bit_rows_give_8bit_values(row, block):
    """Rows that promise 8-bit values keep to the 256 levels."""
    for spec in row.grid:
        images = apply(spec, block, range(19)).images

        assert torch.equal(images, to_uint8(images).float() / 255)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("how", ["alone", "sevens", "permuted", "shards"])
def test_same_uint8_however_batched(spec, how, block):
    """Alone, in batches of seven, in another order, in two shards: bit-identical 8-bit images."""
    together = to_uint8(apply(spec, block, range(19)).images)
    parts = {
        "alone": [[i] for i in range(19)],
        "sevens": [range(7), range(7, 14), range(14, 19)],
        "permuted": [[(5 * i + 3) % 19 for i in range(19)]],
        "shards": [range(0, 19, 2), range(1, 19, 2)],
    }[how]

    for part in parts:
        assert torch.equal(together[list(part)], to_uint8(apply(spec, block, part).images))


@pytest.mark.parametrize("row", [row for row in ROWS if row.grows_with], ids=lambda row: row.name)
def test_distance_grows_with_strength(row, block):
    """The stronger, the further from the clean image, on average."""
    base = parse(row.grid[0])
    clean = block.images.float() / 255
    levels = (1, 3, 5) if row.grows_with == "severity" else (0.1, 0.3, 0.6)
    specs = [Spec(row.name, {**row.bind(base).args, row.grows_with: level}) for level in levels]
    distances = [(apply(spec, block, range(19)).images - clean).square().mean() for spec in specs]

    assert distances == sorted(distances)
    assert distances[0] < distances[-1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_matches_signature(row):
    """Parameters and defaults of the row are those of the function; further keywords (``**options``) are not rows'."""
    parameters = dict(list(inspect.signature(row.load()).parameters.items())[2:])
    parameters.pop("context")
    parameters = {name: one for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD}

    assert [parameter.name for parameter in row.parameters] == list(parameters)
    for parameter in row.parameters:
        default = parameters[parameter.name].default
        if parameter.default is REQUIRED:
            assert default is inspect.Parameter.empty
        elif parameter.name != "saliency":  # the engine resolves the provider; the function gets its map
            assert parameter.default == Spec("x", {"d": default}).args["d"]


@pytest.mark.parametrize("row", list(SALIENCY), ids=lambda row: row.name)
def test_saliency_row_matches_signature(row):
    """Providers take images, a context and the row's parameters."""
    names = list(inspect.signature(row.load()).parameters)

    assert ["images", "context", *(parameter.name for parameter in row.parameters)] == names


@pytest.mark.parametrize("name", ["spectral", "mask", "gradient"])
def test_saliency_does_not_depend_on_the_batch(name, block):
    """Maps are the same alone and together, bit for bit."""
    pixels = block.images.float() / 255

    def context(chosen):
        return Context(
            mask=block.extra["mask"][chosen], model=lambda x: x.flatten(1)[:, :10] ** 2 + x.mean((1, 2, 3))[:, None]
        )

    together = provide_saliency(Spec(name), pixels, context(slice(None)))
    alone = torch.cat([provide_saliency(Spec(name), pixels[i : i + 1], context(slice(i, i + 1))) for i in range(19)])

    assert torch.equal(together, alone)
