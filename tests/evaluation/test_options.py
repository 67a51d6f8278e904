"""What a run may be told, and what it may not."""

import pytest

from robustbench_vit.errors import SpecError
from robustbench_vit.evaluation.options import Options, read_batch_size, read_shard


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"batch_size": 0}, "batch size must be auto or at least 1, got 0"),
        ({"dtype": "fp16"}, "dtype must be fp32 or bf16, got fp16"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"shard": (0, 2)}, "shard must be i/n with 1 ≤ i ≤ n, got 0/2"),
        ({"shard": (3, 2)}, "shard must be i/n with 1 ≤ i ≤ n, got 3/2"),
    ],
)
def test_bad_options(options, message):
    """What was expected and what came."""
    with pytest.raises(SpecError, match=message):
        Options(**options)


def test_every_block_has_one_owner():
    """Shards share the blocks among them."""
    shards = [Options(shard=(index, 3)) for index in (1, 2, 3)]

    assert [1] * 10 == [sum(shard.owns(block) for shard in shards) for block in range(10)]
    assert all(shard.is_sharded for shard in shards)
    assert not Options().is_sharded


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("7", 7), ("0", 0)])
def test_batch_sizes_as_users_write_them(text, value):
    """Whether the number will do is for `Options` to say."""
    assert value == read_batch_size(text)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", ""])
def test_no_batch_sizes(text):
    """Words and fractions."""
    with pytest.raises(SpecError, match=f"batch size must be auto or at least 1, got {text}"):
        read_batch_size(text)


def test_shards_as_users_write_them():
    """The i-th of n."""
    assert (2, 4) == read_shard("2/4")
    with pytest.raises(SpecError, match="shard must be i/n such as 2/4, got 2"):
        read_shard("2")
