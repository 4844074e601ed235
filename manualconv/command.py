"""A sub-command of ``manualconv``: what every floor that has one hands to the command line.  No torch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """A sub-command: its line in ``--help``, its options, and what it does with them; the exit code comes back."""

    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
