"""The pages of galleries and of failures: one HTML file each that needs no other file and no network."""

import base64
import io
from collections.abc import Mapping, Sequence
from math import isinf, isnan
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from robustbench_vit.errors import SpecError
from robustbench_vit.leaderboard.html import environment, style
from robustbench_vit.preview.failures import Failure, Failures
from robustbench_vit.preview.gallery import Room, Strip
from robustbench_vit.preview.pictures import Picture, Shot
from robustbench_vit.spec import format_value, parse

_FOLDER = Path(__file__).parent
_LEAST = 128
"""Small images are magnified by a whole number until they are about this many pixels wide."""

_THUMBNAIL = 112
"""Longest side of an image in the table of failures, in pixels; larger ones are reduced."""

_MOST_TAKEN_FOR = 3


def gallery_page(title: str, rooms: Sequence[Room], facts: Mapping[str, str]) -> str:
    """Render a gallery.

    Args:
        title: Names of the suites.
        rooms: What there is to show.
        facts: What pixels depend on: the seed, the model.

    Returns:
        HTML. All text from users is escaped, and its content security policy forbids any request.
    """
    return _render("gallery", title=title, facts=facts, rooms=[_room(room) for room in rooms])


def failures_page(title: str, found: Sequence[Failures], facts: Mapping[str, str]) -> str:
    """Render the first failures; the same promises.

    Args:
        title: Names of the suites.
        found: Failures by model and course.
        facts: Where rows and images come from.
    """
    parts = [_course(one) for one in found if one.first]
    classes = sorted({failure.label for one in found for failure in one.first})
    without = [one.found.course for one in found if not one.first]
    return _render("failures", title=title, facts=facts, parts=parts, classes=classes, without=without)


def data_uri(pixels: NDArray[np.uint8], longest: int | None = None) -> str:
    """An image as text: PNG with exactly these H×W×3 uint8 pixels, or a smaller WebP where it is longer than asked."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    if longest is None or max(image.size) <= longest:
        image.save(file, format="PNG", optimize=True)
        kind = "png"
    else:
        image.thumbnail((longest, longest))
        image.save(file, format="WEBP", quality=85)
        kind = "webp"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _render(name: str, **values: Any) -> str:
    made = environment(_FOLDER)
    made.filters["first_name"] = _first_name
    own = {"style": style(_FOLDER / "preview.css"), "script": (_FOLDER / f"{name}.js").read_text(encoding="utf-8")}
    trusted = {what: Markup(text) for what, text in own.items()}  # noqa: S704 - files of this package
    return made.get_template(f"{name}.html.jinja").render(**trusted, **values)


def _first_name(text: str) -> str:
    """A class of ImageNet by the first of its names."""
    return text.partition(",")[0]


def _room(room: Room) -> dict[str, Any]:
    families = [
        {
            "name": family.name,
            "strips": [_strip(strip) for strip in family.strips],
            "missing": family.missing,
        }
        for family in room.families
    ]
    return {
        "data": room.data,
        "geometry": room.geometry,
        "clean": [_picture(picture, "as it is") for picture in room.clean],
        "families": families,
        "missing": room.missing,
    }


def _strip(strip: Strip) -> dict[str, Any]:
    return {"name": strip.name, "axis": strip.axis, "shots": [_shot(shot, strip.name) for shot in strip.shots]}


def _shot(shot: Shot, curve: str) -> dict[str, Any]:
    return {
        "case": shot.record.case,
        "geometry": shot.record.geometry,
        "place": place(shot.record.case, curve),
        "pictures": [_picture(picture, shot.record.case) for picture in shot.pictures],
    }


def place(case: str, curve: str) -> str:
    """What a case says that its curve leaves open, such as ``ratio=0.5``; empty if that is a default."""
    try:
        whole, common = parse(case), parse(curve)
    except SpecError:  # whatever a plugin calls a case
        return ""
    own = {name: value for name, value in whole.args.items() if name not in common.args}
    words = [format_value(value) for value in whole.positional[len(common.positional) :]]
    return ", ".join([*words, *(f"{name}={format_value(value)}" for name, value in own.items())])


def _picture(picture: Picture, what: str) -> dict[str, Any]:
    return {
        **_image(picture.pixels),
        "alt": f"{what}: {picture.label}, {picture.id}",
        "id": picture.id,
        "position": picture.position,
        "label": picture.label,
        "figures": [f"{name} {_figure(value)}" for name, value in picture.figures.items() if _is_known(value)],
        "said": picture.said,
        "right": picture.said == picture.label,
        "confidence": f"{100 * picture.confidence:.0f}\u202f%",
    }


def _image(pixels: NDArray[np.uint8], longest: int | None = None) -> dict[str, Any]:
    """An image with the size it is shown at."""
    sides = pixels.shape[:2]
    if longest and max(sides) > longest:
        height, width = (round(side * longest / max(sides)) for side in sides)
        return {"source": data_uri(pixels, longest), "width": width, "height": height, "magnified": False}
    times = max(1, round((longest or _LEAST) / max(sides)))
    height, width = (times * side for side in sides)
    return {"source": data_uri(pixels), "width": width, "height": height, "magnified": times > 1}


def _is_known(value: float | str) -> bool:
    return isinstance(value, str) or not isnan(value)


def _figure(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return "∞" if isinf(value) else f"{value:.3g}"


def _course(found: Failures) -> dict[str, Any]:
    numbers, course = found.found, found.found.course
    places = [place(case.case, course.name) or (case.case if course.axis else "") for case in course.points]
    taken = [(found.classes[label], count) for label, count in numbers.taken_for[:_MOST_TAKEN_FOR]]
    return {
        "model": course.clean.model,
        "course": course.name,
        "axis": course.axis,
        "data": course.clean.data,
        "seed": course.clean.seed,
        "n": numbers.n,
        "right": numbers.right,
        "never": numbers.right - sum(numbers.at),
        "at": list(zip(places, numbers.at, strict=True)),
        "taken": taken,
        "failures": [_failure(failure, found, places) for failure in found.first],
    }


def _failure(failure: Failure, found: Failures, places: Sequence[str]) -> dict[str, Any]:
    flip = failure.flip
    trail = list(zip(places, flip.right, strict=True))
    return {
        "id": flip.id,
        "position": flip.position,
        "label": failure.label,
        "pred": failure.pred,
        "confidence": f"{100 * flip.confidence:.0f}\u202f%",
        "case": found.found.course.points[flip.point].case,
        "place": places[flip.point],
        "trail": trail,
        "spoken": ", ".join(f"{at} {'right' if right else 'wrong'}".strip() for at, right in trail),
        "before": _image(failure.before, _THUMBNAIL),
        "after": None if failure.after is None else _image(failure.after, _THUMBNAIL),
        "reason": failure.reason,
    }
