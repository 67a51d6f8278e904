"""The leaderboard: tables and a page from measurements. Nothing here measures, and nothing here needs torch."""

from robustbench_vit.leaderboard.board import Board
from robustbench_vit.leaderboard.columns import Column
from robustbench_vit.leaderboard.facts import Facts
from robustbench_vit.leaderboard.files import write
from robustbench_vit.leaderboard.sections import summary_columns
from robustbench_vit.leaderboard.terminal import tables

__all__ = ["Board", "Column", "Facts", "summary_columns", "tables", "write"]
