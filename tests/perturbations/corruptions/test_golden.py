"""The 19 corruptions against stored outputs of imagecorruptions 1.1.2; `tests/golden/make_corruptions.py` made them."""

from pathlib import Path

import numpy as np
import pytest
from oracle_draws import corrupt, photons
from parity import ANYWHERE, Parity, limit

from robustbench_vit.perturbations.corruption_catalog import BENCHMARK, EXTRA
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.noise import shot_levels

BLURS = ("gaussian_blur", "glass_blur", "motion_blur")
FILE = Path(__file__).resolve().parents[2] / "golden" / "corruptions.npz"


@pytest.fixture(scope="module")
def stored():
    """Clean images, outputs and seeds; the script says under which names."""
    with np.load(FILE) as arrays:
        yield arrays


def originals(stored, name, severity):
    """The (image, seed, output) of a corruption at a severity."""
    seeds = stored["seeds"][list(stored["names"]).index(name), severity - 1]
    chosen = [(k, int(seed)) for k, seed in enumerate(seeds) if seed >= 0]
    return [(stored[f"x/{k}"], seed, stored[f"{name}/{severity}/{k}"]) for k, seed in chosen]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("name", [name for name in BENCHMARK + EXTRA if name != "shot_noise"])
def test_same_as_the_original_with_its_draws(name, severity, exact, stored):
    """Ours, with the draws the original made under the stored seeds."""
    setting = Setting(severity, "imagecorruptions", exact)
    images, seeds, outputs = zip(*originals(stored, name, severity), strict=True)
    ours = [corrupt(name, image, seed, setting) for image, seed in zip(images, seeds, strict=True)]
    parity = Parity.of(ours, outputs)

    strict = limit(name, setting, small=True)
    assert parity.within(max(strict, ANYWHERE) if strict or name in BLURS else strict), parity


@pytest.mark.parametrize("severity", range(1, 6))
def test_shot_noise_has_the_originals_levels(severity, stored):
    """The original's photon counts, looked up in our table of levels, are its output."""
    rate = (60, 25, 12, 5, 3)[severity - 1]
    for image, seed, output in originals(stored, "shot_noise", severity):
        assert (shot_levels(rate).numpy()[photons(image, seed, rate).clip(max=rate)] == output).all()
