"""What tables call a model: its display spec, and what tells apart models that share it.

``zoo:vit #1a2b3c · seed 1 · bf16`` is the model ``zoo:vit`` with weights whose digest ends so (others bear the same
name), run with seed 1 (and others) and in bf16 (and in fp32). A part stands there only where it is needed.
"""

import re

_DIGITS = 6  # of a digest; as many as short names of commits have
_SEED = re.compile(r" · seed (\d+)(?=( · (fp32|bf16))?$)")
_VARIANT = re.compile(r"( · seed \d+)?( · (fp32|bf16))?$")
_WEIGHTS = re.compile(rf" #[0-9a-f]{{{_DIGITS}}}$")


def with_weights(name: str, key: str) -> str:
    """A name with digits of the weights' digest.

    Example:
        >>> with_weights("zoo:vit", "zoo-vit-1a2b3c4d5e6f")
        'zoo:vit #1a2b3c'
    """
    return f"{name} #{key.rpartition('-')[2][:_DIGITS]}"


def with_variant(name: str, seed: int | None = None, dtype: str = "") -> str:
    """A name with the seed, the dtype, or both.

    Example:
        >>> with_variant("zoo:vit", 1, "bf16")
        'zoo:vit · seed 1 · bf16'
    """
    return name + ("" if seed is None else f" · seed {seed}") + (f" · {dtype}" if dtype else "")


def without_seed(name: str, seed: int) -> str:
    """A name without this seed; the dtype stays, and so does what only looks like a seed.

    Example:
        >>> without_seed("zoo:vit · seed 1 · bf16", 1)
        'zoo:vit · bf16'
    """
    found = _SEED.search(name)
    return _SEED.sub("", name) if found and int(found[1]) == seed else name


def without_variant(name: str) -> str:
    """A name without seed and dtype.

    Example:
        >>> without_variant("zoo:vit #1a2b3c · seed 1 · bf16")
        'zoo:vit #1a2b3c'
    """
    return _VARIANT.sub("", name, count=1)


def spec_of(name: str) -> str:
    """The display spec: a name without all that tells apart.

    Example:
        >>> spec_of("zoo:vit #1a2b3c · seed 1 · bf16")
        'zoo:vit'
    """
    return _WEIGHTS.sub("", without_variant(name))
