"""A results folder without rows, to give along: what was planned and scored, of which models, in which runs."""

from pathlib import Path

from robustbench_vit.aggregates.scored_files import scored_files
from robustbench_vit.errors import StoreError
from robustbench_vit.merging.facts import write_facts
from robustbench_vit.store import Store


def publish(folder: Path, out: Path) -> int:
    """Write the scores of a results folder as a folder of its own, in a tenth of the space or less.

    It can be reported, compared, gated, exported and merged like the folder itself. Nobody can compute another metric
    from it, or see which image was taken for what where there are more than 32 classes.

    Args:
        folder: The results folder. What is new in it is scored first.
        out: Where to write.

    Returns:
        How many models it has.

    Raises:
        StoreError: If there are no results, ``out`` holds some already, or a file cannot be read or written.
    """
    store, target = Store(folder), Store(out)
    plan = store.planned()
    if target.is_run:
        raise StoreError(f"{out} holds results already; choose a new folder, and put folders together with merge")
    files = scored_files(store, plan)
    for model, scores in files.items():
        scores.write(target.scored_file(model))
    write_facts([folder], out)
    target.record(plan)
    return len(files)
