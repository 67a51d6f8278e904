"""Models that hide their gradients are found out end to end, and a plain network is not suspected."""

import pytest
import torch
from torch import nn

from robustbench_vit import evaluate, load_model
from robustbench_vit.models.image_model import ImageModel

CASES = [
    "clean",
    "pgd(eps=32/255, steps=5)",
    "square(eps=32/255, queries=100)",
    "pgd(eps=1/2, steps=5, random_start=false)",
]
IMAGES = 48


class Masked(nn.Module):
    """A network behind another input or output."""

    def __init__(self, network, before=lambda x: x, after=lambda logits: logits):
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, images):
        """N×3×H×W → N×K."""
        return self.after(self.network(self.before(images)))


def quantised(images):
    """Sixteen levels; the gradient of rounding is 0."""
    return ((images * 0.5 + 0.5) * 15).round() / 15 * 2 - 1


@pytest.fixture(scope="module")
def plain():
    """A trained network."""
    return load_model("zoo:resnet_xs")


def warnings(model):
    """Text of the warnings on robust accuracy, by case."""
    frame = evaluate(model, f"shapetex(n={IMAGES})", CASES, device="cpu")
    rows = frame[frame["metric"] == "robust_accuracy"]
    return dict(zip(rows["case"], rows["warning"], strict=True))


def masked(model, name, **changes):
    """The model with a mask."""
    return ImageModel(Masked(model.network, **changes), model.preprocessing, name=name, num_classes=10)


def test_a_plain_network_is_not_suspected(plain):
    """No warning at all."""
    assert {""} == set(warnings(plain).values())


def test_quantised_input_is_flagged(plain):
    """No image gives a gradient, a black-box attack is stronger, and half of the range breaks nothing."""
    found = warnings(masked(plain, "quantised", before=quantised))

    assert "100.0% of images give no gradient at all" in found["pgd(eps=32/255, steps=5)"]
    assert "square(eps=32/255, queries=100), which sees no gradient" in found["pgd(eps=32/255, steps=5)"]
    assert "at eps 0.5 every image can be made the same grey" in found["pgd(eps=0.5, random_start=false, steps=5)"]
    assert "" == found["square(eps=32/255, queries=100)"]


def test_saturated_logits_are_flagged(plain):
    """Softmax of logits times 1,000 is sure to the last bit."""
    found = warnings(masked(plain, "scaled", after=lambda logits: logits * 1e3))

    assert "give no gradient at all" in found["pgd(eps=32/255, steps=5)"]


def test_dlr_is_not_fooled_by_the_scale(plain):
    """The loss made for it finds what cross-entropy misses."""
    scaled = masked(plain, "scaled", after=lambda logits: logits * 1e3)
    cases = ["clean", "pgd(eps=8/255, steps=5)", "apgd(eps=8/255, steps=10, loss=dlr)"]
    frame = evaluate(scaled, f"shapetex(n={IMAGES})", cases, device="cpu")
    robust = frame[frame["metric"] == "robust_accuracy"].set_index("case")

    assert robust["value"].iloc[1] < robust["value"].iloc[0] - 0.2
    assert "" == robust["warning"].iloc[1]


def test_a_stochastic_model_and_one_in_training_mode_are_flagged(plain):
    """Each by its own warning."""

    class Noise(nn.Module):
        def forward(self, images):
            return images + 0.3 * torch.randn_like(images)

    noisy = masked(plain, "noisy", before=Noise())
    stubborn = nn.Dropout(0.1)
    stubborn.train = lambda mode=True: stubborn
    dropout = masked(plain, "dropout", before=stubborn)

    assert all("stochastic:" in text for text in warnings(noisy).values())
    assert all("training mode:" in text for text in warnings(dropout).values())
