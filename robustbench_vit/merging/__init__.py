"""Results folders of several people as one: rows, scores without rows, plans and facts."""

from robustbench_vit.merging.merge import Merged, merge

__all__ = ["Merged", "merge"]
