"""Every bad call there is."""

from __future__ import annotations

from tests.bad_input import constructors, convolution
from tests.bad_input.calls import Row

ROWS: tuple[Row, ...] = (
    *(row for ndim in (1, 2, 3) for row in constructors.rows(ndim)),
    *constructors.linear_rows(),
    *(row for ndim in (1, 2, 3) for row in convolution.rows(ndim)),
)
