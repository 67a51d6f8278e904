"""The first flip along a curve, against rows made by hand."""

import numpy as np
import pandas as pd
import pytest
from fake_runs import attack, broken, curve_plan, planned, predictions

from robustbench_vit.errors import StoreError
from robustbench_vit.preview.flips import Flip, courses, flips
from robustbench_vit.records import Sweep


def rows(*decisions, sure=0.9):
    """Rows of three classes whose labels are all 0."""
    p = np.full((len(decisions), 3), (1 - sure) / 2)
    p[np.arange(len(decisions)), decisions] = sure
    return predictions(p, [0] * len(decisions))


def course():
    """A curve at 0.5 and 1."""
    (found,) = courses(curve_plan())
    return found


def followed(clean, half, whole, most=10):
    """What flips along that curve."""
    tables = dict(zip(curve_plan(), (clean, half, whole), strict=True))
    return flips(course(), tables.__getitem__, most)


def test_first_flips():
    """Right as it is, wrong soonest; the third image is wrong at once, the second only later, the first never."""
    found = followed(rows(0, 0, 0, 1), rows(0, 0, 2, 0), rows(0, 1, 0, 0))

    assert [
        Flip("val/00002", 2, 0, 2, pytest.approx(0.9), 0, (False, True)),
        Flip("val/00001", 1, 0, 1, pytest.approx(0.9), 1, (True, False)),
    ] == list(found.first)


def test_counts():
    """How many images there are, are right, and flip at each point, and what they are taken for."""
    found = followed(rows(0, 0, 0, 0, 1), rows(0, 2, 2, 0, 1), rows(0, 1, 1, 1, 0))

    assert (5, 4, (2, 1)) == (found.n, found.right, found.at)
    assert ((2, 2), (1, 1)) == found.taken_for


def test_most_confident_mistake_first():
    """Of images that flip at the same point."""
    half = pd.concat([rows(1, sure=0.5), rows(1, sure=0.8), rows(1, sure=0.6)], ignore_index=True)
    half = half.assign(id=[f"val/{index:05d}" for index in range(3)], position=range(3))

    assert [1, 2, 0] == [flip.position for flip in followed(rows(0, 0, 0), half, half).first]


def test_order_of_rows_is_nothing():
    """Rows come sorted by id, images by position; the same images meet whatever the order."""
    clean, half, whole = rows(0, 0, 0), rows(0, 2, 0), rows(1, 1, 0)

    assert followed(clean, half, whole) == followed(clean[::-1], half, whole.sample(frac=1, random_state=0))


def test_images_in_common():
    """A case with a limit of its own leaves the images that it has."""
    found = followed(rows(0, 0, 0), rows(0, 1), rows(1, 1, 1))

    assert (2, (1, 1)) == (found.n, found.at)


def test_nothing_flips():
    """No image, no error."""
    found = followed(rows(0, 1), rows(0, 0), rows(0, 0))

    assert ((), (0, 0), ()) == (found.first, found.at, found.taken_for)


def test_nothing_is_right():
    """A model that is always wrong has nothing to lose."""
    assert (0, ()) == ((found := followed(rows(1), rows(1), rows(1))).right, found.first)


def test_most():
    """No more than asked for, while the counts speak of all."""
    found = followed(rows(0, 0, 0), rows(1, 1, 1), rows(1, 1, 1), most=2)

    assert (2, (3, 0)) == (len(found.first), found.at)


def test_away_from_clean():
    """Where the clean image lies at the far end of the axis, the curve is followed from there."""
    points = [planned(f"fade({at})", sweep=Sweep("fade", "light", at, 1.0)) for at in (0.2, 0.8, 0.5)]
    (found,) = courses([planned(), *points])

    assert (0.8, 0.5, 0.2) == found.places


def test_lone_case():
    """A case on no curve is a course of its own, and an attack counts as soon as it ever succeeded."""
    clean, attacked = planned(), attack()
    (found,) = courses([clean, attacked])
    tables = {clean: rows(0, 0), attacked: broken("none pgd")}

    assert "pgd(eps=0.1)" == found.name
    assert [1] == [flip.position for flip in flips(found, tables.__getitem__, 5).first]


def test_no_clean_case():
    """Nobody knows what flipped where nobody looked before."""
    assert [] == list(courses(curve_plan()[1:]))


def test_missing_column():
    """Named, with its case."""
    with pytest.raises(StoreError, match=r"rows of clean on zoo:a lack pred, confidence"):
        followed(rows(0).drop(columns=["pred", "confidence"]), rows(0), rows(0))
