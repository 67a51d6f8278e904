"""The leaderboard: tables and a page from measurements. Nothing here measures, and nothing here needs torch."""

from robustbench_vit.leaderboard.files import write
from robustbench_vit.leaderboard.sections import Facts
from robustbench_vit.leaderboard.terminal import tables

__all__ = ["Facts", "tables", "write"]
