"""``python -m tests.capabilities``: prove every cell and write docs/CAPABILITIES.md."""

from tests.capabilities.document import main

main()
