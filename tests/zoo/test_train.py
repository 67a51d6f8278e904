"""The training script: keyed batches, resumable, weights that load."""

import json

import pytest
import torch
from safetensors import safe_open

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.zoo import train


def test_batches_are_keyed_and_fresh():
    """The same step gives the same images, the next one others."""
    batches = train.shapetex_batches(4, seed=1)

    assert torch.equal(batches(3)[0], batches(3)[0])
    assert not torch.equal(batches(3)[0], batches(4)[0])


def test_finite_data_are_seen_once_an_epoch():
    """The order of an epoch is a permutation of the data set, another one each epoch."""
    data = load_dataset("shapetex(n=40)")
    batches = train.dataset_batches(data, 10, seed=1)
    labels = [torch.cat([batches(step)[1] for step in range(4 * epoch, 4 * epoch + 4)]) for epoch in (0, 1)]

    assert data.labels.sort().values.equal(labels[0].sort().values)
    assert not torch.equal(labels[0], labels[1])


def test_schedule_warms_up_and_decays():
    """Warm-up, plateau that does not depend on the length, decay to zero."""
    assert [0.005, 1.0, 1.0] == [train.schedule(step, 4000) for step in (0, 199, 2999)]
    assert train.schedule(3999, 4000) < 0.01
    assert train.schedule(1000, 2000) == train.schedule(1000, 9000)


@pytest.mark.parametrize("name", ["resnet_xs", "vit_xs_nopos"])
def test_trained_weights_load_and_carry_their_figures(tmp_path, name, capsys):
    """The file names its architecture and accuracy; the loader reads them back."""
    out = tmp_path / "x.safetensors"
    train.main(
        [name, "--out", str(out), "--steps", "2", "--batch-size", "4", "--test", "shapetex(n=20)", "--device", "cpu"]
    )
    with safe_open(out, "pt") as file:
        metadata = file.metadata()
    model = load_model(f'zoo:{name}(checkpoint="{out}")')

    assert {"num_classes": 10} == json.loads(metadata["architecture"])
    assert (64, 64) == model.preprocessing.input_size
    assert "on shapetex(n=20)" in metadata["accuracy"]
    assert "top-1" in capsys.readouterr().out
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 10)


def test_a_killed_run_goes_on(tmp_path, monkeypatch):
    """The state file holds the step; the second run does only the rest."""
    arguments = ["resnet_xs", "--out", str(tmp_path / "x.safetensors"), "--batch-size", "2", "--device", "cpu"]
    arguments += ["--test", "shapetex(n=20)"]
    seen = []
    original = train.shapetex_batches

    def watched(batch_size, seed):
        inner = original(batch_size, seed)
        return lambda step: (seen.append(step), inner(step))[1]

    monkeypatch.setattr(train, "shapetex_batches", watched)
    train.main([*arguments, "--steps", "100"])
    seen.clear()
    train.main([*arguments, "--steps", "103"])

    assert [100, 101, 102] == seen


def test_weights_remember_the_size_of_their_images(tmp_path, fake_data):
    """A ResNet trained on 28×28 is not fed enlarged images."""
    root = fake_data.fashion_mnist(tmp_path / "data")
    out = tmp_path / "x.safetensors"
    arguments = ["resnet_xs", "--out", str(out), "--steps", "2", "--batch-size", "4", "--device", "cpu"]
    arguments += ["--data", f'fashion_mnist("{root}", split=train)', "--test", f'fashion_mnist("{root}")']
    train.main([*arguments, "--architecture", '{"stem_stride": 1}'])

    assert (28, 28) == load_model(f'zoo:resnet_xs(checkpoint="{out}")').preprocessing.input_size
