"""Makes robustbench_vit/leaderboard/published.toml from the published trials: python make_shape_bias.py DATA FILE.

DATA is the folder with `human/` and `cue-conflict/manifest.csv` of github rgeirhos/texture-vs-shape.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from robustbench_vit.aggregates.boards import HUMANS, TRIALS
from robustbench_vit.aggregates.scoring import score
from robustbench_vit.records import PlannedCase
from robustbench_vit.trials import read_trials

NAMES = {
    HUMANS: "humans",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "resnet152": "ResNet-152",
    "densenet121": "DenseNet-121",
    "vgg16": "VGG-16",
    "alexnet": "AlexNet",
    "squeezenet1-1": "SqueezeNet 1.1",
    "resnet50-train-60-epochs": "ResNet-50 trained on SIN",
    "alexnet_caffe": "AlexNet (Caffe)",
    "googlenet_caffe": "GoogLeNet (Caffe)",
    "vgg16_caffe": "VGG-16 (Caffe)",
}
CUES = ("label", "texture")
NUMBERS = ("shape_bias", "shape_bias_classmean", "shape_decisions", "texture_decisions")
HEAD = '''\
# Decisions on the 1280 cue-conflict images of Geirhos et al.: figures, not trials. tests/golden/make_shape_bias.py
# makes this file. `shape` and `texture` are numbers of decisions for either cue, by category of the shape, over the 75
# images of each whose cues conflict (for humans 75 × 10 trials); `subjects` are the two numbers of each human.
# `intervals` are those of our metrics: over images, 95 %.
source = """
R. Geirhos et al., "ImageNet-trained CNNs are biased towards texture; increasing shape bias improves accuracy and \\
robustness", ICLR 2019: trials of 10 subjects with neutral instruction, and decisions of networks of Caffe and \\
torchvision, published in github rgeirhos/texture-vs-shape (raw-data). The probabilities were read into 16 categories \\
by another rule than the mean: ResNet-50 has 22.1 % here, and 21.4 % by the mean.
"""
'''


def stimuli(data):
    """Id, position, shape and texture of the 1280 images, and the names of the 16 classes."""
    manifest = pd.read_csv(data / "cue-conflict" / "manifest.csv")
    classes = tuple(sorted(manifest["shape"].unique()))
    cues = {cue: [classes.index(name) for name in manifest[cue]] for cue in ("shape", "texture")}
    ids = [Path(file).stem for file in manifest["file"]]
    rows = pd.DataFrame({"id": ids, "position": range(len(ids)), "label": cues["shape"], "texture": cues["texture"]})
    return rows, classes


def measured(data):
    """Measurements of everybody whose trials are there, and of a model that is always right."""
    rows, classes = stimuli(data)
    none = dict.fromkeys(("confidence", "nll", "p_label", "p_squared", "logsumexp"), 0.0)
    rows = rows.assign(pred=rows["label"], top5_ids=[[0, 1, 2, 3, 4]] * len(rows), **none)
    case = PlannedCase(
        *("shape_bias@1", "right", "right", "clean", "clean-0", "clean", "clean", "cue_conflict(x)", "none"),
        *("imagenet-16", 16, len(rows), 0, "fp32"),
        status="done",
        classes=classes,
    )
    files = [str(data / "human" / f"cue_conflict_{kind}trials.csv") for kind in ("", "cnn_")]
    return score([case], lambda _: rows, trials=read_trials(files))


def counts(rows, cue, classes=(None,)):
    """Decisions for a cue where the two conflict: all, or by category of the shape."""
    chosen = rows[(rows["label"] != rows["texture"]) & (rows["pred"] == rows[cue])]["label"]
    return [int((chosen == number).sum()) if number is not None else len(chosen) for number in classes]


def decisions(data, name):
    """Rows of each of those whose trials a name stands for."""
    rows, classes = stimuli(data)
    files = [str(data / "human" / f"cue_conflict_{kind}trials.csv") for kind in ("", "cnn_")]
    wanted = [one for one in read_trials(files) if (one.human if name == HUMANS else one.name == name)]
    return [one.of(rows, classes) for one in wanted]


def text(data):
    """The whole file."""
    rows, classes = stimuli(data)
    table = measured(data)
    parts = [
        HEAD + f"categories = {json.dumps(classes)}\nconflicts = {int((rows['label'] != rows['texture']).sum())}\n"
    ]
    for key, name in NAMES.items():
        own = table[table["model"] == (key if key == HUMANS else TRIALS + key)].set_index("metric")
        ends = own[["low", "high"]].round(4)
        members = decisions(data, key)
        shape, texture = (counts(pd.concat(members), cue, range(len(classes))) for cue in CUES)
        subjects = [counts(own, "label") + counts(own, "texture") for own in members]
        lines = ["[[makers]]", f'name = "{name}"', *([f"subjects = {subjects}"] if key == HUMANS else [])]
        lines += [f"shape = {shape}", f"texture = {texture}", "[makers.intervals]"]
        lines += [f"{metric} = {ends.loc[metric].tolist()}" for metric in NUMBERS]
        pairs = "".join(f"    {pair},\n" for pair in ends.loc["category_shape_bias"].to_numpy().tolist())
        parts.append("\n".join([*lines, f"category_shape_bias = [\n{pairs}]", ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(text(Path(sys.argv[1])), encoding="utf-8")
