"""``python -m manualconv``: the command line."""

import sys

from manualconv.cli import main

if __name__ == "__main__":
    sys.exit(main())
