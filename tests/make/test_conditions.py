"""What conditions are called in a made set, and what cannot be one."""

import pytest

from robustbench_vit.errors import CaseError, SpecError
from robustbench_vit.make.conditions import chosen, named
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.suite import Case


def places(*specs):
    """Corruption and severity of each perturbation, in the order of the set."""
    return [(c.corruption, c.severity) for c in named([Perturbation.bind(spec) for spec in specs])]


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("clean", ("clean", "")),
        ("patchdrop(0.5)", ("patchdrop", "0.5")),
        ("patchdrop(region=salient, ratio=0.50)", ("patchdrop-region-salient", "0.5")),
        ("patchdrop(1/3)", ("patchdrop", "0.333333")),
        ("patchdrop(ratio=1, region=background, by=mass)", ("patchdrop-by-mass-region-background", "1")),
        ("fourier_noise(0.3, rms=0.2)", ("fourier_noise-rms-0.2", "0.3")),
        ("shuffle(4)", ("shuffle", "4")),
        ("shuffle([14, 14])", ("shuffle", "7.61471")),
        ("fog(3)", ("fog", "3")),
        ("fog(3, variant=cifar_c)", ("fog", "3")),
    ],
)
def test_names(spec, place):
    """The curve and the place on its axis; common corruptions keep their published names."""
    assert [place] == places(spec)


def test_two_variants_of_a_corruption_are_told_apart():
    """A published name belongs to one of them only."""
    assert [("fog", "1"), ("fog-variant-cifar_c", "1")] == places("fog(1)", "fog(1, variant=cifar_c)")


def test_order():
    """Corruptions as they come, severities as they grow."""
    specs = ["patchdrop(0.9)", "clean", "shuffle(4)", "patchdrop(0.25)"]

    assert [("patchdrop", "0.25"), ("patchdrop", "0.9"), ("clean", ""), ("shuffle", "4")] == places(*specs)


def test_one_place_for_two():
    """Both are named."""
    with pytest.raises(SpecError, match=r"shuffle\(.*\[2, 4\]\) and shuffle\(.*\[4, 2\]\) would both be .* shuffle/3;"):
        places("shuffle([2, 4])", "shuffle([4, 2])")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("patchdrop(0.5, region=salient, saliency=gradient)", "it depends on the evaluated model; choose saliency=s"),
        ("fourier_noise(0.3, compat=hvw)", "it works in the normalisation of the evaluated model"),
        ("stored(fog, severity=1)", "it names images that are stored already"),
    ],
)
def test_what_cannot_be_stored(spec, reason):
    """The case and why."""
    with pytest.raises(CaseError, match=f"cannot be stored: {reason}"):
        chosen([Case(spec)], print)


def test_cases_with_data_of_their_own_are_left_out():
    """And said to be; the same case twice comes once, optional only if all say so."""
    said = []
    cases = [
        Case("clean", geometry="native"),
        Case("clean", data="other"),
        Case("shuffle(4)", tags=("optional",)),
        Case("shuffle(4)"),
        Case("shuffle(7)", tags=("optional",)),
    ]

    found = chosen(cases, said.append)

    assert [False, True] == list(found.values())
    assert ["clean: left out, it has data, geometry or labels of its own"] * 2 == said
