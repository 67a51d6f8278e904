"""What our own draws look like: distributions in closed form, or those of independent numpy draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from oracle_draws import OracleKeys
from scipy import stats
from torch import Tensor

from robustbench_vit.perturbations import PERTURBATIONS
from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.noise import shot_levels
from robustbench_vit.randomness import Keys

RANDOM = [
    *("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "motion_blur"),
    *("snow", "frost", "fog", "elastic_transform", "spatter"),
]  # all but glass blur, whose reach and rounds are a severity's own
AMOUNTS = {"imagenet_c": (0.03, 0.06, 0.09, 0.17, 0.27), "cifar_c": (0.01, 0.02, 0.03, 0.05, 0.07)}
RATES = {"imagenet_c": (60, 25, 12, 5, 3), "cifar_c": (500, 250, 100, 75, 50)}
SMALL = 1e-3  # a p-value below is a failure; the draws are fixed, so it does not come and go


@dataclass(frozen=True)
class Recorder(Keys):
    """Keys that remember what was drawn, by field name."""

    drawn: dict[str, Tensor] = field(default_factory=dict)

    def _noted(self, name: str, draws: Tensor) -> Tensor:
        self.drawn[name] = draws.clone()
        return draws

    def bits(self, name: str, *shape: int) -> Tensor:
        """Noted."""
        return self._noted(name, super().bits(name, *shape))

    def uniform(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Noted."""
        return self._noted(name, super().uniform(name, *shape, low=low, high=high))

    def integers(self, name: str, *shape: int, low: int, high: int) -> Tensor:
        """Noted."""
        return self._noted(name, super().integers(name, *shape, low=low, high=high))


def plain(value: int, count: int = 1, side: int = 64) -> Tensor:
    """Images of one grey value, uint8."""
    return torch.full((count, 3, side, side), value, dtype=torch.uint8)


def ramps(count: int, side: int) -> Tensor:
    """Images whose red is the column and whose green is the row, uint8."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack((columns, rows, rows)).to(torch.uint8).expand(count, -1, -1, -1)


def raw(name: str, images: Tensor, setting: Setting, keys: Keys | None = None) -> Tensor:
    """A corruption's values before they are clipped and truncated, N×3×H×W float64."""
    ids = tuple(map(str, range(len(images))))
    return PERTURBATIONS[name].load().kernel(images, keys or Keys(0, name, ids), setting).double()


def with_numpys(name: str, images: Tensor, setting: Setting, **fields: np.ndarray) -> Tensor:
    """The same with fields drawn by numpy."""
    given = {key: torch.from_numpy(values) for key, values in fields.items()}
    return raw(name, images, setting, OracleKeys(0, name, ("numpy",) * len(images), fields=given))


def recorded(name: str, images: Tensor, setting: Setting) -> dict[str, Tensor]:
    """What a corruption draws."""
    keys = Recorder(0, name, tuple(map(str, range(len(images)))))
    PERTURBATIONS[name].load().kernel(images, keys, setting)
    return keys.drawn


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c", "imagecorruptions"])
def test_severities_share_their_draws(variant, name):
    """Whatever the severity, the same fields with the same values."""
    first, *others = (recorded(name, plain(128, 2, 32), Setting(severity, variant)) for severity in range(1, 6))

    for other in others:
        common = first.keys() & other.keys()
        assert common == first.keys()  # elastic transform at severity 1 of cifar_c needs no displacement
        assert all(torch.equal(first[key], other[key]) for key in common)


@pytest.mark.parametrize(("name", "sigmas"), [("gaussian_noise", (0.08, 0.38)), ("speckle_noise", (0.15, 0.6))])
def test_normal_noise(name, sigmas):
    """Standard deviation within 1 %, distribution by Kolmogorov and Smirnov."""
    for severity, sigma in zip((1, 5), sigmas, strict=True):
        scale = 255 * sigma if name == "gaussian_noise" else 128 * sigma
        noise = (raw(name, plain(128, 4), Setting(severity)) - 128).numpy().ravel() / scale

        assert noise.std() == pytest.approx(1, abs=0.01)
        assert stats.kstest(noise, "norm").pvalue > SMALL


@pytest.mark.parametrize("variant", AMOUNTS)
def test_impulses(variant):
    """Rates of flips and of salt within 4 standard errors; two channels flip together as often as independent ones."""
    for severity, amount in enumerate(AMOUNTS[variant], start=1):
        values = raw("impulse_noise", plain(128, 8), Setting(severity, variant))
        flipped, salt = values != 128, values == 255
        pairs = flipped & flipped.roll(1, 1)

        for rate, share in ((amount, flipped), (amount / 2, salt), (amount**2, pairs)):
            error = (rate / share.numel()) ** 0.5
            assert share.double().mean().item() == pytest.approx(rate, abs=4 * error)


