"""The command line. Nothing here imports torch, so ``--help`` answers at once and a wrong option costs no waiting.

Without the name of a sub-command the sub-command is ``fit``: ``python -m train --epochs 1`` trains, whatever joins.
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from train.errors import MissingLibrary, TrainError
from train.recipe import BATCH_SIZE, EPOCHS, LRS, MODEL
from train.terminal import CLOSED, Screen, one_line, screens

PROGRAM = "python -m train"
IMPLIED = "fit"
LARGEST = 2**63 - 1
MOST_THREADS = 1024
FLOAT32_MAX = (2 - 2**-23) * 2.0**127


class OneSentenceParser(argparse.ArgumentParser):
    """argparse prints its whole usage at every mistake; one sentence is enough."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # argparse takes -1e308 for the name of an option: its own expression knows no exponents.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        """Exit with 2, as argparse does."""
        self.exit(2, f"{self.prog}: {one_line(message)}; --help lists the options.\n")


def whole(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least`` to ``most``."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            bounds = f"of at least {least}" if most == LARGEST and value < least else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return value

    return convert


def positive(text: str) -> float:
    """An argparse type: a finite number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return value


def finite(text: str) -> float:
    """An argparse type: a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def path(text: str) -> Path:
    """An argparse type: a path; ``~`` is the home folder also where the shell has left it, as in ``--out=~/runs``."""
    try:
        if not text or "\0" in text:
            raise ValueError
        return Path(text).expanduser()
    except (ValueError, RuntimeError):  # RuntimeError: nobody of that name has a home
        raise argparse.ArgumentTypeError(f"{text!r} is not a path") from None


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """What every sub-command that trains understands."""
    seeded = "of the weights, the order and the shifts (default 0)"
    parser.add_argument("--seed", type=whole(0, LARGEST), default=0, metavar="N", help=seeded)
    parser.add_argument("--batch-size", type=whole(1), default=BATCH_SIZE, metavar="N", help="default %(default)s")
    parser.add_argument("--threads", type=whole(1, MOST_THREADS), metavar="N", help="default: torch's choice")
    parser.add_argument("--max-train", type=whole(1), metavar="N", help="train on N images only, for a quick try")
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="your own IDX files (default: embedded MNIST)")


def add_fit_options(parser: argparse.ArgumentParser) -> None:
    """Train LeNet-5 or an older network, choose by validation, test once."""
    rates = ", ".join(f"{lr} for {model}" for model, lr in LRS.items())
    add_common_options(parser)
    parser.add_argument("--model", choices=tuple(LRS), default=MODEL, help="default %(default)s")
    parser.add_argument("--epochs", type=whole(1), default=EPOCHS, metavar="N", help="default %(default)s")
    parser.add_argument("--lr", type=positive, help=f"peak of the learning rate (default {rates})")
    parser.add_argument("--backend", choices=("manual", "torch"), default="manual", help="default manual")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, ...")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="default float32")
    parser.add_argument("--download", action="store_true", help="let torchvision download MNIST into --data-dir first")
    parser.add_argument("--init", type=path, metavar="FILE", help="start from the weights of this checkpoint")
    parser.add_argument("--out", type=path, metavar="DIR", help="a new or empty folder (default: a new one in runs/)")
    parser.add_argument("--no-progress", dest="progress", action="store_false", help="no bar, even on a terminal")


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Train one epoch with torch.nn and one with manualconv.nn; compare times, memory and losses."""
    add_common_options(parser)
    parser.add_argument("--rounds", type=whole(1), default=2, metavar="N", help="timed epochs of each (default 2)")


def add_trace_options(parser: argparse.ArgumentParser) -> None:
    """Print back-propagation through a 2-3-2-1 network of sigmoid units, every number of every step."""
    parser.add_argument("--seed", type=whole(0, LARGEST), default=0, metavar="N", help="of the weights (default 0)")
    parser.add_argument("--eta", type=positive, default=0.5, help="learning rate (default %(default)s)")
    parser.add_argument("--steps", type=whole(1), default=1, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--input", type=finite, nargs=2, default=[1.0, -0.5], metavar=("X1", "X2"), help="default 1 -0.5"
    )
    parser.add_argument("--target", type=finite, nargs=1, default=[1.0], metavar="T", help="default 1")
    parser.add_argument("--no-bias", dest="bias", action="store_false", help="units without biases, weights alone")


