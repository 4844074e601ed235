"""Every bad call there is."""

from __future__ import annotations

from tests.bad_input import constructors, convolution, convolution_transpose, linear, loss, misuse, normalization
from tests.bad_input.calls import Row

_DIMENSIONS = (1, 2, 3)

ROWS: tuple[Row, ...] = (
    *(row for ndim in _DIMENSIONS for row in constructors.rows(ndim)),
    *constructors.linear_rows(),
    *(row for ndim in _DIMENSIONS for row in convolution.rows(ndim)),
    *(row for ndim in _DIMENSIONS for row in convolution_transpose.rows(ndim)),
    *linear.rows(),
    *loss.rows(),
    *normalization.rows(),
    *misuse.rows(),
)
