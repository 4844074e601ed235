"""The operations shown: pictures and animations of every pass, the sizes they give, what a unit of a network sees.

    commands    the command line: words become arguments, a `Figure` is printed and saved
    arithmetic  sizes of layers; every other room checks its sizes here
    tracing     a layer's passes as steps and products          animation   a trace as GIF, PNG and page
    figures     the article's figures, drawn on sheets          worked      layers on paper, with the code that ran
    field       what the units of a network see                 networks    tables and pictures of whole networks

`figure`, `text`, `printed`, `names` and `photograph` are shared by these rooms.

Each function returns a `Figure`, which prints as text and is saved as pictures or pages; nothing opens a window.  Names
are loaded when they are asked for, so that the command line's ``--help`` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manualconv.explain.animation.animate import animate as animate
    from manualconv.explain.arithmetic.calculator import arith as arith
    from manualconv.explain.figure import Figure as Figure
    from manualconv.explain.figures import article_figure as article_figure
    from manualconv.explain.figures.images import filter_gallery as filter_gallery
    from manualconv.explain.networks.inventory import summary as summary
    from manualconv.explain.networks.receptive import receptive_fields as receptive_fields
    from manualconv.explain.tracing.layer import Layer as Layer
    from manualconv.explain.tracing.layer import make as make
    from manualconv.explain.tracing.trace import trace as trace
    from manualconv.explain.worked import worked_example as worked_example
    from manualconv.explain.worked.matrix import toeplitz_matrix as toeplitz_matrix

#: Where each public name comes from; the imports above say the same to a type checker.
_FROM = {
    "animation.animate": ("animate",),
    "arithmetic.calculator": ("arith",),
    "figure": ("Figure",),
    "figures": ("article_figure",),
    "figures.images": ("filter_gallery",),
    "networks.inventory": ("summary",),
    "networks.receptive": ("receptive_fields",),
    "tracing.layer": ("Layer", "make"),
    "tracing.trace": ("trace",),
    "worked": ("worked_example",),
    "worked.matrix": ("toeplitz_matrix",),
}
__all__ = sorted(name for names in _FROM.values() for name in names)


def __getattr__(name: str) -> Any:
    for file, names in _FROM.items():
        if name in names:
            value = getattr(import_module(f"manualconv.explain.{file}"), name)
            globals()[name] = value
            return value
    from manualconv.missing import absent

    raise absent("manualconv.explain", name, "no public name", __all__, None)


def __dir__() -> list[str]:
    return __all__
