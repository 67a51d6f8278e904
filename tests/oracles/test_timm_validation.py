"""Clean accuracy under ``geometry=native`` against timm's own validation recipe, image by image."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.data import create_dataset, create_loader, resolve_model_data_config

from robustbench_vit.api import results, run_suite
from robustbench_vit.data import load_dataset
from robustbench_vit.suite import Case, Suite

N = 48


@pytest.fixture(scope="module")
def photos(tmp_path_factory, request) -> Path:
    """The first real photos, one a class, in class folders of their own."""
    shared = request.getfixturevalue("shared_data")
    root = tmp_path_factory.mktemp("photos")
    with (shared / "imagenet-samples" / "labels.csv").open() as lines:
        for row in list(csv.DictReader(lines))[:: 1000 // N][:N]:
            target = root / row["file"]
            target.parent.mkdir(parents=True)
            shutil.copy(shared / "imagenet-samples" / row["file"], target)
    return root


def timm_predictions(network, photos: Path, config) -> dict[str, int]:
    """Timm's data set, transform and loader, as its validation script builds them: prediction by file."""
    wnids = timm.data.ImageNetInfo().label_names()
    dataset = create_dataset("", root=str(photos), class_map={wnid: index for index, wnid in enumerate(wnids)})
    loader = create_loader(
        dataset,
        input_size=config["input_size"],
        batch_size=16,
        is_training=False,
        use_prefetcher=False,
        interpolation=config["interpolation"],
        mean=config["mean"],
        std=config["std"],
        crop_pct=config["crop_pct"],
        num_workers=0,
        device=torch.device("cpu"),
    )
    with torch.no_grad():
        predictions = torch.cat([network(images).argmax(1) for images, _ in loader]).tolist()
    return dict(zip(dataset.filenames(basename=False, absolute=False), predictions, strict=True))


# timm leaves the files it reads open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_native_geometry_equals_timms_validation(photos, shared_data, tmp_path):
    """ViT-Ti/16 with its bicubic 0.9 crop: the same prediction on every image, hence the same accuracy."""
    weights = shared_data / "weights" / "vit_tiny_patch16_224.safetensors"
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False).eval()
    network.load_state_dict(load_file(weights))
    config = {**resolve_model_data_config(network), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    expected = timm_predictions(network, photos, config)

    run_suite(
        Suite("native", version=1),
        [Case(geometry="native")],
        models=[f'timm:vit_tiny_patch16_224(checkpoint="{weights}", mean=0.5, std=0.5)'],
        data={"": f'imagenet("{photos}")'},
        out=tmp_path,
        device="cpu",
        batch_size=16,
    )
    rows = results(tmp_path).rows()
    measured = dict(zip(rows["id"], rows["pred"], strict=True))
    facts = json.loads(next(tmp_path.glob("manifests/*/*.json")).read_text())[0]

    assert {str(Path(file).with_suffix("")): label for file, label in expected.items()} == measured
    assert "geometry(crop=224, interpolation=bicubic, resize=248)" == facts["geometry"]
    assert N == len(load_dataset(f'imagenet("{photos}")'))
