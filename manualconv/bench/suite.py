"""The suite: layers of networks that people run, each with what it is to reach.

Sizes are written as in papers: batch, channels, spatial size, then output channels and kernel.  A goal is a speed-up
over the better of torch's two layouts, forward and backward together: the *gate* must hold, the *moonshot* is what the
algorithms allow on paper.  Both are of the default setting, which is direct; of `fast` for the rows in `OF_FAST`, whose
goals were set for fewer multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from manualconv.geometry import Axes, Window, window_of_output

#: Gate and moonshot.
Goal = tuple[float, float] | None


@dataclass(frozen=True)
class Row:
    """One layer of the suite.

    Attributes:
        id: its place, ``A1`` … ``P6``; the letter is its class.
        name: where the layer comes from.
        kind: ``'conv'``, ``'transposed'``, ``'max'`` or ``'avg'``.
        input: ``(N, C, *I)``.
        outputs: O; of pooling C.
        kernel, stride, padding, dilation: one number per axis.
        groups: of convolution.
        single, double: the goals in float32 and float64.
    """

    id: str
    name: str
    kind: str
    input: tuple[int, ...]
    outputs: int
    kernel: Axes
    stride: Axes
    padding: Axes
    dilation: Axes
    groups: int
    single: Goal
    double: Goal

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def weight(self) -> tuple[int, ...]:
        """``(O, C/g, *K)``, of a transposed layer ``(C, O/g, *K)``."""
        if self.kind == "transposed":
            return (self.input[1], self.outputs // self.groups, *self.kernel)
        return (self.outputs, self.input[1] // self.groups, *self.kernel)

    @property
    def window(self) -> Window:
        """Of the convolution; of a transposed layer, of the convolution that it is the transpose of."""
        sides = tuple((p, p) for p in self.padding)
        if self.kind == "transposed":
            return window_of_output(self.input[2:], self.kernel, self.stride, self.dilation, sides, self.groups)
        return Window(self.input[2:], self.kernel, self.stride, self.dilation, sides, self.groups)

    @property
    def output(self) -> tuple[int, ...]:
        """``(N, O, *P)``."""
        window = self.window
        size = window.input_size if self.kind == "transposed" else window.output_size
        return (self.input[0], self.outputs, *size)

    def goal(self, dtype: str, phase: str = "f+b") -> Goal:
        """Gate and moonshot in a dtype and phase; none for the forward map alone."""
        if phase == "f":
            return None
        goals = {"d2": DOUBLE_BACKWARD, "churn": CHURN}.get(phase, {}).get(self.id, (self.single, self.double))
        return goals[0 if dtype == "float32" else 1]

    def flops(self) -> int:
        """Multiplications and additions of the forward map, computed directly; comparisons or sums of pooling."""
        if self.kind in ("max", "avg"):
            return prod(self.output) * prod(self.kernel)
        placements = self.input if self.kind == "transposed" else self.output
        return 2 * placements[0] * prod(placements[2:]) * prod(self.weight)


def _row(
    id: str,
    name: str,
    input: tuple[int, ...],
    outputs: int,
    kernel: int | Axes,
    single: Goal,
    double: Goal,
    *,
    kind: str = "conv",
    stride: int | Axes = 1,
    padding: int | Axes = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Row:
    ndim = len(input) - 2
    k, s, p, d = ((v,) * ndim if isinstance(v, int) else v for v in (kernel, stride, padding, dilation))
    return Row(id, name, kind, input, outputs, k, s, p, d, groups, single, double)


def _pool(
    id: str,
    name: str,
    kind: str,
    input: tuple[int, ...],
    kernel: int,
    goals: tuple[Goal, Goal],
    stride: int,
    padding: int,
) -> Row:
    return _row(id, name, input, input[1], kernel, *goals, kind=kind, stride=stride, padding=padding, groups=input[1])


CONVOLUTIONS = (
    _row("A1", "lenet_c1", (256, 1, 28, 28), 6, 5, (0.8, 1.5), (1.2, 2.5), padding=2),
    _row("A2", "lenet_c3", (256, 6, 14, 14), 16, 5, (0.8, 1.3), (1.2, 2.5)),
    _row("A3", "lenet_c5", (256, 16, 5, 5), 120, 5, (1, 2), (1.2, 2.5)),
    _row("A4", "mnistfast_c2", (256, 24, 12, 12), 32, 3, (0.7, 1.2), (1.2, 3)),
    _row("A5", "latency", (1, 16, 14, 14), 32, 3, (0.45, 0.8), (0.45, 0.8), padding=1),
    _row("B1", "vgg1_2", (1, 64, 112, 112), 64, 3, (0.6, 1.2), (1.4, 3), padding=1),
    _row("B2", "vgg3_2", (1, 256, 56, 56), 256, 3, (0.9, 1.8), (2, 5), padding=1),
    _row("B3", "rn_56", (4, 64, 56, 56), 64, 3, (0.6, 1.2), (1.4, 3), padding=1),
    _row("B4", "rn_28", (4, 128, 28, 28), 128, 3, (0.7, 1.5), (1.7, 4), padding=1),
    _row("B5", "rn_14", (8, 256, 14, 14), 256, 3, (0.8, 1.5), (2, 5), padding=1),
    _row("B6", "rn_7", (16, 512, 7, 7), 512, 3, (0.8, 1.5), (2, 5), padding=1),
    _row("C1", "stem", (2, 3, 224, 224), 64, 7, (0.5, 0.9), (1.2, 2), stride=2, padding=3),
    _row("C2", "rn_s2", (4, 128, 56, 56), 128, 3, (0.5, 0.9), (1.2, 2), stride=2, padding=1),
    _row("C3", "1x1", (4, 256, 56, 56), 64, 1, (0.7, 1), (1, 1.5)),
    _row("C4", "mec_cv5", (4, 96, 24, 24), 256, 5, (0.7, 1.5), (1.5, 4)),
    _row("D1", "resnext", (4, 128, 28, 28), 128, 3, (0.8, 2), (3, 8), padding=1, groups=32),
    _row("D2", "mb_dw", (4, 128, 56, 56), 128, 3, (0.4, 1), (4, 12), padding=1, groups=128),
    _row("D3", "mb_dw_s2", (4, 256, 28, 28), 256, 3, (0.4, 1), (5, 20), stride=2, padding=1, groups=256),
    _row("D4", "convnext", (2, 96, 56, 56), 96, 7, (0.3, 1), (3, 10), padding=3, groups=96),
    _row("D5", "replk31", (1, 32, 56, 56), 32, 31, (1, 4), (5, 20), padding=15, groups=32),
    _row("E1", "aspp", (1, 256, 33, 33), 128, 3, (0.7, 1.3), (1.8, 4), padding=12, dilation=12),
    _row("E2", "drn", (1, 128, 64, 64), 128, 3, (0.6, 1.3), (1.7, 4), padding=2, dilation=2),
    _row("F1", "wavenet", (1, 32, 16384), 64, 2, (0.7, 1.5), (1.5, 3), dilation=512),
    _row("F2", "wav2vec", (1, 512, 1600), 512, 3, (0.6, 0.9), (1.2, 1.8), stride=2),
    _row("F3", "shortconv", (2, 512, 2048), 512, 4, (0.4, 1.2), (5, 20), padding=3, groups=512),
    _row("F4", "hyena1k", (1, 32, 1024), 32, 1024, (2, 8), (8, 30), padding=1023, groups=32),
    _row("F5", "hyena4k", (1, 32, 4096), 32, 4096, (10, 40), (1, 100), padding=4095, groups=32),
    _row("F6", "julius1k", (1, 16, 4096), 32, 1024, (1, 3), (3, 10)),
    _row("G1", "c3d", (1, 64, 8, 28, 28), 64, 3, (0.6, 1.5), (1.7, 5), padding=1),
    _row("G2", "x3d_dw", (1, 54, 8, 28, 28), 54, 3, (0.4, 1), (4, 12), padding=1, groups=54),
    _row("G3", "r2+1d", (1, 64, 8, 28, 28), 64, (3, 1, 1), (0.6, 1), (1.3, 2.5), padding=(1, 0, 0)),
    _row("H1", "dcgan", (16, 256, 8, 8), 128, 4, (0.6, 1), (1.3, 3), kind="transposed", stride=2, padding=1),
    _row("H2", "dcgan_rgb", (8, 64, 32, 32), 3, 4, (0.7, 1.5), (1.5, 3), kind="transposed", stride=2, padding=1),
    _row("H3", "unet_up", (2, 128, 28, 28), 64, 2, (0.8, 1.2), (1.3, 2), kind="transposed", stride=2),
    _row("H4", "istft", (1, 1026, 224), 1, 1024, (0.8, 1.5), (1.5, 3), kind="transposed", stride=256),
)
POOLINGS = (
    _pool("P1", "max2", "max", (256, 6, 28, 28), 2, ((0.7, 1.5), (0.7, 1.5)), 2, 0),
    _pool("P2", "max3s2", "max", (4, 64, 112, 112), 3, ((0.6, 1.2), (0.6, 1.2)), 2, 1),
    _pool("P3", "spp13", "max", (1, 256, 20, 20), 13, ((4, 12), (3, 10)), 1, 6),
    _pool("P4", "avg2", "avg", (256, 16, 10, 10), 2, ((0.7, 1.5), (0.7, 1.5)), 2, 0),
    _pool("P5", "avg31", "avg", (1, 32, 56, 56), 31, ((10, 40), (10, 40)), 1, 15),
    _pool("P6", "max3d", "max", (1, 32, 16, 28, 28), 2, ((0.7, 1.5), (0.7, 1.5)), 2, 0),
)
SUITE: dict[str, Row] = {row.id: row for row in (*CONVOLUTIONS, *POOLINGS)}
#: Rows whose goals are those of `fast`: what would reach them is minimal filtering or a Fourier transform.
OF_FAST = frozenset({"A4", "B1", "B2", "B3", "B4", "B5", "B6", "C4", "D5", "E2", "F4", "F5", "F6", "G1"})

#: Rows whose double backward is timed, with their goals in float32 and float64, of the default setting.
DOUBLE_BACKWARD: dict[str, tuple[Goal, Goal]] = dict.fromkeys(
    ("A2", "B3", "C2", "D2", "F1", "H1"), ((1.0, 2), (2.0, 4))
)
#: Rows that are also timed with another length at every call, with their goals in float32 and float64.
CHURN: dict[str, tuple[Goal, Goal]] = {"H4": ((3, 8), None)}
#: The training steps of `nets`, with their goals in float32 and float64.
NETS: dict[str, tuple[Goal, Goal]] = {
    "N1": ((1.0, 1.4), (1.3, 2.5)),
    "N2": ((0.7, 1.1), (1.5, 4)),
    "N3": ((1.0, 1.5), (2.5, 6)),
}
#: What ``--quick`` runs: one of each kind of room.
QUICK = ("A1", "A5", "B4", "C3", "D2", "D5", "F4", "G3", "H3", "P1", "P5", "N1")
