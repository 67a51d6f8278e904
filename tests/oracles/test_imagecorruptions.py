"""The 19 corruptions against the original program, live, with its own draws put in the place of ours."""

import csv

import live_oracle
import numpy as np
import pytest
import torch
from oracle_draws import corrupt, photons
from parity import Parity, limit
from PIL import Image
from scipy.stats import chi2_contingency

from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.corruption_catalog import BENCHMARK, EXTRA
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.noise import shot_levels
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

SEEDED = [name for name in BENCHMARK + EXTRA if name != "shot_noise"]
SIZES = ((64, 96), (32, 36), (97, 131))
H, W = 64, 80

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def photos(shared_data) -> list[np.ndarray]:
    """Five real photos, centre crops of 224."""
    with (shared_data / "imagenet-samples" / "labels.csv").open() as lines:
        files = [row["file"] for row in list(csv.DictReader(lines))[::200]]
    return [crop(Image.open(shared_data / "imagenet-samples" / file).convert("RGB")) for file in files]


def crop(photo: Image.Image) -> np.ndarray:
    """Smaller side to 256, then the centre."""
    scale = 256 / min(photo.size)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BILINEAR)
    left, top = (photo.width - 224) // 2, (photo.height - 224) // 2
    return np.array(photo.crop((left, top, left + 224, top + 224)))


def render(height: int, width: int) -> np.ndarray:
    """Waves in three directions, saturated in places, nowhere flat."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 127 * np.sin(x / (3 + 4 * c) + y / (9 - 2 * c)) * np.cos(x * y / 900) for c in range(3)]
    return np.stack(waves, axis=2).astype(np.uint8)


def edges() -> dict[str, np.ndarray]:
    """Images where rounding, division by zero or clipping would show."""
    checker = np.indices((H, W)).sum(0) % 2 * 255
    primaries = np.eye(3)[np.arange(W) * 3 // W] * 255
    ramp = np.arange(H * W).reshape(H, W) % 256
    return {
        "black": np.zeros((H, W, 3), np.uint8),
        "white": np.full((H, W, 3), 255, np.uint8),
        "constant": np.full((H, W, 3), 200, np.uint8),
        "grey": np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8),
        "primaries": np.tile(primaries, (H, 1, 1)).astype(np.uint8),
        "checker": np.repeat(checker[..., None], 3, axis=2).astype(np.uint8),
    }


def compare(name: str, severity: int, images: list[np.ndarray]) -> dict[bool, Parity]:
    """Ours in both precisions against the original, over all images."""
    seeds = range(10 * severity, 10 * severity + len(images))
    originals = [live_oracle.corrupt(name, image, severity, seed) for image, seed in zip(images, seeds, strict=True)]
    settings = {exact: Setting(severity, "imagecorruptions", exact) for exact in (False, True)}
    return {
        exact: Parity.of([corrupt(name, x, s, setting) for x, s in zip(images, seeds, strict=True)], originals)
        for exact, setting in settings.items()
    }


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("name", SEEDED)
def test_photos(name, severity, photos):
    """Real photos at 224, float32 and exact."""
    for exact, parity in compare(name, severity, photos).items():
        assert parity.within(limit(name, Setting(severity, exact=exact))), (exact, parity)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("name", SEEDED)
def test_sizes(name, severity):
    """Oblong and odd images."""
    for exact, parity in compare(name, severity, [render(*size) for size in SIZES]).items():
        assert parity.within(limit(name, Setting(severity, exact=exact), small=True)), (exact, parity)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("name", SEEDED)
def test_edges(name, severity):
    """Black, white, constant, grey, saturated and finest images: one level at most in float32, none more in float64."""
    found = {edge: compare(name, severity, [image]) for edge, image in edges().items()}
    allowed = limit(name, Setting(severity, exact=True))

    assert {} == {edge: parity for edge, parity in found.items() if parity[False].levels > 1}
    assert {} == {edge: parity for edge, parity in found.items() if not parity[True].within(allowed)}


@pytest.mark.parametrize("severity", range(1, 6))
def test_shot_noise_has_the_originals_levels(severity, photos):
    """What the original makes of its counts is what our table holds for them."""
    rate = (60, 25, 12, 5, 3)[severity - 1]
    for seed, photo in enumerate(photos):
        counts = photons(photo, seed, rate).clip(max=rate)

        assert (shot_levels(rate).numpy()[counts] == live_oracle.corrupt("shot_noise", photo, severity, seed)).all()


@pytest.mark.parametrize("severity", range(1, 6))
def test_shot_noise_has_the_originals_distribution(severity):
    """Chi-square of two samples, for dark, middle and bright values; draws of ours and of the original."""
    setting = Setting(severity, "imagecorruptions")
    for value in (3, 60, 128, 250):
        image = np.full((128, 128, 3), value, np.uint8)
        images = torch.full((1, 3, 128, 128), value, dtype=torch.uint8)
        ours = PERTURBATIONS["shot_noise"].load().uint8(images, Keys(severity, "shot_noise", (str(value),)), setting)
        theirs = live_oracle.corrupt("shot_noise", image, severity, seed=value)
        counts = np.stack([np.bincount(sample.ravel(), minlength=256) for sample in (ours.numpy(), theirs)])
        counts = counts[:, counts.sum(0) >= 10]

        assert chi2_contingency(counts).pvalue > 1e-5


@pytest.mark.parametrize("name", BENCHMARK + EXTRA)
def test_backend_is_the_original(name):
    """`backend=imagecorruptions` gives the original's output under a seed of each image's own."""
    images = torch.from_numpy(np.stack([render(40, 56), render(56, 40).transpose(1, 0, 2)])).permute(0, 3, 1, 2)
    keys = Keys(0, name, ("a", "b"))
    context = Context()
    for severity in range(1, 6):
        options = {"severity": severity, "variant": "imagecorruptions", "backend": "imagecorruptions"}
        ours = PERTURBATIONS[name].load()(images, keys, context=context, **options)
        for image, words, output in zip(images, keys.words("numpy"), ours, strict=True):
            seed = [word & 0xFFFFFFFF for word in words.tolist()]
            expected = live_oracle.corrupt(name, image.permute(1, 2, 0).numpy().copy(), severity, seed)

            assert (expected == output.permute(1, 2, 0).numpy()).all()


def test_backend_leaves_numpys_generator_alone():
    """Numpy's global generator goes on as if nothing had been."""
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    before = np.random.get_state()[1].tolist()
    Perturbation.bind("gaussian_noise(1, variant=imagecorruptions, backend=imagecorruptions)")(
        images, ("a",), context=Context()
    )

    assert before == np.random.get_state()[1].tolist()
