"""Keyed random fields (contract C2): statistics, independence of the batch, pinned vectors."""

import pytest
import torch
from scipy import stats

from robustbench_vit.randomness import Keys, _mixed, _mixed_by_numpy

N = 1 << 20
PINNED = [[1650121575, 965356214, -685634692], [-1327336527, -1532032132, 802206]]
PINNED_NORMAL = [[-0.8033490180969238, -0.9389926195144653], [-0.4806515574455261, 0.9878118634223938]]


@pytest.fixture(scope="module")
def bits():
    """A million draws of one key."""
    return Keys(0, "test", ("a",)).bits("bits", N)[0]


@pytest.fixture(scope="module")
def normals():
    """A million normal draws of one key."""
    return Keys(0, "test", ("a",)).normal("z", N)[0].double()


def test_pinned_vector():
    """The fields are the same on every machine and in every version."""
    keys = Keys(7, "pinned", ("first", "second"))

    assert PINNED == keys.bits("bits", 3).tolist()
    assert torch.equal(torch.tensor(PINNED_NORMAL), keys.normal("z", 2))


def test_every_bit_is_fair(bits):
    """Each of the 32 bits is set in half of the draws, within 5 standard errors."""
    share = torch.stack([(bits >> bit) & 1 for bit in range(32)]).double().mean(1)

    assert ((share - 0.5).abs() < 5 * 0.5 / N**0.5).all()


def test_uniform_passes_kolmogorov_smirnov():
    """Uniform draws are uniform."""
    draws = Keys(0, "test", ("a",)).uniform("u", 100_000)[0].numpy()

    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    assert 0 <= draws.min() <= draws.max() < 1


def test_normal_moments(normals):
    """Mean, variance, skewness and kurtosis of the normal, within 5 standard errors (kurtosis: and 1e-3 of bias)."""
    assert abs(normals.mean()) < 5 / N**0.5
    assert abs(normals.var() - 1) < 5 * (2 / N) ** 0.5
    assert abs((normals**3).mean()) < 5 * (15 / N) ** 0.5
    assert abs((normals**4).mean() - 3) < 5 * (96 / N) ** 0.5 + 1e-3


def test_normal_passes_kolmogorov_smirnov(normals):
    """Normal draws are normal, tails included."""
    assert stats.kstest(normals[:200_000].numpy(), "norm").pvalue > 1e-3
    assert normals.abs().max() > 4.5


@pytest.mark.parametrize("lag", [1, 2, 3, 32, 224, 1024])
def test_lags_are_uncorrelated(normals, lag):
    """Neighbours in a field do not know one another."""
    correlation = (normals[:-lag] * normals[lag:]).mean()

    assert abs(correlation) < 5 / N**0.5


def test_images_and_fields_are_uncorrelated():
    """Consecutive ids, other fields, streams and seeds give other draws."""
    base = Keys(0, "test", tuple(map(str, range(64)))).normal("z", 4096).double()
    others = [
        base.roll(1, 0),
        Keys(1, "test", tuple(map(str, range(64)))).normal("z", 4096).double(),
        Keys(0, "tesu", tuple(map(str, range(64)))).normal("z", 4096).double(),
        Keys(0, "test", tuple(map(str, range(64)))).normal("y", 4096).double(),
    ]

    assert all(abs((base * other).mean()) < 5 / base.numel() ** 0.5 for other in others)


def test_draws_do_not_depend_on_the_batch():
    """Alone, in a batch, in another order: the same bits."""
    ids = tuple(map(str, range(10)))
    batch = Keys(0, "test", ids).bits("b", 3, 17, 19)
    alone = torch.cat([Keys(0, "test", (i,)).bits("b", 3, 17, 19) for i in ids])
    reverse = Keys(0, "test", ids[::-1]).bits("b", 3, 17, 19).flip(0)

    assert torch.equal(batch, alone)
    assert torch.equal(batch, reverse)


def test_a_longer_field_begins_alike():
    """A draw depends on its place, not on how many there are."""
    keys = Keys(0, "test", ("a",))

    assert torch.equal(keys.bits("b", 100_000)[:, :10], keys.bits("b", 10))


def test_orders_are_uniform():
    """All 24 permutations of four items are equally likely."""
    orders = Keys(0, "test", tuple(map(str, range(24_000)))).order("o", 4)
    codes = (orders * torch.tensor([64, 16, 4, 1])).sum(1)
    _, counts = codes.unique(return_counts=True)

    assert len(counts) == 24
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_ranks_invert_orders():
    """Rank is place in the order."""
    keys = Keys(0, "test", ("a", "b"))

    assert torch.equal(keys.order("o", 50).gather(1, keys.ranks("o", 50)), torch.arange(50).expand(2, 50))


def test_integers_cover_their_range():
    """Integers reach both ends and nothing beyond."""
    draws = Keys(0, "test", ("a",)).integers("i", 10_000, low=-2, high=3)

    assert [-2, -1, 0, 1, 2] == draws.unique().tolist()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_devices_agree():
    """CPU and CUDA draw the same integers and the same normals."""
    ids = tuple(map(str, range(5)))
    host, device = Keys(0, "test", ids), Keys(0, "test", ids, torch.device("cuda"))

    assert torch.equal(host.bits("b", 3, 64, 64), device.bits("b", 3, 64, 64).cpu())
    assert torch.equal(host.normal("z", 3, 64, 64), device.normal("z", 3, 64, 64).cpu())


def test_both_mixers_give_the_same_integers():
    """What the CPU does in numpy is what a GPU does in torch; odd lengths and several stretches included."""
    words = Keys(0, "test", ("a", "b", "c")).words("bits")

    for count in (0, 1, 1001, 40_000):
        assert torch.equal(_mixed(words, torch.arange(count, dtype=torch.int32)), _mixed_by_numpy(words, count))


def test_halves_are_uniform_and_independent():
    """16 bits each; neighbours that share a word know nothing of one another."""
    halves = Keys(0, "test", ("a",)).halves("h", N)[0]

    assert 0 <= halves.min() <= halves.max() < 1 << 16
    assert stats.chisquare(torch.bincount(halves >> 8, minlength=256)).pvalue > 1e-3
    pairs = (halves[::2] >> 12) * 16 + (halves[1::2] >> 12)
    assert stats.chisquare(torch.bincount(pairs, minlength=256)).pvalue > 1e-3


def test_coarse_normals_are_normal():
    """Kolmogorov–Smirnov; moments; an odd count takes the front of the even one."""
    keys = Keys(0, "test", ("a",))
    draws = keys.coarse_normal("z", N)[0].double()

    assert stats.kstest(draws[:100_000].numpy(), "norm").pvalue > 1e-3
    assert abs(draws.mean()) < 5 / N**0.5
    assert draws.var().item() == pytest.approx(1, abs=5 * (2 / N) ** 0.5)
    assert stats.kurtosis(draws.numpy()) == pytest.approx(0, abs=5 * (24 / N) ** 0.5)
    assert torch.equal(keys.coarse_normal("z", 7), keys.coarse_normal("z", 8)[:, :7])


def test_small_integers_are_uniform():
    """Every value of the range is as likely as any other, the ends included."""
    draws = Keys(0, "test", ("a",)).small_integers("i", N, low=-3, high=3)[0]

    assert stats.chisquare(torch.bincount(draws + 3, minlength=6)).pvalue > 1e-3
