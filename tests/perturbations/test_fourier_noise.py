"""Frequency-band noise: where its energy lies, how much there is, and the authors' figures."""

import numpy as np
import pytest
import torch

from robustbench_vit.api import perturb
from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.fourier_noise import fourier_noise
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context

GREY = torch.full((4, 3, 64, 48), 0.5)
IDS = ("a", "b", "c", "d")


@pytest.mark.parametrize("shape", ["ring", "square"])
@pytest.mark.parametrize(("center", "width"), [(0.1, 0.1), (0.5, 0.2), (0.9, 0.1), (1.2, 0.3)])
def test_energy_lies_in_the_band(shape, center, width):
    """An independent transform finds nothing outside the band."""
    if shape == "square" and center > 1:
        pytest.skip("the largest of two frequencies never exceeds Nyquist")
    noise = (perturb(GREY, f"fourier_noise({center}, width={width}, shape={shape}, rms=0.02)") - 0.5).double().numpy()
    power = np.abs(np.fft.fft2(noise)) ** 2
    y, x = np.meshgrid(2 * np.fft.fftfreq(64), 2 * np.fft.fftfreq(48), indexing="ij")
    radius = np.sqrt(y**2 + x**2) if shape == "ring" else np.maximum(abs(y), abs(x))
    outside = np.abs(radius - center) > width / 2 + 1e-6

    assert power[..., outside].sum() < 1e-9 * power.sum()


def test_rms_is_calibrated_for_every_image():
    """Before clipping (none happens on grey at 0.02) every image has exactly the asked rms, at every band."""
    for center in (0.1, 0.5, 0.9):
        noise = perturb(GREY, f"fourier_noise({center}, rms=0.02)") - GREY

        assert torch.allclose(noise.square().mean((1, 2, 3)).sqrt(), torch.tensor(0.02), rtol=1e-4)


def test_realised_rms_is_a_column():
    """The column is the rms of what was really added, after clipping."""
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    result = fourier_noise(images, Keys(0, "fourier_noise", IDS), context=Context(), center=0.5, rms=0.4)
    added = (result.images - images).double().square().mean((1, 2, 3)).sqrt()

    assert torch.allclose(added, result.columns["rms"])
    assert (result.columns["rms"] < 0.39).all()


def test_images_and_channels_have_their_own_noise():
    """No two images and no two channels share noise."""
    noise = (perturb(GREY, "fourier_noise(0.5, width=0.6, rms=0.05)") - 0.5).flatten(2).flatten(0, 1)
    correlation = torch.corrcoef(noise) - torch.eye(12)

    assert correlation.abs().max() < 0.15


def test_strengths_share_their_draws():
    """Twice the rms is the same noise, doubled."""
    weak = perturb(GREY, "fourier_noise(0.3, rms=0.02)") - 0.5
    strong = perturb(GREY, "fourier_noise(0.3, rms=0.04)") - 0.5

    assert torch.allclose(2 * weak, strong, atol=1e-6)


def test_empty_band_is_an_error():
    """A band without frequencies says so."""
    with pytest.raises(CaseError, match=r"no frequency of 8×8 images lies within 0\.1 ± 0\.01"):
        perturb(torch.zeros(1, 3, 8, 8), "fourier_noise(0.1, width=0.02)")


@pytest.mark.parametrize(
    ("half_width", "expected"),
    [
        (None, [0.155, 0.217, 0.267, 0.308, 0.358, 0.380, 0.410, 0.439, 0.463]),
        (0.1, [0.134, 0.200, 0.237, 0.273, 0.305, 0.334, 0.379, 0.388, 0.410]),
    ],
)
def test_hvw_reproduces_the_authors_rms(half_width, expected):
    """Rms over eps at 224, bands 0.1π … 0.9π, measured on the authors' program: half-width 0.2 and 0.05π.

    The lowest band has few frequencies and spreads by about 1 %, the others by less.
    """
    width = "" if half_width is None else f", width={half_width}"
    images, ids = torch.zeros(8, 3, 224, 224), tuple(map(str, range(8)))
    measured = [
        Perturbation.bind(f"fourier_noise(0.{tenth}, compat=hvw, rms=1{width})")(
            images, ids, context=Context(pixel_std=torch.ones(3))
        )
        .columns["rms"]
        .mean()
        .item()
        for tenth in range(1, 10)
    ]

    assert measured == pytest.approx(expected, rel=0.015)


def test_hvw_adds_after_normalisation_unclipped():
    """In pixel units the noise is scaled by the model's std, and may leave [0,1]."""
    images = torch.ones(1, 3, 32, 32)
    spec = "fourier_noise(0.5, compat=hvw, rms=0.7)"
    unit = perturb(images, spec, pixel_std=torch.ones(3)) - 1
    scaled = perturb(images, spec, pixel_std=torch.tensor([0.5, 0.25, 1.0])) - 1

    assert torch.allclose(unit * torch.tensor([0.5, 0.25, 1.0]).view(3, 1, 1), scaled, atol=1e-6)
    assert perturb(images, spec, pixel_std=torch.ones(3)).max() > 1


def test_hvw_without_a_model_is_an_error():
    """The authors' mode needs the model's std."""
    with pytest.raises(CaseError, match="pixel_std"):
        perturb(GREY, "fourier_noise(0.5, compat=hvw)")
