"""The page to explore a layer on: one file, no address in it, which traces by itself what is set on it.

Its parts lie beside this file in ``page/``: ``trace.js`` is the trace core once more, so that every number can be
changed on the page; tests/browser compares all that it computes with torch.  The page opens with the layer and the
numbers that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from manualconv.explain.text import by
from manualconv.explain.tracing.layer import Layer, X

if TYPE_CHECKING:
    from torch import Tensor

#: The passes that stand beside each other when a page opens.
SHOWN = ("forward", "input", "weight")
#: What each comment of ``page.html`` stands for.
PARTS = {"STYLE": "style.css", "TRACE": "trace.js", "WORDS": "words.js", "CARD": "card.js", "PAGE": "page.js"}


def page(layer: Layer, operands: Mapping[str, Tensor], passes: Sequence[str] = SHOWN) -> bytes:
    """The page, on which everything can be changed.

    Args:
        layer: what it opens with.
        operands: the tensors of `layer` by letter; of a batch the first sample.
        passes: keys of the passes that are shown first.

    Returns:
        HTML in UTF-8.
    """
    numbers = {
        letter: (tensor if letter in ("w", "v", "b") else tensor[:1]).flatten().tolist()
        for letter, tensor in operands.items()
    }
    start = json.dumps({"layer": fields(layer), "numbers": numbers, "passes": list(passes)})
    html = _part("page.html").replace("START", start.replace("</", "<\\/"))
    for name, file in PARTS.items():
        html = html.replace(f"/* {name} */", _part(file))
    return html.encode()


def fields(layer: Layer) -> dict[str, str | bool]:
    """What stands in the page's fields, and what the command line is told."""
    window = layer.window
    inputs, outputs = (layer.channels, layer.filters) if layer.source == X else (layer.filters, layer.channels)
    return {
        "kind": layer.kind,
        "input": by(window.input_size if layer.source == X else window.output_size),
        "kernel": by(window.kernel_size),
        "stride": by(window.stride),
        "padding": "x".join(str(a) if a == b else f"{a}:{b}" for a, b in window.padding),
        "dilation": by(window.dilation),
        "channels": str(inputs),
        "filters": str(1 if layer.is_pool else outputs),
        "groups": str(1 if layer.is_pool else window.groups),
        "seed": "0",
        "flip": layer.flip,
    }


def _part(name: str) -> str:
    return (resources.files("manualconv.explain.animation") / "page" / name).read_text(encoding="utf-8")
