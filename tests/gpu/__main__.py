"""``python -m tests.gpu``: laws, modes and one training step on a CUDA device; exits with 1 if one is wrong."""

import argparse
import sys
from collections import Counter
from time import perf_counter

import torch

from tests.gpu.trial import rows

#: Operations that the compilers are tried on too: each takes seconds.
COMPILED = frozenset({"conv2d", "linear", "max_pool2d", "batch_norm", "cross_entropy"})


def main() -> bool:
    """Try all, print what is wrong and the counts; whether all is right."""
    parser = argparse.ArgumentParser("python -m tests.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="another device to try (default: cuda)")
    parser.add_argument("--cases", type=int, default=10, help="drawn cases a law (default: 10)")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no CUDA device here: nothing was tried")
        return True
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "no accelerator"
    print(f"torch {torch.__version__} on {device}: {named}", flush=True)
    begin, tried, wrong, seconds = perf_counter(), Counter[str](), Counter[str](), Counter[str]()
    for row, spent in rows(device, options.cases, COMPILED):
        tried[row.group] += 1
        seconds[row.group] += spent
        if row.complaint is not None:
            wrong[row.group] += 1
            print(f"wrong: {row.group}, {row.name}: {row.complaint}", flush=True)
    for group, count in tried.items():
        print(f"{group:16} {count:5} tried {count - wrong[group]:5} right {seconds[group]:6.0f} s")
    print(f"{tried.total()} tried, wrong: {wrong.total()}; {perf_counter() - begin:.0f} s")
    return not wrong


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(not main())
