"""``python -m tests.capabilities``: prove every cell and write cells and page; with rows named, theirs alone."""

import sys

from tests.capabilities.document import main

main(sys.argv[1:])
