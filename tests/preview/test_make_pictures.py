"""The strip of the README can be made again."""

import importlib.util
from pathlib import Path

from PIL import Image

FILE = Path(__file__).parents[2] / "docs" / "make_pictures.py"


def test_strip(tmp_path):
    """The same bytes each time, few enough for a README, of the size of the one that is committed."""
    spec = importlib.util.spec_from_file_location("make_pictures", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    module.strip(one)
    module.strip(two)

    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size < 150_000
    with Image.open(one) as made, Image.open(FILE.parent / "images" / "strip.png") as committed:
        assert committed.size == made.size