@pytest.mark.parametrize("variant", RATES)
@pytest.mark.parametrize("value", [5, 90, 200])
def test_photons(value, variant):
    """Chi-square of the levels against the Poisson law, their mean and variance within 4 standard errors."""
    for severity, rate in enumerate(RATES[variant], start=1):
        law = stats.poisson(value / 255 * rate)
        chances = np.zeros(256)
        np.add.at(chances, shot_levels(rate).numpy(), [*law.pmf(range(rate)), law.sf(rate - 1)])
        values = raw("shot_noise", plain(value, 4), Setting(severity, variant)).numpy().astype(int).ravel()
        expected = chances * values.size
        seen, often = np.bincount(values, minlength=256), expected >= 10
        grouped = [(*part[often], part[~often].sum()) for part in (seen, expected)]
        mean = (chances * np.arange(256)).sum()
        fourth, variance = ((chances * (np.arange(256) - mean) ** power).sum() for power in (4, 2))

        assert seen[chances == 0].sum() == 0
        assert chi_square(*grouped) > SMALL
        assert values.mean() == pytest.approx(mean, abs=4 * (variance / values.size) ** 0.5)
        assert values.var() == pytest.approx(variance, abs=4 * ((fourth - variance**2) / values.size) ** 0.5)


def chi_square(seen: Sequence[float], expected: Sequence[float]) -> float:
    """The p-value of counts, those expected to be next to nothing left out."""
    pairs = [(count, mean) for count, mean in zip(seen, expected, strict=True) if mean > 1]
    statistic = sum((count - mean) ** 2 / mean for count, mean in pairs)
    return float(stats.chi2.sf(statistic, len(pairs) - 1))


@pytest.mark.parametrize(("name", "low", "high"), [("motion_blur", -45, 45), ("snow", -135, -45)])
def test_angles_are_uniform(name, low, high):
    """Degrees, by Kolmogorov and Smirnov."""
    angles = recorded(name, plain(128, 500, 16), Setting(1))["angle"].numpy()

    assert low <= angles.min() < angles.max() < high
    assert stats.kstest(angles, stats.uniform(low, high - low).cdf).pvalue > SMALL


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("variant", ["imagenet_c", "cifar_c", "imagecorruptions"])
def test_snow(variant, severity):
    """Mean and standard deviation of what lies on black, image by image, as with numpy's draws."""
    generator, images, setting = np.random.default_rng(severity), plain(0, 200, 32), Setting(severity, variant)
    layer, angle = generator.normal(size=(200, 32, 32)), generator.uniform(-135, -45, 200)
    ours, theirs = (
        snowed.clamp(0, 255)[:, 0].flatten(1)
        for snowed in (raw("snow", images, setting), with_numpys("snow", images, setting, layer=layer, angle=angle))
    )

    for measure in (torch.mean, torch.std):
        assert stats.ttest_ind(measure(ours, 1), measure(theirs, 1)).pvalue > SMALL


def test_frost_textures():
    """Five of equal chance; two of them are one picture, so four pictures with .2, .4, .2 and .2. Crops are uniform."""
    drawn = recorded("frost", plain(128, 2000, 16), Setting(1))
    counts = np.bincount(drawn["texture"], minlength=5)

    assert chi_square(counts, [400] * 5) > SMALL
    assert chi_square([counts[0], counts[1] + counts[2], counts[3], counts[4]], [400, 800, 400, 400]) > SMALL
    for axis in ("row", "column"):
        assert stats.kstest(drawn[axis].numpy(), "uniform").pvalue > SMALL


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_fog_spectrum(severity):
    """Mean power of the haze in every octave, within 5 % or 4 standard errors of an independent plasma."""
    decay, depth = {1: (3, 0.2), 3: (2.5, 0.75), 5: (1.75, 1.5)}[severity]
    fogged = raw("fog", plain(255, 400, 32), Setting(severity, "cifar_c"))[:, 0].numpy()
    ours = octaves((fogged / 255 * (1 + depth) - 1) / depth)
    theirs = octaves(plasmas(400, 32, decay, np.random.default_rng(severity)))
    error = ((ours.var(0) + theirs.var(0)) / 400) ** 0.5

    assert (abs(ours.mean(0) - theirs.mean(0)) < np.maximum(4 * error, 0.05 * theirs.mean(0))).all()


def plasmas(count: int, side: int, decay: float, generator: np.random.Generator) -> np.ndarray:
    """Diamond-square fractals on a torus, point by point as the definition reads, N×S×S in [0,1]."""
    heights, step, wibble = np.zeros((count, side, side)), side, 100.0

    def rise(row: int, column: int, neighbours: Sequence[tuple[int, int]]) -> None:
        mean = np.mean([heights[:, r % side, c % side] for r, c in neighbours], axis=0)
        heights[:, row, column] = mean + wibble * generator.uniform(-wibble, wibble, count)

    while step > 1:
        half, grid = step // 2, range(0, side, step)
        for r, c in ((r + half, c + half) for r in grid for c in grid):
            rise(r, c, [(r - half, c - half), (r - half, c + half), (r + half, c - half), (r + half, c + half)])
        for r, c in [(r, c + half) for r in grid for c in grid] + [(r + half, c) for r in grid for c in grid]:
            rise(r, c, [(r - half, c), (r + half, c), (r, c - half), (r, c + half)])
        step, wibble = half, wibble / decay
    heights -= heights.min((1, 2), keepdims=True)
    return heights / heights.max((1, 2), keepdims=True)


