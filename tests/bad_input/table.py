"""Every bad call there is."""

from __future__ import annotations

from tests.bad_input import (
    adaptive_pooling,
    average_pooling,
    constructors,
    convolution,
    convolution_transpose,
    dropout,
    linear,
    loss,
    max_pooling,
    misuse,
    normalization,
    unpooling,
)
from tests.bad_input.calls import Row

_DIMENSIONS = (1, 2, 3)

ROWS: tuple[Row, ...] = (
    *(row for ndim in _DIMENSIONS for row in constructors.rows(ndim)),
    *constructors.linear_rows(),
    *(row for ndim in _DIMENSIONS for row in convolution.rows(ndim)),
    *(row for ndim in _DIMENSIONS for row in convolution_transpose.rows(ndim)),
    *(
        row
        for family in (max_pooling, average_pooling, adaptive_pooling, unpooling)
        for ndim in _DIMENSIONS
        for row in family.rows(ndim)
    ),
    *dropout.rows(),
    *linear.rows(),
    *loss.rows(),
    *normalization.rows(),
    *misuse.rows(),
)
