"""``python -m tests.networks``: every network in training and evaluation, one row each; exits with 1 on any failure."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter

import torch

from tests.networks.catalogue import NETWORKS
from tests.networks.comparison import ALLOWED, ROUNDING, Row, both_modes

HEADING = (
    f"relative errors in float64, the worse of convert and by_hand, allowed {ALLOWED:g}: the largest difference over\n"
    f"the largest number, tensor by tensor; ~0: gradients that are rounding alone, below {ROUNDING:g} of the model's\n"
    "largest, measured against that one; logits: of detectors the losses, or boxes, labels, scores,\n"
    "masks and points; forbidden calls: all under by_hand, from converted modules under convert, and under convert\n"
    "the network's own calls to torch.nn.functional, which stay torch's\n\n"
    f"{'network':33} {'parameters':>11}  {'mode':5} {'logits':>8} {'gradients':>9} {'~0':>3} {'statistics':>10}"
    f"  {'by_hand':>7} {'convert':>7} {'own':>5} {'seconds':>7}"
)


def line(row: Row) -> str:
    """A row of the table, and what is wrong with it below."""
    forbidden = [row.forbidden.get(way, "-") for way in ("by_hand", "convert", "own calls")]
    return "\n".join(
        [
            f"{row.name:33} {row.parameters:11,}  {row.mode:5} {row.logits:8.1e} {row.gradients:9.1e} {row.rounding:3}"
            f" {row.statistics:10.1e}  {forbidden[0]:>7} {forbidden[1]:>7} {forbidden[2]:>5} {row.seconds:7.1f}",
            *(f"    {complaint}" for complaint in row.complaints),
        ]
    )


def main() -> bool:
    """Run what is asked for, and say whether all is right."""
    parser = argparse.ArgumentParser("python -m tests.networks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--list", action="store_true", help="print the names and leave")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="networks at once (default: one a core)")
    options = parser.parse_args()
    if options.list:
        print(*NETWORKS, sep="\n")
        return True
    started, rows = perf_counter(), list[Row]()
    print(HEADING, flush=True)
    # One thread a network: most of the time goes into many small calls, which threads do not share.
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for both in pool.map(both_modes, options.only):
            rows += both
            print(*map(line, both), sep="\n", flush=True)
    failed = sorted({row.name for row in rows if row.complaints})
    print(
        f"\n{len(options.only)} networks in training and evaluation, by convert and by by_hand: {len(rows)} rows,"
        f" {sum(not row.complaints for row in rows)} right; worst error of logits"
        f" {max(row.logits for row in rows):.1e}, of gradients {max(row.gradients for row in rows):.1e},"
        f" of statistics {max(row.statistics for row in rows):.1e}; {perf_counter() - started:.0f} s"
    )
    print(f"failed: {' '.join(failed) or 'none'}")
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
