"""The page's numbers beside torch's, to the last digit."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.explain import Layer, trace
from manualconv.explain.tracing.passes import keys_of
from manualconv.explain.tracing.words import number, pass_line, torch_line


def faults_of_numbers(layer: Layer, state: dict[str, Any]) -> list[str]:
    """Passes that are missing, that torch computes otherwise, or whose lines in PyTorch are others than ours."""
    if state["error"]:
        return [f"refused: {state['error']}"]
    operands = {letter: _tensor(found) for letter, found in state["operands"].items()}
    expected, faults = by_torch(layer, operands), []
    if state["line"] != torch_line(layer):
        faults.append(f"the page says {state['line']}, where it is {torch_line(layer)}")
    if list(state["passes"]) != list(keys_of(layer)):
        faults.append(f"the page has the passes {list(state['passes'])}")
    for key, found in state["passes"].items():
        shown, ours = _tensor(found), trace(layer, key, operands)
        if found["line"] != pass_line(layer, key):
            faults.append(f"{key}: the page says {found['line']}")
        if not torch.equal(shown, expected[key]):
            faults.append(f"{key}: the page has {shown.flatten().tolist()}, torch {expected[key].flatten().tolist()}")
        if found["steps"] != len(ours.steps):
            faults.append(f"{key}: {found['steps']} steps, where the trace has {len(ours.steps)}")
    return faults


def faults_of_cards(shown: dict[str, list[str]], state: dict[str, Any]) -> list[str]:
    """Cards that do not show, behind the last step, what the page's program has computed."""
    return [
        f"{key}: the card shows {cells}, where {wanted} is computed"
        for key, cells in shown.items()
        for wanted in [[number(value) for value in state["passes"][key]["values"]]]
        if cells != wanted
    ]


def _tensor(found: dict[str, Any]) -> Tensor:
    return torch.tensor(found["values"], dtype=torch.float64).reshape(found["size"])


def by_torch(layer: Layer, operands: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every pass, by the lines that tell how PyTorch computes it.

    Average pooling is linear: of D times the operands it is whole, and the quotient by D is rounded once.
    """
    over = layer.window.taps if layer.kind == "avg_pool" else 1
    names: dict[str, Any] = {"F": F, "torch": torch}
    names |= {letter: (tensor * over).requires_grad_() for letter, tensor in operands.items()}
    exec(torch_line(layer), names)
    found = {}
    for key in keys_of(layer):
        line = pass_line(layer, key)
        exec(line, names)
        letter = line.split(" = ")[0].strip("(),")
        found[key] = names[letter].detach() / over
    return found
