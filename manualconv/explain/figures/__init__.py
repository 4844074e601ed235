"""The article's figures, drawn from code: each is a function that computes its numbers and returns a `Figure`.

They are drawn on a `sheet`, which has cells and colours; `lettered` is the matrix of figure 9 and its letters.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; the numbers are its figures' numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name

from manualconv.explain.figure import Figure
from manualconv.explain.names import known

#: By name, the number in the article, the function below `manualconv.explain`, and what it shows.
FIGURES = {
    "image": (2, "figures.images:image", "an image is a grid of numbers"),
    "placement": (3, "figures.placements:placement", "one placement of a kernel, and all of them"),
    "gallery": (4, "figures.images:filter_gallery", "what four filters find in a picture"),
    "influence": (5, "figures.placements:influence", "how many outputs each pixel reaches"),
    "stride": (6, "figures.placements:stride", "strided convolution, and what it leaves unread"),
    "volumes": (7, "figures.volumes:volumes", "convolution over volumes"),
    "dimensions": (8, "figures.volumes:dimensions", "the tensors of a layer and of its gradients"),
    "connections": (9, "figures.connections:connections", "sparse connections and shared weights"),
    "toeplitz": (9, "worked.matrix:toeplitz_matrix", "the same as a matrix"),
    "passes": (10, "figures.passes:passes", "the passes of a layer, forward and backward"),
    "full": (11, "figures.passes:full", "the input gradient as a full convolution"),
    "max-pooling": (12, "figures.pooling:max_pooling", "max pooling"),
    "mask": (13, "figures.pooling:mask", "max pooling backward: the mask"),
}


def drawing(name: str) -> Callable[..., Figure]:
    """The function of a figure.

    Raises:
        ValueError: there is no such figure; the nearest ones are named.
    """
    _, function, _ = FIGURES[known(name, FIGURES, "figure")]
    found: Callable[..., Figure] = resolve_name(f"manualconv.explain.{function}")
    return found


def article_figure(name: str) -> Figure:
    """One of the article's figures with the article's numbers.

    Args:
        name: ``image``, ``placement``, ``gallery``, ``influence``, ``stride``, ``volumes``, ``dimensions``,
            ``connections``, ``toeplitz``, ``passes``, ``full``, ``max-pooling`` or ``mask``.

    Returns:
        A `Figure` with words and a picture, whose file is named after the number in the article.

    Raises:
        ValueError: there is no such figure; the nearest ones are named.

    Example:
        >>> list(article_figure("stride").files)
        ['06-stride.png']
    """
    return drawing(name)()
