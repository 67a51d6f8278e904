"""The shipped weights: small, and good at what they were trained for."""

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.zoo import ARCHITECTURES, WEIGHTS


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shipped_weights(name):
    """At most 4 MB, at least 90 % on the congruent test split, and a line in the model card."""
    file = WEIGHTS / f"{name}.safetensors"
    data = load_dataset("shapetex(n=500)")
    batch = data.batch(0, 500)
    with torch.no_grad():
        predictions = load_model(f"zoo:{name}")(batch.images.float() / 255).argmax(1)

    assert file.stat().st_size <= 4_000_000
    assert (predictions == batch.labels).double().mean() >= 0.9
    assert f"| `{name}` |" in (WEIGHTS / "README.md").read_text()


def test_every_weight_file_belongs_to_a_network():
    """No orphan is shipped."""
    assert sorted(ARCHITECTURES) == sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))
