"""``manualconv summary``: what a network is made of."""

from __future__ import annotations

import argparse

from manualconv.command import Command
from manualconv.explain.commands import show
from manualconv.explain.commands.rf import add_model, input_size


def _run(options: argparse.Namespace) -> int:
    from manualconv.explain.networks.inventory import summary
    from manualconv.explain.networks.named import named

    return show(lambda: summary(named(options.model), input_size(options), options.channels))


COMMAND = Command("print a network's layers: output, parameters, multiply-adds, receptive field", add_model, _run)
