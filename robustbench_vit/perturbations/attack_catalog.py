"""Which attacks exist (contract C10); torch-free."""

from robustbench_vit.catalog import REQUIRED, Catalog, Parameter
from robustbench_vit.perturbations.attack_row import (
    EPS,
    NORM,
    AttackRow,
    EnsembleRow,
    MinEpsRow,
    PgdRow,
    TransferRow,
    WorstRow,
)
from robustbench_vit.perturbations.row import PerturbationRow
from robustbench_vit.perturbations.torchattacks_catalog import LibraryRow, TorchattacksRow

_ROOM = "robustbench_vit.perturbations.attacks"
_ENSEMBLE = "Croce & Hein, Reliable evaluation of adversarial robustness, ICML 2020"
_RESTARTS = Parameter("restarts", 1, "number of starts", "integer", low=1)

AUTOATTACK = (
    ("apgd-ce", "apgd(loss=ce, steps=100)"),
    ("apgd-t", "apgd(loss=dlr_targeted, steps=100, targets=9)"),
    ("fab-t", "fab(steps=100, targets=9)"),
    ("square", "square(queries=5000, schedule=10000)"),
)
"""The attacks of the standard version, in order, by the names that the authors' code gives them."""

ATTACKS: Catalog[AttackRow] = Catalog(
    "attacks",
    (
        AttackRow(
            "apgd",
            f"{_ROOM}.apgd:apgd",
            "gradient steps with momentum that halve their length by themselves",
            (
                EPS,
                NORM,
                Parameter("loss", "ce", "what is made large", "word", choices=("ce", "dlr", "dlr_targeted")),
                Parameter("targets", 9, "dlr_targeted: wrong classes to go for, most likely first", "integer", low=1),
                Parameter("steps", 100, "gradient steps from each start", "integer", low=1),
                _RESTARTS,
            ),
            positional="eps",
            reference=_ENSEMBLE,
            grid=("apgd(eps=0.02, steps=5)", "apgd(eps=0.5, norm=l2, steps=5)"),
        ),
        EnsembleRow(
            "autoattack",
            f"{_ROOM}.autoattack:autoattack",
            "the published ensemble: APGD-CE, APGD-DLR targeted, FAB targeted, Square; 100 steps, 5,000 queries",
            (EPS, NORM),
            positional="eps",
            reference=_ENSEMBLE,
            grows_with=None,  # too slow for the contract tests
            parts=AUTOATTACK,
        ),
        LibraryRow(
            "fab",
            f"{_ROOM}.fab:fab",
            "steps to the decision boundary, one wrong class after the other; by torchattacks",
            (
                EPS,
                NORM,
                Parameter("targets", 9, "wrong classes to go for, most likely first", "integer", low=1),
                Parameter("steps", 100, "steps for each class", "integer", low=1),
            ),
            positional="eps",
            reference="Croce & Hein, Fast adaptive boundary attack, ICML 2020",
            grows_with=None,  # it looks for the smallest distance, whatever eps
            grid=("fab(eps=0.02, targets=1, steps=2)", "fab(eps=0.5, norm=l2, targets=1, steps=2)"),
        ),
        AttackRow(
            "fgsm",
            f"{_ROOM}.fgsm:fgsm",
            "one step along the sign of the gradient",
            (EPS,),
            positional="eps",
            reference="Goodfellow et al., Explaining and Harnessing Adversarial Examples, ICLR 2015",
            grid=("fgsm(eps=0.02)",),
            one_step=True,
        ),
        PgdRow(
            "pgd",
            f"{_ROOM}.pgd:pgd",
            "gradient steps of fixed length, projected",
            (
                EPS,
                NORM,
                Parameter("steps", 20, "gradient steps from each start", "integer", low=1),
                Parameter("alpha", None, "length of a step, pixels; none is 2.5·eps/steps", low=0, optional=True),
                _RESTARTS,
                Parameter("random_start", True, "start anywhere in the ball, else at the image", "flag"),
                Parameter("iterate", "worst", "which image counts", "word", choices=("worst", "last")),
            ),
            positional="eps",
            reference="Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018",
            grid=("pgd(eps=0.02, steps=3)", "pgd(eps=0.5, norm=l2, steps=3)"),
        ),
        AttackRow(
            "square",
            f"{_ROOM}.square:square",
            "random squares that are kept where they help; needs no gradient",
            (
                EPS,
                NORM,
                Parameter("queries", 5000, "images shown to the model, at most", "integer", low=1),
                Parameter(
                    "schedule",
                    None,
                    "queries over which squares get smaller; none is queries",
                    "integer",
                    low=1,
                    optional=True,
                ),
            ),
            positional="eps",
            reference="Andriushchenko et al., Square Attack, ECCV 2020",
            grid=("square(eps=0.02, queries=20)", "square(eps=0.5, norm=l2, queries=20)"),
            knowledge="black-box",
        ),
        TorchattacksRow(
            "torchattacks",
            f"{_ROOM}.package:torchattacks",
            "any attack of the library torchattacks, with its keywords, such as steps",
            (
                Parameter("name", REQUIRED, "name in the library, such as BIM", "word"),
                Parameter(
                    "eps", None, "largest distance, pixels in [0,1], if the attack keeps to one", low=0, optional=True
                ),
                Parameter(
                    "norm",
                    None,
                    "if the attack has a choice; none is its first",
                    "word",
                    choices=("linf", "l2"),
                    optional=True,
                ),
                Parameter("batch", 1, "images attacked together; above 1 they share their draws", "integer", low=1),
            ),
            positional="name",
            reference="Kim, Torchattacks: A PyTorch repository for adversarial attacks, 2020",
            grid=(
                "torchattacks(name=FGSM, eps=0.02)",
                "torchattacks(name=PGD, eps=0.02, steps=2)",
                "torchattacks(name=DeepFool, steps=2)",
            ),
        ),
    ),
)
"""Attacks that `worst`, `min_eps` and `transfer` take, too."""

_COMPOSITES: tuple[PerturbationRow, ...] = (
    MinEpsRow(
        "min_eps",
        f"{_ROOM}.min_eps:min_eps",
        "the smallest eps of a grid at which an attack leads the model astray, for each image",
        (
            Parameter("attack", REQUIRED, "an attack without its eps, such as pgd(steps=40)", "spec"),
            Parameter("grid", REQUIRED, "increasing eps values, pixels in [0,1]", "numbers", low=0),
        ),
        attacks=ATTACKS,
        grid=("min_eps(attack=pgd(steps=3), grid=[0.01, 0.03])",),
    ),
    TransferRow(
        "transfer",
        f"{_ROOM}.transfer:transfer",
        "an attack on one model, its images shown to another",
        (
            Parameter("attack", REQUIRED, "an attack, such as pgd(eps=4/255)", "spec"),
            Parameter("source", REQUIRED, "model that is attacked", "spec"),
        ),
        attacks=ATTACKS,
        family="transfer",
    ),
    WorstRow(
        "worst",
        f"{_ROOM}.worst:worst",
        "the worst of several attacks on each image; each attacks what the former ones left",
        (Parameter("attacks", REQUIRED, "attacks with the same norm and eps, in this order", "specs"),),
        positional="attacks",
        attacks=ATTACKS,
        grid=("worst([fgsm(eps=0.02), square(eps=0.02, queries=20)])",),
    ),
)

ATTACK_ROWS: tuple[PerturbationRow, ...] = (*ATTACKS.builtin, *_COMPOSITES)
"""All rows of the adversarial family."""
