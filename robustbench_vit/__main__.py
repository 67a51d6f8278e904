"""``python -m robustbench_vit`` is ``robustbench-vit``."""

import sys

from robustbench_vit.cli import main

if __name__ == "__main__":
    sys.exit(main())
