"""Padding layers: torch.nn's modules with our arithmetic.

Each is one call of `manualconv.functional.pad`; in one, two and three dimensions they differ in the padding they keep.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class ConstantPad1d(torch.nn.ConstantPad1d):
    """torch.nn.ConstantPad1d by hand: a constant around the input.

    ``(N, C, W)`` → ``(N, C, P)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ConstantPad2d(torch.nn.ConstantPad2d):
    """torch.nn.ConstantPad2d by hand: a constant around the input.

    ``(N, C, H, W)`` → ``(N, C, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ConstantPad3d(torch.nn.ConstantPad3d):
    """torch.nn.ConstantPad3d by hand: a constant around the input.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ZeroPad1d(torch.nn.ZeroPad1d):
    """torch.nn.ZeroPad1d by hand: zeros around the input.

    ``(N, C, W)`` → ``(N, C, P)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ZeroPad2d(torch.nn.ZeroPad2d):
    """torch.nn.ZeroPad2d by hand: zeros around the input.

    ``(N, C, H, W)`` → ``(N, C, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ZeroPad3d(torch.nn.ZeroPad3d):
    """torch.nn.ZeroPad3d by hand: zeros around the input.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "constant", self.value)


class ReflectionPad1d(torch.nn.ReflectionPad1d):
    """torch.nn.ReflectionPad1d by hand: the input mirrored at its outermost positions.

    ``(N, C, W)`` → ``(N, C, P)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "reflect")


class ReflectionPad2d(torch.nn.ReflectionPad2d):
    """torch.nn.ReflectionPad2d by hand: the input mirrored at its outermost positions.

    ``(N, C, H, W)`` → ``(N, C, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "reflect")


class ReflectionPad3d(torch.nn.ReflectionPad3d):
    """torch.nn.ReflectionPad3d by hand: the input mirrored at its outermost positions.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "reflect")


class ReplicationPad1d(torch.nn.ReplicationPad1d):
    """torch.nn.ReplicationPad1d by hand: the outermost positions repeated.

    ``(N, C, W)`` → ``(N, C, P)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "replicate")


class ReplicationPad2d(torch.nn.ReplicationPad2d):
    """torch.nn.ReplicationPad2d by hand: the outermost positions repeated.

    ``(N, C, H, W)`` → ``(N, C, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "replicate")


class ReplicationPad3d(torch.nn.ReplicationPad3d):
    """torch.nn.ReplicationPad3d by hand: the outermost positions repeated.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        return functional.pad(input, self.padding, "replicate")


class CircularPad1d(torch.nn.CircularPad1d):
    """torch.nn.CircularPad1d by hand: the input continued from its other end.

    ``(N, C, W)`` → ``(N, C, P)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        self._check_input_dim(input)
        return functional.pad(input, self.padding, "circular")


class CircularPad2d(torch.nn.CircularPad2d):
    """torch.nn.CircularPad2d by hand: the input continued from its other end.

    ``(N, C, H, W)`` → ``(N, C, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        self._check_input_dim(input)
        return functional.pad(input, self.padding, "circular")


class CircularPad3d(torch.nn.CircularPad3d):
    """torch.nn.CircularPad3d by hand: the input continued from its other end.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pad."""
        self._check_input_dim(input)
        return functional.pad(input, self.padding, "circular")
