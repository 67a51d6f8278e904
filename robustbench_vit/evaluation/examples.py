"""Adversarial examples made on one model to be shown to others: made once, kept in the results folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from pyarrow import feather

from robustbench_vit.catalog import digest
from robustbench_vit.data.geometry import Geometry
from robustbench_vit.errors import StoreError
from robustbench_vit.evaluation.needs import Contexts
from robustbench_vit.labels import ReadOut
from robustbench_vit.models.image_model import ImageModel
from robustbench_vit.perturbations.perturbation import Perturbation
from robustbench_vit.store.files import write_atomically
from robustbench_vit.types import Batch, Pixels


@dataclass(frozen=True)
class Source:
    """A model under an attack whose images are shown to others.

    Args:
        name: Display form of the model.
        key: Folder of its results: its name and digest.
        load: Gives the model.
        attack: The attack.
        read_out: How the model's outputs become logits of the labels' classes.
        version: Of the engine.
    """

    name: str
    key: str
    load: Callable[[], ImageModel]
    attack: Perturbation
    read_out: ReadOut
    version: int

    @property
    def identity(self) -> str:
        """What decides the examples, beside images, labels and seed."""
        return f"{self.key} {self.attack.canonical} {(self.version, *self.attack.versions)} {self.read_out}"


@dataclass(frozen=True)
class Examples:
    """The examples in a results folder, float32 as they were made: eps may be less than one 8-bit step.

    Args:
        folder: Where they lie.
        seed: Seed of the run.
        device: Where they are made.
    """

    folder: Path
    seed: int
    device: torch.device

    def of(self, source: Source, block: Batch, data: str, geometry: Geometry, batch_size: int) -> Pixels:
        """The attack's images of a block: N×3×H×W float32 on the CPU, read from the folder or made now.

        Args:
            source: The attacked model, and how.
            block: The images.
            data: Digest of the data set.
            geometry: That of the block.
            batch_size: Images attacked together; no draw depends on it.

        Raises:
            CaseError: If the attack cannot be applied.
            StoreError: If the file cannot be read or written.
        """
        parts = (source.identity, data, str(geometry), str(self.seed), *block.ids)
        attack = source.attack.spec.name
        file = self.folder / source.key / f"{attack}-{digest(part.encode() for part in parts)[:24]}.arrow"
        if not file.exists():
            write_atomically(file, _writer(block.ids, self._made(source, block, batch_size)))
        return _read(file)

    def _made(self, source: Source, block: Batch, batch_size: int) -> Pixels:
        model = source.load()
        give_back = model.lend(self.device)
        try:
            return torch.cat(list(self._batches(source, model, block, batch_size)))
        finally:
            give_back()

    def _batches(self, source: Source, model: ImageModel, block: Batch, batch_size: int) -> Iterator[Pixels]:
        contexts = Contexts(block, model, self.device)
        for start in range(0, len(block), batch_size):
            images, ids = block.images[start : start + batch_size], block.ids[start : start + batch_size]
            images = images.to(self.device)
            context = contexts.of(source.attack, images, start, source.read_out)
            # An image that barely misleads the source misleads nobody else.
            context = replace(context, persist=True)
            yield source.attack(images, ids, seed=self.seed, context=context).images.cpu()


def _writer(ids: tuple[str, ...], images: Pixels) -> Callable[[Path], None]:
    """Writes images as rows of bytes beside their ids; most changes are ±eps, so they compress well."""
    rows = images.contiguous().numpy()
    size = rows[0].nbytes
    pixels = pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(rows), [None, pa.py_buffer(rows)])
    table = pa.table({"id": pa.array(ids, pa.string()), "pixels": pixels})
    table = table.replace_schema_metadata({"shape": "×".join(map(str, rows.shape[1:]))})
    return lambda path: feather.write_feather(table, path, compression="zstd")


def _read(file: Path) -> Pixels:
    try:
        table = feather.read_table(file, memory_map=False)
        shape = [int(side) for side in table.schema.metadata[b"shape"].decode().split("×")]
        rows = np.frombuffer(b"".join(table["pixels"].to_pylist()), np.float32).reshape(len(table), *shape)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise StoreError(f"cannot read {file}: {error}; delete this file and run the same command again") from error
    return torch.from_numpy(rows.copy())