def octaves(fields: np.ndarray) -> np.ndarray:
    """N×4 mean power of N×32×32 fields at 1, 2–3, 4–7 and 8–15 waves a side."""
    power = np.abs(np.fft.fft2(fields)) ** 2
    waves = np.abs(np.fft.fftfreq(32, 1 / 32))
    highest = np.maximum(waves[:, None], waves)
    return np.stack([power[:, (highest >= low) & (highest < 2 * low)].mean(1) for low in (1, 2, 4, 8)], 1)


def test_glass_displacements():
    """At CIFAR's first severity nothing is blurred: each pixel comes from one of four places, equally often."""
    images, inside = ramps(4, 64), (slice(None), slice(2, 64), slice(2, 64))
    columns, rows, _ = (raw("glass_blur", images, Setting(1, "cifar_c")).floor() - images).unbind(1)
    steps = (2 * rows + columns)[inside].int().flatten()

    assert {-3, -2, -1, 0} == set(steps.tolist())
    assert chi_square((-steps).bincount().numpy(), [len(steps) / 4] * 4) > SMALL


def test_glass_steps_are_uniform():
    """Where the reach is 4, all of −4 … 3, in both directions."""
    keys = Keys(0, "glass_blur", ("a",))
    for axis in keys.small_integers("steps", 2, 2, 56, 56, low=-4, high=4)[0].unbind(1):
        counts = (axis.flatten() + 4).bincount(minlength=8).numpy()

        assert chi_square(counts, [counts.sum() / 8] * 8) > SMALL


def test_elastic_anchors_are_uniform():
    """CIFAR's first severity moves anchors by up to 2.56 pixels; the map found on ramps says how far."""
    side, near = 32, slice(8, 24)
    sources = raw("elastic_transform", ramps(64, side), Setting(1, "cifar_c"))[:, :2, near, near].flatten(2).numpy()
    targets = np.stack([*np.meshgrid(np.arange(8, 24), np.arange(8, 24)), np.ones((16, 16))]).reshape(3, -1)
    anchors = np.array([[26, 26], [26, 6], [6, 6]])
    moves = []
    for source in sources:
        linear, constant = np.split(np.linalg.lstsq(targets.T, source.T, rcond=None)[0].T, [2], axis=1)
        moves.append(np.linalg.solve(linear, anchors.T - constant).T - anchors)

    assert stats.kstest(np.ravel(moves), stats.uniform(-2.56, 5.12).cdf).pvalue > SMALL


@pytest.mark.parametrize("severity", [1, 5])
def test_elastic_displacements(severity):
    """On ramps imagecorruptions' displacement shows: its standard deviation is that of smoothed uniform noise."""
    side, inside = 160, slice(12, -12)
    sigma, radius, stretch = 0.01 * side, int(3 * 0.01 * side + 0.5), 250 * {1: 0.05, 5: 0.12}[severity]
    kernel = stats.norm(scale=sigma).pdf(np.arange(-radius, radius + 1))
    expected = stretch * 0.005 * side / 3**0.5 * (kernel**2).sum() / kernel.sum() ** 2
    images = ramps(4, side)
    moved = (raw("elastic_transform", images, Setting(severity, "imagecorruptions")) - images)[:, :2, inside, inside]

    assert moved[:, 0].std().item() == pytest.approx(expected, rel=0.03)
    assert moved[:, 1].std().item() == pytest.approx(expected, rel=0.03)
    assert abs(np.corrcoef(*moved.transpose(0, 1).flatten(1).numpy())[0, 1]) < 0.05


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("variant", "side", "count"), [("imagenet_c", 128, 100), ("cifar_c", 32, 1500)])
def test_spatter_covers_as_much(variant, side, count, severity):
    """Area of what is wet on white (mud) or black (water), within 5 % or 4 standard errors of that of numpy's draws."""
    images, setting = plain(0 if severity < 4 else 255, count, side), Setting(severity, variant)
    liquid = np.random.default_rng(severity).normal(size=(count, side, side))
    ours, theirs = (
        (spattered != images).double().mean((1, 2, 3))
        for spattered in (raw("spatter", images, setting), with_numpys("spatter", images, setting, liquid=liquid))
    )
    error = ((ours.var() + theirs.var()) / count).sqrt().item()

    assert ours.mean().item() == pytest.approx(theirs.mean().item(), abs=max(4 * error, 0.05 * theirs.mean().item()))
