"""Label spaces: which classes there are, and how the 1000 outputs of ImageNet networks are read into fewer."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from math import log
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from robustbench_vit.catalog import Parameter, Row
from robustbench_vit.errors import UnknownNameError
from robustbench_vit.spec import Spec, parse
from robustbench_vit.types import Logits

Rule = Literal["mean", "sum", "max", "logit_mean"]
"""How the probabilities of a class's members become one: their mean, sum or maximum, or the mean of their logits."""

IMAGENET_CLASSES = 1000

READ_OUTS = ("imagenet-16", "imagenet-a", "imagenet-r")
"""Label spaces that networks of ImageNet-1k are read into."""

ENTRY_LEVEL = {
    "airplane": [404],
    "bear": [294, 295, 296, 297],
    "bicycle": [444, 671],
    "bird": [8, *range(10, 17), *range(18, 21), *range(22, 25), *range(80, 84), *range(87, 97), *range(98, 101),
             *range(127, 134), *range(135, 146)],
    "boat": [472, 554, 625, 814, 914],
    "bottle": [440, 720, 737, 898, 899, 901, 907],
    "car": [436, 511, 817],
    "cat": [281, 282, 283, 284, 285, 286],
    "chair": [423, 559, 765, 857],
    "clock": [409, 530, 892],
    "dog": [*range(152, 192), *range(193, 204), *range(205, 227), *range(228, 242), *range(243, 251),
            *range(252, 258), 259, 261, 262, 263, *range(265, 269)],
    "elephant": [385, 386],
    "keyboard": [508, 878],
    "knife": [499],
    "oven": [766],
    "truck": [555, 569, 656, 675, 717, 734, 864, 867],
}  # fmt: skip
"""The 16 entry-level classes and their 207 ImageNet-1k indices (Geirhos et al., ICLR 2019, texture-vs-shape)."""


@dataclass(frozen=True)
class LabelSpace:
    """Classes in the order of their labels.

    Args:
        name: For example ``imagenet-16``.
        classes: K class names.
        members: For each class its ImageNet-1k indices; empty where nothing is read into it.
    """

    name: str
    classes: tuple[str, ...]
    members: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class ReadOut:
    """How the outputs of a network become logits of a label space.

    Args:
        space: The label space.
        rule: What a class of several members is worth; None where the outputs are the classes already.

    Example:
        >>> str(ReadOut(label_space("imagenet-16"), "mean"))
        'imagenet-16(rule=mean)'
    """

    space: LabelSpace
    rule: Rule | None = None

    def __str__(self) -> str:
        """What is stored with the result: the space, and the rule where there was a choice."""
        decided = self.rule is None or self._is_choice
        return self.space.name if decided else str(Spec(self.space.name, {"rule": self.rule}))

    def __call__(self, logits: Logits) -> Logits:
        """Logits of the K classes.

        A class is worth, with p the softmax over all 1000 and m its members: mean of p over m, their sum, their
        maximum, or (``logit_mean``) their geometric mean, which is the mean of the logits up to a constant. A softmax
        over the result scales these to sum 1.

        Computed in float64 and rounded to float32, so that classes that differ by rounding alone are equal: else a mean
        over 109 dogs would win or lose ties by it. Of equal classes the first is predicted, in alphabetical order with
        ``imagenet-16``, as texture-vs-shape does (model-vs-human takes the last).

        Args:
            logits: N×1000, any float dtype; N×K where there is no rule.

        Returns:
            N×K float32, logarithms; the logits themselves where there is no rule.

        Source:
            R. Geirhos et al., ICLR 2019; README of rgeirhos/texture-vs-shape and `decision_mappings.py` of
            bethgelab/model-vs-human, whose rule is the mean.
        """
        if self.rule is None:
            return logits
        index = torch.tensor(list(chain(*self.space.members)), device=logits.device)
        scores = logits.double().log_softmax(1)[:, index]
        if not self._is_choice:
            columns = torch.split(scores, [len(members) for members in self.space.members], dim=1)
            scores = torch.stack([_joined(column, self.rule) for column in columns], dim=1)
        return scores.float()

    @property
    def _is_choice(self) -> bool:
        """Whether classes are picked from the 1000, so that all rules say the same."""
        return all(len(members) == 1 for members in self.space.members)


def _joined(scores: Tensor, rule: Rule) -> Tensor:
    """N×members → N, logarithms of probabilities."""
    if rule == "logit_mean":
        return scores.mean(1)
    if rule == "max":
        return scores.amax(1)
    total = scores.logsumexp(1)
    return total if rule == "sum" else total - log(scores.shape[1])


def rule_of(spec: str) -> Rule:
    """The rule that a label space is asked for with, such as ``imagenet-16(rule=max)``; ``mean`` if none is named.

    Raises:
        SpecError: If there is no such rule.
    """
    rule: Rule = _RULE.bind(parse(spec)).args["rule"]  # type: ignore[assignment]
    return rule


_RULE = Row(
    "label space",
    "robustbench_vit.labels:ReadOut",
    "how the members of a class are joined",
    (
        Parameter(
            "rule", "mean", "mean, sum or max of probabilities, or mean of logits", "word", choices=get_args(Rule)
        ),
    ),
)


@cache
def label_space(name: str) -> LabelSpace:
    """A label space that networks of ImageNet-1k are read into.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if name == "imagenet-16":
        return LabelSpace(name, tuple(ENTRY_LEVEL), tuple(map(tuple, ENTRY_LEVEL.values())))
    if name not in READ_OUTS:
        raise UnknownNameError("read-out", name, READ_OUTS)
    indices = _listed_by_timm(name)
    descriptions = imagenet_classes()[1]
    return LabelSpace(name, tuple(descriptions[index] for index in indices), tuple((index,) for index in indices))


def _listed_by_timm(name: str) -> list[int]:
    """The 200 classes of ImageNet-A or -R, from the lists that timm keeps for its own validation on these sets."""
    listed = files("timm.data") / "_info" / f"{name.replace('-', '_')}_indices.txt"
    return sorted(map(int, listed.read_text().split()))


@cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """WordNet ids and descriptions of the 1000 classes, in the order of their labels."""
    from timm.data.imagenet_info import ImageNetInfo  # importing timm takes seconds

    info: Any = ImageNetInfo()
    return tuple(info.label_names()), tuple(info.label_descriptions())