def add_predict_options(parser: argparse.ArgumentParser) -> None:
    """Say which digit photographs and scans show: PNG, JPEG and other images, and folders of them."""
    parser.add_argument("checkpoint", type=path, metavar="CHECKPOINT", help="best.pt of a run")
    parser.add_argument("images", type=path, nargs="+", metavar="IMAGE", help="a file, or a folder of files")
    parser.add_argument("--json", action="store_true", help='a list of {"file", "label", "confidence", "top"}')
    parser.add_argument("--show", type=path, metavar="DIR", help="save what the network sees of each image there")


def spin_briefly() -> None:
    """Let the threads of GNU OpenMP, which torch brings, sleep soon when they wait for each other.

    By default they spin for milliseconds. With another busy program on the same two cores 25,600 images then took 97 s;
    with 1,000 spins 8.5 s, but a step of many small operations pays for every sleep: 20,000 images by hand took 6.9 s
    with 1,000 spins and 3.2 s with 30,000 (AMD EPYC, 2 cores, torch 2.14.1). The variable is read when torch is loaded;
    whoever has set a policy keeps it.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")


def run_fit(options: argparse.Namespace) -> int:
    """Import torch only now."""
    from train.fit import run

    return run(options)


def run_compare(options: argparse.Namespace) -> int:
    """The comparison itself runs without torch: only its child processes load it."""
    from train.comparison import run

    return run(options)


def run_predict(options: argparse.Namespace) -> int:
    """Import torch only now, and Pillow and SciPy, which training does without."""
    try:
        from train.predict import run
    except ModuleNotFoundError as error:
        raise MissingLibrary(f"predict needs {error.name}: pip install '.[train]' in the clone.") from error
    return run(options)


def run_trace(options: argparse.Namespace) -> int:
    """Import torch only now."""
    from train.trace import run

    return run(options)


@dataclass(frozen=True)
class Command:
    """A sub-command; the first line of ``add_options``'s docstring says in its help what it does.

    ``is_for_reading``: its output is all that it makes, so that it ends when nobody reads on.
    """

    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    is_for_reading: bool = True


COMMANDS = {
    "fit": Command(add_fit_options, run_fit, is_for_reading=False),
    "compare": Command(add_compare_options, run_compare),
    "predict": Command(add_predict_options, run_predict),
    "trace": Command(add_trace_options, run_trace),
}


def make_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one sub-command. No abbreviations: a later option must not change what an old command means."""
    command = COMMANDS[name]
    others = ", ".join(f"'{PROGRAM} {other} --help'" for other in COMMANDS if other != name)
    parser = OneSentenceParser(
        prog=PROGRAM if name == IMPLIED else f"{PROGRAM} {name}",
        description=command.add_options.__doc__,
        epilog=f"Sub-commands: {', '.join(COMMANDS)}; '{IMPLIED}' may be left out. See also {others}.",
        allow_abbrev=False,
    )
    command.add_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 for ``TrainError`` or output that cannot be written, 130 after Ctrl-C.

    argparse exits with 2. Standard output that was closed before the start is a wish and no failure.
    """
    with screens() as (output, _):
        try:
            try:
                code = _run(list(sys.argv[1:] if arguments is None else arguments), output)
            finally:
                output.flush()
        except OSError as error:
            if output.failure is None:
                raise
            if not isinstance(error, BrokenPipeError):  # `| head` has seen enough, and knows it
                print(f"{PROGRAM}: the output cannot be written: {output.failure}.", file=sys.stderr)
            return 1
        return code if output.failure in (None, CLOSED) else code or 1


def _run(words: list[str], output: Screen) -> int:
    name = words.pop(0) if words and not words[0].startswith("-") else IMPLIED
    if name not in COMMANDS:
        make_parser(IMPLIED).error(f"there is no sub-command {name!r}, only {', '.join(COMMANDS)}")
    parser = make_parser(name)
    options = parser.parse_args(words)
    if getattr(options, "download", False) and options.data_dir is None:
        parser.error("--download needs --data-dir, the folder to download into")
    if name == "fit" and options.dtype == "float32" and (options.lr or 0) > FLOAT32_MAX:
        parser.error(f"--lr {options.lr:g} is more than float32 holds, {FLOAT32_MAX:g}")
    output.strict = COMMANDS[name].is_for_reading
    spin_briefly()
    try:
        return COMMANDS[name].run(options)
    except TrainError as error:
        print(f"{parser.prog}: {one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped by Ctrl-C.", file=sys.stderr)
        return 130
