"""Train a network of the zoo: ``python -m robustbench_vit.zoo.train vit_xs --out weights/vit_xs.safetensors``.

Data are keyed and made on the fly, so a run is a function of its arguments, up to the rounding of the machine. The
state is saved every hundred steps; the same command continues a killed run.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from robustbench_vit.data import load_dataset
from robustbench_vit.data.dataset import Dataset
from robustbench_vit.data.shapetex import CLASSES, render
from robustbench_vit.models.image_model import ImageModel, Preprocessing
from robustbench_vit.randomness import Keys
from robustbench_vit.zoo import build

PREPROCESSING = {"mean": 0.5, "std": 0.5}

Batches = Callable[[int], tuple[Tensor, Tensor]]
"""Step → (N×3×H×W uint8 images, N labels)."""


def shapetex_batches(batch_size: int, seed: int) -> Batches:
    """Fresh congruent images for every step; no image is seen twice."""

    def batch(step: int) -> tuple[Tensor, Tensor]:
        first = step * batch_size
        labels = torch.arange(first, first + batch_size) % CLASSES
        keys = Keys(seed, "shapetex", tuple(f"train/{first + i:08d}" for i in range(batch_size)))
        return render(keys, labels, labels)[0], labels

    return batch


def dataset_batches(data: Dataset, batch_size: int, seed: int) -> Batches:
    """A finite data set in keyed order, each image shifted by up to two pixels and mirrored half of the time."""
    everything = data.batch(0, len(data))

    def batch(step: int) -> tuple[Tensor, Tensor]:
        per_epoch = len(data) // batch_size
        epoch, place = divmod(step, per_epoch)
        keys = Keys(seed, "train", (f"epoch {epoch}",))
        chosen = keys.order("order", len(data))[0, place * batch_size : (place + 1) * batch_size]
        images = everything.images[chosen]
        top, left, mirror = keys.of((f"step {step}",)).integers("shift", 3, low=0, high=5)[0].tolist()
        height, width = images.shape[-2:]
        images = functional.pad(images, (2, 2, 2, 2))[..., top : top + height, left : left + width]
        return (images.flip(-1) if mirror % 2 else images), everything.labels[chosen]

    return batch


def accuracy(model: nn.Module, data: Dataset, device: str) -> float:
    """Top-1 share on a data set."""
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(data), 250):
            batch = data.batch(start, start + 250)
            guess = model(batch.images.to(device).float() / 255).argmax(1).cpu()
            right += int((guess == batch.labels).sum())
    model.train()
    return right / len(data)


def schedule(step: int, steps: int) -> float:
    """Share of the full learning rate: 200 steps of warm-up, a plateau, a linear decay over the last quarter.

    Before the decay the schedule does not depend on the number of steps, so a run may be prolonged.
    """
    return min(1.0, (step + 1) / 200, (steps - step) / (0.25 * steps))


def train(model: ImageModel, batches: Batches, options: argparse.Namespace) -> None:
    """AdamW, label smoothing 0.1, bfloat16 autocast; continues from a saved state."""
    decayed = [p for p in model.network.parameters() if p.ndim > 1]
    plain = [p for p in model.network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.lr)
    state_file = options.out.with_suffix(".state.pt")
    first = _restored(state_file, model, optimizer)
    began = time.monotonic()
    model.network.train()
    for step in range(first, options.steps):
        for group in optimizer.param_groups:
            group["lr"] = options.lr * schedule(step, options.steps)
        images, labels = (tensor.to(options.device) for tensor in batches(step))
        with torch.autocast(options.device, torch.bfloat16):
            logits = model(images.float() / 255)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.network.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0:
            torch.save({"step": step + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, state_file)
            print(f"step {step + 1}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True)


def _restored(file: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if not file.exists():
        return 0
    state = torch.load(file, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def main(arguments: list[str] | None = None) -> None:
    """Train, evaluate, save: weights as safetensors, constructor arguments and figures as its metadata."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="network of the zoo")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--data", default="shapetex", help="training data spec (default: shapetex, made on the fly)")
    parser.add_argument("--test", default="shapetex(n=2000)", help="test data spec")
    parser.add_argument(
        "--architecture", default="{}", help="constructor arguments as JSON, e.g. '{\"image_size\": 28}'"
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    test = load_dataset(options.test)
    architecture = {"num_classes": len(test.classes), **json.loads(options.architecture)}
    preprocessing = Preprocessing((PREPROCESSING["mean"],) * 3, (PREPROCESSING["std"],) * 3, None)
    model = ImageModel(
        build(options.name, **architecture), preprocessing, name=options.name, num_classes=len(test.classes)
    ).to(options.device)
    if options.data == "shapetex":
        batches = shapetex_batches(options.batch_size, options.seed)
    else:
        batches = dataset_batches(load_dataset(options.data), options.batch_size, options.seed)
    train(model, batches, options)

    figure = accuracy(model, test, options.device)
    metadata = {
        "architecture": json.dumps(architecture),
        # A ResNet takes any size; it is judged at the one it was trained on.
        "preprocessing": json.dumps({**PREPROCESSING, "input_size": list(test.batch(0, 1).images.shape[-2:])}),
        "trained_on": f"{options.data}, {options.steps} steps of {options.batch_size}, seed {options.seed}",
        "accuracy": f"{figure:.4f} on {options.test}",
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    save_file(weights, options.out, metadata)
    print(f"{options.out}: top-1 {figure:.4f} on {options.test}", flush=True)


if __name__ == "__main__":
    main()
