"""Glass blur: pointer jumping against the loop it replaces."""

import pytest
import torch

from robustbench_vit.perturbations.corruptions.corruption import Setting
from robustbench_vit.perturbations.corruptions.glass import _sources, glass_blur
from robustbench_vit.randomness import Keys


def visited_one_by_one(steps, height, width, reach):
    """Where every pixel's value comes from, by the loop: the last pixel first, each a copy of a neighbour."""
    values = torch.arange(height * width).view(height, width)
    for i, row in enumerate(range(height - reach, reach, -1)):
        for j, column in enumerate(range(width - reach, reach, -1)):
            right, down = steps[:, i, j].tolist()
            values[row, column] = values[row + down, column + right].clone()
    return values.flatten()


@pytest.mark.parametrize("reach", [1, 2, 3, 4])
def test_pointer_jumping_is_the_loop(reach):
    """For every reach in use, two images at once."""
    height, width = 19, 23
    shape = (2, height - 2 * reach, width - 2 * reach)
    steps = Keys(1, "glass_blur", ("a", "b")).small_integers("steps", *shape, low=-reach, high=reach)
    expected = [visited_one_by_one(image, height, width, reach) for image in steps]

    assert torch.equal(torch.stack(expected), _sources(steps, height, width))


def test_steps_that_only_point_ahead_form_one_chain():
    """If every pixel copies its right neighbour, a row takes the value at its right end."""
    steps = torch.tensor([1, 0]).view(1, 2, 1, 1).expand(1, 2, 12, 12)
    sources = _sources(steps, 16, 16).view(16, 16)

    assert [16 * row + 15 for row in range(3, 15)] == sources[3:15, 3].tolist()


def test_plain_images_stay_plain():
    """Only copies and blurs; each blur may cost 1."""
    plain = torch.full((1, 3, 32, 32), 90, dtype=torch.uint8)
    for severity in range(1, 6):
        glass = glass_blur.uint8(plain, Keys(0, "glass_blur", ("a",)), Setting(severity))
        assert glass.amin() >= 88
        assert glass.amax() <= 90
