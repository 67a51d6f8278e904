"""Signs that a robust accuracy is not what it seems: most often gradients that lead an attack nowhere.

The signs are those of Athalye, Carlini & Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018,
section 3.1, and of Carlini et al., "On Evaluating Adversarial Robustness", 2019 (arXiv:1902.06705), section 5. A sign
is no proof; a number without one may be wrong as well.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from robustbench_vit.aggregates.attacks import BROKEN_BY, eps_cells
from robustbench_vit.aggregates.groups import split
from robustbench_vit.aggregates.names import spec_of
from robustbench_vit.metrics.contributions import FloatArray
from robustbench_vit.metrics.intervals import wilson
from robustbench_vit.metrics.mcnemar import mcnemar
from robustbench_vit.metrics.robustness import survivors
from robustbench_vit.records import PlannedCase, Threat

WARNED = frozenset({"top1", "robust_accuracy", "robust_auc"})
"""Measurements of a case that carry its warnings."""

BETWEEN = "; "
"""Stands between the warnings of one number; none of them has it inside."""

MOST_ZERO = 0.05
"""Share of images without any gradient that is no sign yet: where the softmax is sure to the last bit there is none,
which happens on single images of ordinary networks."""

GAP = 0.02
"""How much stronger the weaker kind of attack must be: below two points luck of starts and queries explains it."""

SIGNIFICANT = 0.01
"""Largest p of such a difference. Stricter than usual, because every pair of attacks is looked at."""

SAME_GREY = 0.5
"""L∞ eps within which every image in [0,1] can become the same grey 1/2."""

_Left = Mapping[PlannedCase, "pd.Series[float]"]


class Stronger(NamedTuple):
    """Another attack that leaves less.

    Args:
        case: The other attack.
        mine: Robust accuracy that the attack in question leaves on the images both share.
        theirs: What the other one leaves there.
        n: Number of these images.
        p: Of McNemar's test.
    """

    case: PlannedCase
    mine: float
    theirs: float
    n: int
    p: float


def doubts(case: PlannedCase, rows: pd.DataFrame) -> list[str]:
    """What the rows of a case say against its number.

    Args:
        case: The case.
        rows: Its per-sample rows.

    Returns:
        Warnings in plain text, without a full stop; none for cases that are no attack.
    """
    if not len(rows):
        return []
    checks: tuple[Callable[[PlannedCase, pd.DataFrame], str], ...]
    checks = (zero_gradients, above_chance, late_black_box, stochastic, train_mode)
    return [text for check in checks if (text := check(case, rows))]


def comparisons(left: _Left) -> dict[PlannedCase, list[str]]:
    """What weaker kinds of attack say against stronger ones of the same model.

    Args:
        left: For each attack of one model, 1 where it left the model right and 0 elsewhere, by sample id.
    """
    return {
        case: [text for check in (stronger_black_box, stronger_single_step) if (text := check(case, others, left))]
        for others in split(left, _allowed).values()
        for case in others
    }


def zero_gradients(case: PlannedCase, rows: pd.DataFrame) -> str:  # noqa: ARG001 - as all checks
    """Whether many images give an attack no direction at all."""
    if "zero_gradient" not in rows:
        return ""
    known = rows["zero_gradient"].dropna()
    share = float(known.mean()) if len(known) else 0.0
    if share <= MOST_ZERO:
        return ""
    return f"gradient masking: {share:.1%} of images give no gradient at all, so no attack that follows it moves them"


def above_chance(case: PlannedCase, rows: pd.DataFrame) -> str:
    """Whether more is right than any classifier can have right where all images may become the same."""
    chance = float(rows["label"].value_counts(normalize=True).iloc[0])
    for eps, correct in _large(case, rows):
        low, _ = wilson(int(correct.sum()), len(correct))
        if low > chance:
            return (
                f"the attack fails: at eps {eps:.4g} every image can be made the same grey, so no more than "
                f"{chance:.1%} (the most frequent class) can be robust, not {correct.mean():.1%}"
            )
    return ""


def late_black_box(case: PlannedCase, rows: pd.DataFrame) -> str:
    """Whether members without gradients break what members with gradients have left."""
    if case.threat is None or case.threat.knowledge != "white-box" or BROKEN_BY not in rows:
        return ""
    broke = {word: float((rows[BROKEN_BY] == word).mean()) for word in _late(case.threat)}
    late, left = rows[BROKEN_BY].isin(list(broke)).to_numpy(), (rows[BROKEN_BY] == "none").to_numpy()
    # What gradients broke is broken for the ensemble, too: nothing speaks on the other side of the test.
    p = mcnemar((left | late).astype(np.float64), left.astype(np.float64))
    if sum(broke.values()) < GAP - 1e-9 or p >= SIGNIFICANT:
        return ""
    named = ", ".join(f"{word} {share:.1%}" for word, share in broke.items() if share)
    return f"gradient masking? Of all images, attacks without gradients broke what those with gradients left: {named}"


def stochastic(case: PlannedCase, rows: pd.DataFrame) -> str:  # noqa: ARG001 - as all checks
    """Whether the model draws random numbers."""
    if not _any(rows, "stochastic"):
        return ""
    return (
        "stochastic: the same image has other logits when it is shown again or among others, so one gradient says "
        "little: attack the mean over draws (expectation over transformation)"
    )


def train_mode(case: PlannedCase, rows: pd.DataFrame) -> str:  # noqa: ARG001 - as all checks
    """Whether layers behave as in training."""
    if not _any(rows, "train_mode"):
        return ""
    return (
        "training mode: dropout or batch statistics are at work, so logits depend on chance or on the batch: put the "
        "network into evaluation mode"
    )


def stronger_black_box(case: PlannedCase, others: Sequence[PlannedCase], left: _Left) -> str:
    """Whether an attack that sees no gradient of the model is stronger than one that does.

    A single step is known to be weak, and says nothing where an attack with more steps stands beside it.
    """
    threats = [other.threat for other in others if other.threat and other.threat.knowledge == "white-box"]
    if case.threat not in threats or (_single(case.threat) and not all(map(_single, threats))):
        return ""
    rivals = [other for other in others if other.threat and other.threat.knowledge != "white-box" and not _own(other)]
    if (found := _strongest(case, rivals, left)) is None:
        return ""
    return f"gradient masking? {found.case.case}, which sees no gradient of the model, {_said(found)}"


def stronger_single_step(case: PlannedCase, others: Sequence[PlannedCase], left: _Left) -> str:
    """Whether one gradient step is stronger than many."""
    threat = case.threat
    if threat is None or threat.knowledge != "white-box" or threat.steps <= 1:
        return ""
    rivals = [other for other in others if _single(other.threat)]
    if (found := _strongest(case, rivals, left)) is None:
        return ""
    return f"gradient masking? {found.case.case}, which makes one gradient step and not {threat.steps}, {_said(found)}"


def _allowed(case: PlannedCase) -> Hashable:
    """Cases for which it is the same are compared; an attack that knows no bound is compared with none."""
    threat = case.threat
    bound = (threat.norm, threat.eps) if threat and threat.norm else case
    return (case.data, case.geometry, case.label_space, case.seed, case.dtype, bound)


def _single(threat: Threat | None) -> bool:
    return threat is not None and threat.knowledge == "white-box" and threat.steps == 1


def _own(case: PlannedCase) -> bool:
    """Whether transferred examples were made on the very model that is judged, with its gradients."""
    return case.threat is not None and case.threat.source == spec_of(case.model)


def _strongest(case: PlannedCase, rivals: Iterable[PlannedCase], left: _Left) -> Stronger | None:
    """Of the attacks that are clearly stronger the one that leaves least."""
    found = [_compared(rival, left[case], left[rival]) for rival in rivals]
    clear = [one for one in found if one.n and one.mine - one.theirs > GAP - 1e-9 and one.p < SIGNIFICANT]
    return min(clear, key=lambda one: one.theirs, default=None)


def _compared(rival: PlannedCase, mine: "pd.Series[float]", theirs: "pd.Series[float]") -> Stronger:
    one, two = (values.to_numpy(np.float64) for values in mine.align(theirs, join="inner"))
    if not len(one):
        return Stronger(rival, 0.0, 0.0, 0, 1.0)
    return Stronger(rival, float(one.mean()), float(two.mean()), len(one), mcnemar(one, two))


def _said(found: Stronger) -> str:
    p = "p < 0.0001" if found.p < 1e-4 else f"p = {found.p:.2g}"
    return f"leaves {found.theirs:.1%} right, this attack {found.mine:.1%} (the same {found.n:,} images, {p})"


def _large(case: PlannedCase, rows: pd.DataFrame) -> list[tuple[float, FloatArray]]:
    """Each L∞ eps of a case that makes all images equal, with what is right there."""
    threat = case.threat
    if threat is None or threat.norm != "linf" or BROKEN_BY not in rows:
        return []
    if threat.grid and "min_eps" in rows:
        return [(cell.at, cell.correct) for cell in eps_cells(case, rows) if cell.at >= SAME_GREY]
    return [(threat.eps, survivors(rows))] if threat.eps >= SAME_GREY else []


def _late(threat: Threat) -> list[str]:
    """Members without gradients behind the first one with gradients."""
    gradients = [place for place, member in enumerate(threat.members) if member not in threat.black_box]
    return [member for member in threat.members[gradients[0] :] if member in threat.black_box] if gradients else []


def _any(rows: pd.DataFrame, column: str) -> bool:
    return column in rows and bool(rows[column].any())
