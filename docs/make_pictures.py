"""The pictures of the README: ``python docs/make_pictures.py strip`` and ``… leaderboard STORE…``.

The strip needs nothing but this package. The screenshot needs playwright and Debian's chromium, and the results folders
of a run, for example that of ``robustbench-vit run quickstart``. Both at once: ``tox run -e pictures``.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import robustbench_vit as rb

FOLDER = Path(__file__).parent / "images"

POSITION = 1
"""The image of the strip: its place in the canonical order of shapetex."""

CASES = {
    "clean": "clean",
    "noise, low band": "fourier_noise(center=0.1, rms=0.15)",
    "noise, high band": "fourier_noise(center=0.9, rms=0.15)",
    "PatchDrop random": "patchdrop(region=random, ratio=0.5)",
    "… salient": "patchdrop(region=salient, ratio=0.5, saliency=mask)",
    "… background": "patchdrop(region=background, ratio=0.5, saliency=mask)",
    "shuffle 4 x 4": "shuffle(grid=4)",
    "Gaussian noise": "gaussian_noise(severity=3)",
    "defocus blur": "defocus_blur(severity=2)",
    "frost": "frost(severity=3)",
    "JPEG": "jpeg_compression(severity=5)",
}
"""Captions and specs of what needs no model; Pillow's own font knows few signs beyond ASCII."""

ATTACK, ATTACKED = "pgd(eps=4/255)", "zoo:vit_xs"
LOUDER = 16
"""How many times larger the change of the attack is shown than it is."""

COLUMNS, TIMES, GAP, CAPTION = 7, 3, 14, 34
GROUND, TEXT = "#fcfcfa", "#1d2329"


def strip(file: Path) -> None:
    """One embedded image under every family, as in a run with seed 0."""
    tiles = list(_tiles())
    side = TIMES * tiles[0][1].shape[-1]
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (side + GAP) + GAP, rows * (side + CAPTION + GAP) + GAP), GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=21)
    for index, (caption, pixels) in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        left, top = GAP + column * (side + GAP), GAP + row * (side + CAPTION + GAP)
        tile = Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((side, side), Image.Resampling.NEAREST)
        sheet.paste(tile, (left, top))
        draw.text((left, top + side + 5), caption, TEXT, font)
    _save(sheet, file)


def _tiles() -> Iterator[tuple[str, Tensor]]:
    """Captions and 3×H×W uint8 images."""
    data = rb.load_dataset("shapetex")
    block = data.batch(POSITION, POSITION + 1)
    for caption, spec in CASES.items():
        yield caption, rb.perturb(block.images, spec, ids=block.ids, mask=block.extra["mask"])[0]
    conflict = rb.load_dataset("shapetex(conflict)")
    alike = int((conflict.labels == block.labels[0]).nonzero()[0])
    yield "cue conflict", conflict.batch(alike, alike + 1).images[0]
    model = rb.load_model(ATTACKED)
    attacked = rb.perturb(block.images, ATTACK, ids=block.ids, model=model, labels=block.labels)
    seen = data.classes[int(model(attacked.float() / 255).argmax())]
    yield f'PGD: "{seen}"', attacked[0]
    change = (attacked.int() - block.images.int()) * LOUDER + 128
    yield f"its change, {LOUDER}-fold", change.clamp(0, 255).to(torch.uint8)[0]


def leaderboard(stores: Sequence[Path], file: Path) -> None:
    """The top of the page of these results folders, 1400×900, as Debian's chromium shows it."""
    from playwright.sync_api import sync_playwright

    from robustbench_vit.api import write_report

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_report(stores, Path(folder))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
        page.goto((Path(folder) / "leaderboard.html").as_uri())
        page.wait_for_load_state("networkidle")
        shot = Path(folder) / "shot.png"
        page.screenshot(path=shot)
        browser.close()
        _save(Image.open(shot).convert("RGB"), file)


def _save(image: Image.Image, file: Path) -> None:
    """Write a PNG of 256 colours: enough for a README, and a third of the bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    small = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    print(f"wrote {file} ({file.stat().st_size / 1e3:.0f} kB)")


def main() -> None:
    """Make what is asked for."""
    parser = argparse.ArgumentParser(description="Make the pictures of the README.")
    kinds = parser.add_subparsers(required=True, dest="kind", metavar="strip|leaderboard")
    kinds.add_parser("strip").add_argument("--out", type=Path, default=FOLDER / "strip.png")
    page = kinds.add_parser("leaderboard")
    page.add_argument("stores", nargs="+", type=Path, metavar="STORE", help="results folder of a run")
    page.add_argument("--out", type=Path, default=FOLDER / "leaderboard.png")
    options = parser.parse_args()
    if options.kind == "strip":
        strip(options.out)
    else:
        leaderboard(options.stores, options.out)


if __name__ == "__main__":
    main()
