"""Fixtures of all rooms: real images beside the repository, and small fakes of published data sets."""

import gzip
import pickle
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import live_oracle
import numpy as np
import pytest
from PIL import Image

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images in ``shared/data`` beside the repository; tests that need them are skipped elsewhere."""
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared" / "data").is_dir():
            return parent / "shared" / "data"
    pytest.skip("no shared/data beside the repository")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests against the original corruption program, live, are skipped where its old requirements are not met."""
    if item.get_closest_marker("oracle") and not live_oracle.available():
        pytest.skip("needs imagecorruptions with its old requirements: tox run -e oracle")


class FakeData:
    """Writes tiny data sets in their published layouts; pixels depend on names only."""

    @staticmethod
    def pixels(name: str, *shape: int) -> np.ndarray:
        """Random bytes that are the same for the same name."""
        return np.random.default_rng(zlib.crc32(name.encode())).integers(0, 256, shape, np.uint8)

    @staticmethod
    def folder(
        root: Path, classes: Mapping[str, int], *, suffix: str = ".png", masks: Path | None = None, of: str = ""
    ) -> Path:
        """``<root>/<class>/<i><suffix>``, i from 0, 10×12 pixels of the name `of`; masks cover the left half."""
        for name, count in classes.items():
            for index in range(count):
                stem = f"{name}/{name}-{index}"
                file = (root / stem).with_suffix(suffix)
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(FakeData.pixels(f"{of}{stem}", 10, 12, 3)).save(file)
                if masks is not None:
                    mask = (masks / stem).with_suffix(".png")
                    mask.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(np.tile(np.repeat(np.uint8([255, 0]), 6), (10, 1))).save(mask)
        return root

    @staticmethod
    def pictures(root: Path, stems: Sequence[str], suffix: str = ".png") -> Path:
        """``<root>/<stem><suffix>``, 10×12 pixels of the stem."""
        for stem in stems:
            file = root / f"{stem}{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(FakeData.pixels(stem, 10, 12, 3)).save(file)
        return root

    @staticmethod
    def fashion_mnist(folder: Path, n: int = 20) -> Path:
        """The four gzipped IDX files, labels 0 … 9 in turn."""
        folder.mkdir(parents=True, exist_ok=True)
        for prefix in ("t10k", "train"):
            images = FakeData.pixels(prefix, n, 28, 28)
            header = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes()
            (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes(), mtime=0))
            labels = (np.arange(n) % 10).astype(np.uint8)
            header = b"\0\0\x08\x01" + np.array([n], ">u4").tobytes()
            (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels.tobytes(), mtime=0))
        return folder

    @staticmethod
    def cifar(root: Path, classes: int, n: int = 20) -> Path:
        """The python version of CIFAR-10 or CIFAR-100, labels in turn."""
        folder = root / {10: "cifar-10-batches-py", 100: "cifar-100-python"}[classes]
        folder.mkdir(parents=True)
        small = classes == 10
        files = ["test_batch", *(f"data_batch_{k}" for k in range(1, 6))] if small else ["test", "train"]
        for name in files:
            labels = [index % classes for index in range(n)]
            content = {"data": FakeData.pixels(name, n, 3072), "labels" if small else "fine_labels": labels}
            (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        names = {"label_names" if small else "fine_label_names": [f"class {k}" for k in range(classes)]}
        (folder / ("batches.meta" if small else "meta")).write_bytes(pickle.dumps(names, protocol=2))
        return root

    @staticmethod
    def cifar_c(root: Path, classes: int, n: int = 20, corruptions: Sequence[str] = ("fog", "snow")) -> Path:
        """Arrays of CIFAR-10-C or CIFAR-100-C: n images at each of five severities, labels in turn."""
        folder = root / {10: "CIFAR-10-C", 100: "CIFAR-100-C"}[classes]
        folder.mkdir(parents=True)
        np.save(folder / "labels.npy", np.tile(np.arange(n, dtype=np.uint8) % classes, 5))
        for corruption in corruptions:
            np.save(folder / f"{corruption}.npy", FakeData.pixels(corruption, 5 * n, 32, 32, 3))
        return root

    @staticmethod
    def folder_c(
        root: Path,
        classes: Mapping[str, int],
        conditions: Sequence[str] = ("fog/1", "fog/2", "snow/1"),
        *,
        suffix: str = ".png",
    ) -> Path:
        """``<root>/<condition>/<class>/<i><suffix>``; a condition is ``[<group>/]<corruption>/<severity>``."""
        for condition in conditions:
            FakeData.folder(root / condition, classes, suffix=suffix, of=condition)
        return root


@pytest.fixture
def fake_data() -> type[FakeData]:
    """Writers of tiny data sets."""
    return FakeData
