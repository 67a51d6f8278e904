"""The four noises in closed form; their statistics are in test_statistics, parity with the originals in oracles."""

import pytest
import torch
from scipy import stats

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.noise import (
    _photon_table,
    gaussian_noise,
    impulse_noise,
    shot_levels,
    shot_noise,
    speckle_noise,
)
from robustbench_vit.randomness import Keys

KEYS = Keys(0, "noise", ("a", "b"))


def plain(value):
    """Two images of one grey value."""
    return torch.full((2, 3, 64, 64), value, dtype=torch.uint8)


@pytest.mark.parametrize("rate", [3, 5, 12, 25, 60, 500])
def test_alias_table_holds_the_poisson_law(rate):
    """Summed over the table's cells, every value has its Poisson chance to 2⁻¹⁵ of a cell."""
    table, levels = _photon_table(rate, torch.device("cpu")), shot_levels(rate).long()
    columns = table.shape[1]

    for value in (0, 1, 100, 255):
        cells = table[value].long()
        kept = (cells >> 16).double() / 0x8000
        chances = torch.zeros(256, dtype=torch.float64)
        chances.index_add_(0, (cells >> 8) & 255, kept / columns)
        chances.index_add_(0, cells & 255, (1 - kept) / columns)
        expected = torch.zeros(256, dtype=torch.float64)
        law = stats.poisson(value / 255 * rate)
        counts = [*law.pmf(range(rate)), law.sf(rate - 1)]
        expected.index_add_(0, levels, torch.tensor(counts, dtype=torch.float64))

        assert torch.allclose(expected, chances, atol=1.1 * 256 / columns / 2**15, rtol=0)


def test_no_photons_from_black():
    """Black stays black under shot and speckle noise."""
    for kernel in (shot_noise, speckle_noise):
        assert torch.equal(plain(0), kernel.uint8(plain(0), KEYS, Setting(5)))


def test_shot_levels_are_truncated_shares():
    """Of c photons k give trunc(255·k/c)."""
    assert [0, 85, 170, 255] == shot_levels(3).tolist()
    assert 51 == shot_levels(25)[5]


def test_impulses_are_black_or_white_and_nest():
    """Only extremes are added, both about as often, and a higher severity keeps those of a lower one."""
    light, strong = (impulse_noise.uint8(plain(100), KEYS, Setting(severity)) for severity in (2, 5))
    flipped = light != 100

    assert {0, 100, 255} == set(strong.unique().tolist())
    assert torch.equal(strong[flipped], light[flipped])
    assert flipped.float().mean().item() == pytest.approx(0.06, abs=0.01)


def test_severities_share_their_draws():
    """The same normal field, scaled: the deviations of two severities are in the ratio of their σ."""
    weak, strong = (gaussian_noise.kernel(plain(100), KEYS, Setting(severity)) - 100 for severity in (1, 4))

    assert torch.allclose(weak * (0.26 / 0.08), strong, atol=1e-3)


def test_exact_agrees_with_fast():
    """float64 and float32 differ by rounding alone."""
    images = (torch.arange(2 * 3 * 64 * 64) % 256).to(torch.uint8).view(2, 3, 64, 64)
    for kernel in (gaussian_noise, speckle_noise):
        fast, exact = (kernel.uint8(images, KEYS, Setting(3, exact=exact)).int() for exact in (False, True))

        assert (fast - exact).abs().max() <= 1
        assert (fast != exact).float().mean() < 1e-3
