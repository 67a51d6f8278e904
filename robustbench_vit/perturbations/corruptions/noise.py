"""Gaussian, shot, impulse and speckle noise."""

from functools import lru_cache
from math import exp, lgamma, log

import torch
from torch import Tensor

from robustbench_vit.perturbations.corruptions.corruption import Setting, corruption
from robustbench_vit.randomness import Keys


@corruption()
def gaussian_noise(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Add N(0, σ²) to every value; the same draws, scaled, at all severities."""
    scale = setting.pick((0.08, 0.12, 0.18, 0.26, 0.38), (0.04, 0.06, 0.08, 0.09, 0.10))
    noise = keys.coarse_normal("z", *images.shape[1:])
    if setting.exact:
        return (images.double() / 255 + noise.double() * scale) * 255
    return images.float().add_(noise, alpha=255 * scale)


@corruption()
def speckle_noise(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Multiply every value by 1 + N(0, σ²)."""
    scale = setting.pick((0.15, 0.2, 0.35, 0.45, 0.6), (0.06, 0.1, 0.12, 0.16, 0.2))
    noise = keys.coarse_normal("z", *images.shape[1:])
    if setting.exact:
        values = images.double() / 255
        return (values + values * (noise.double() * scale)) * 255
    values = images.float()
    return values.addcmul(values, noise, value=scale)


@corruption()
def impulse_noise(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Set a share of the values, channels apart, to black or white with equal chances.

    The share is kept to the nearest 1/32768, so that the decision is one of integers.
    """
    amount = setting.pick((0.03, 0.06, 0.09, 0.17, 0.27), (0.01, 0.02, 0.03, 0.05, 0.07))
    draws = keys.halves("flip", *images.shape[1:])
    flipped = ((draws & 0x7FFF) < round(amount * 0x8000)).to(torch.uint8).neg_()  # 0 or 255
    values = (draws >> 15).to(torch.uint8).neg_()  # salt where a value is flipped
    # values if flipped else images, without a branch: torch.where takes four times as long on random masks.
    values ^= images
    values &= flipped
    values ^= images
    return values


@corruption()
def shot_noise(images: Tensor, keys: Keys, setting: Setting) -> Tensor:
    """Replace every value v by Poisson(c·v)/c, v in [0,1].

    Differences: numpy draws by rejection, we by the alias method (Walker 1977) from one 32-bit draw a value; chances
    are kept to 2⁻¹⁵ of a table cell, below 5e-7 (4e-6 at c = 3). Counts from c on all give white, so they are one cell.
    """
    rate = setting.pick((60, 25, 12, 5, 3), (500, 250, 100, 75, 50))
    table = _photon_table(rate, images.device)
    columns = table.shape[1]
    draws = keys.bits("photons", *images.shape[1:])
    column = (draws >> 16) & (columns - 1)
    cell = table.view(-1).index_select(0, column.add_(images, alpha=columns).view(-1)).view_as(draws)
    kept = (draws & 0x7FFF) < (cell >> 16)
    return (cell >> kept.to(torch.int32).mul_(8)).to(torch.uint8)  # the low byte: the value if kept, else its alias'


def shot_levels(rate: int) -> Tensor:
    """The 8-bit value of 0, 1, …, ``rate`` photons: trunc(255·k/c)."""
    return (torch.arange(rate + 1, dtype=torch.float64) / rate * 255).to(torch.uint8)


@lru_cache
def _photon_table(rate: int, device: torch.device) -> Tensor:
    """256×2ᵐ int32: for each clean value an alias table of cells (chance in 2⁻¹⁵, value, alias' value)."""
    levels = shot_levels(rate).tolist()
    columns = 1 << rate.bit_length()
    rows = [_alias_row(_poisson(value / 255 * rate, rate), columns, levels) for value in range(256)]
    return torch.tensor(rows, dtype=torch.int32, device=device)


def _poisson(mean: float, most: int) -> list[float]:
    """Chances of 0, …, most − 1 counts, and of most or more."""
    chances = [exp(k * log(mean) - mean - lgamma(k + 1)) if mean else float(k == 0) for k in range(most)]
    return [*chances, max(0.0, 1 - sum(chances))]


def _alias_row(chances: list[float], columns: int, levels: list[int]) -> list[int]:
    """Vose's construction (1991) for one distribution, its cells packed into integers below 2³¹."""
    share = [chance * columns for chance in chances] + [0.0] * (columns - len(chances))
    value = levels + [0] * (columns - len(levels))
    alias = list(range(columns))
    small = [k for k in range(columns) if share[k] < 1]
    large = [k for k in range(columns) if share[k] >= 1]
    kept = [1.0] * columns
    while small and large:
        low, high = small.pop(), large[-1]
        kept[low], alias[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return [round(kept[k] * 0x7FFF) << 16 | value[k] << 8 | value[alias[k]] for k in range(columns)]
