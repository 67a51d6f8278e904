"""Files: what the digest of a data set notices."""

from pathlib import Path

import pytest

from robustbench_vit.data.files import FileDataset, Sample, pictures
from robustbench_vit.errors import DataError


def dataset(*samples: Sample) -> FileDataset:
    """Two classes."""
    return FileDataset(name="files", samples=samples, classes=["a", "b"], label_space="files-2")


def write(file: Path, content: bytes) -> Path:
    """A file that need be no picture, as digests decode nothing."""
    file.write_bytes(content)
    return file


def test_digest_notices_edges_size_label_and_id(tmp_path: Path) -> None:
    """A change of size, of the first or last 4 KiB, of label or id changes the digest."""
    content = bytes(range(256)) * 64
    file = write(tmp_path / "a.png", content)
    variants = [
        content,
        content + b"x",
        b"x" + content[1:],
        content[:-1] + b"x",
        content[:4095] + b"x" + content[4096:],
        content[:-4096] + b"x" + content[-4095:],
    ]
    digests = [dataset(Sample("a", write(file, variant), 0)).digest for variant in variants]
    digests += [dataset(Sample("a", write(file, content), 1)).digest, dataset(Sample("b", file, 0)).digest]

    assert len(digests) == len(set(digests))
    assert digests[0] == dataset(Sample("a", file, 0)).digest


def test_digest_reads_edges_only(tmp_path: Path) -> None:
    """The middle of a large file is not read: documented, and what makes ImageNet open quickly."""
    content = bytes(20000)
    first = dataset(Sample("a", write(tmp_path / "a.png", content), 0))
    second = dataset(Sample("a", write(tmp_path / "a.png", content[:9000] + b"x" + content[9001:]), 0))

    assert first.digest == second.digest


def test_digest_ignores_order(tmp_path: Path) -> None:
    """Listing order means nothing."""
    samples = [Sample(name, write(tmp_path / f"{name}.png", name.encode()), 0) for name in "abc"]

    assert dataset(*samples).digest == dataset(*reversed(samples)).digest


def test_unreadable(tmp_path: Path) -> None:
    """A dangling link is named."""
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")

    with pytest.raises(
        DataError, match=r"cannot read .*a\.png: No such file or directory; replace the file or remove it"
    ):
        dataset(Sample("a", tmp_path / "a.png", 0))


def test_one_id_twice(tmp_path: Path) -> None:
    """Both files of an id are named."""
    with pytest.raises(DataError, match=r"sample id 'a' comes twice: .*x/a.png and .*y/a.png; rename"):
        dataset(Sample("a", tmp_path / "x" / "a.png", 0), Sample("a", tmp_path / "y" / "a.png", 1))


def test_pictures(tmp_path: Path) -> None:
    """Endings are known in upper and lower case, inner dots stay, links to folders are followed."""
    (tmp_path / "real").mkdir()
    for name in ("b.JPEG", "a.v2.Png", "c.txt", ".hidden.png"):
        (tmp_path / "real" / name).touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "real")

    assert ["link/a.v2", "link/b"] == list(pictures(tmp_path / "root"))
