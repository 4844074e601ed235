"""``manualconv``: the command line.  Nothing imports torch before a command runs, so ``--help`` answers at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NoReturn, TextIO

from manualconv import __version__
from manualconv.arguments import DTYPES, file, named_file, picture, sizes
from manualconv.command import Command
from manualconv.explain.commands import animate, arith, explain, figures, kernels, rf, summary, toeplitz
from manualconv.testing.options import TARGET, add_options, examiner, wish, with_target


class Parser(argparse.ArgumentParser):
    """argparse with one line for a mistake instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2, as argparse does."""
        with suppress(OSError):  # standard error is gone: Python 3.10's argparse would end with that instead
            print(f"{self.prog}: {' '.join(message.split())}; --help lists the options.", file=sys.stderr)
        self.exit(2)


@contextmanager
def printable() -> Iterator[None]:
    """Inside, every print succeeds: what the encoding lacks is escaped, what goes to a closed stream is dropped."""
    with ExitStack() as after:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or stream.closed:
                setattr(sys, name, after.enter_context(open(os.devnull, "w", encoding="utf-8")))
                after.callback(setattr, sys, name, stream)
            elif getattr(stream, "errors", None) in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
                after.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="backslashreplace")
        yield


def abandon(stream: TextIO) -> None:
    """Let the interpreter flush at its exit what no reader takes any more."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)
    except (OSError, ValueError):  # a stream without a file has nothing to flush into
        pass


def _bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", default=(), metavar="ROW", help="rows (A1) or classes (D) of the suite")
    parser.add_argument("--quick", action="store_true", help="a dozen rows, few rounds, no peers: a minute or two")
    parser.add_argument(
        "--calls", action="store_true", help="instead: a call of small layers by torch, nn, convert and by_hand"
    )
    parser.add_argument("--profile", action="store_true", help="instead: where a small call's time and two steps' goes")
    parser.add_argument(
        "--processes", action="store_true", help="instead: steps of LeNet-5 and ResNet-18 on one and two processes"
    )
    parser.add_argument(
        "--first-step", action="store_true", help="instead: a process's first step, with loops to compile and without"
    )
    parser.add_argument(
        "--front", action="store_true", help="the ten rows that the results open with, in float32, without peers"
    )
    parser.add_argument(
        "--beside",
        nargs="+",
        type=named_file,
        default=(),
        metavar="NAME=FILE",
        help="columns beside the ten rows: what another run wrote by --json",
    )
    parser.add_argument("--dtype", choices=DTYPES, help="one dtype only (default both)")
    parser.add_argument("--json", type=file, metavar="FILE", help="write every number to FILE")
    parser.add_argument(
        "--output", type=file, metavar="FILE", help="write the results as Markdown, as BENCHMARKS.md is"
    )
    parser.add_argument("--plot", type=picture, metavar="FILE", help="draw the speed-ups (.svg, .png), by matplotlib")


def _bench(options: argparse.Namespace) -> int:
    from manualconv.bench import Interrupted, Options, calls, document, first_step, processes, profile, run

    known = {"calls": calls, "profile": profile, "processes": processes, "first_step": first_step}
    if tables := {name: module for name, module in known.items() if getattr(options, name)}:
        taken = [name for name, value in vars(options).items() if name not in (*known, "command", "output") and value]
        if taken:
            table, other = (name.replace("_", "-") for name in (min(tables), taken[0]))
            raise ValueError(f"--{table} is a table of its own: it takes --output alone, and not --{other}")
        texts = [(module.__doc__ or "", module.table(module.measure())) for module in tables.values()]
        print(*(text for _, text in texts), sep="\n\n")
        if options.output:
            document.write(options.output, document.page_of(texts))
        return 0
    if options.only and options.front:
        raise ValueError("--only and --front both choose the rows: give one of them")
    dtypes = (options.dtype,) if options.dtype else DTYPES[:1] if options.front else DTYPES
    files = (options.json, options.output, options.plot)
    done = run(Options(tuple(options.only), options.quick, dtypes, *files, options.front, dict(options.beside)))
    return 130 if isinstance(done, Interrupted) else 0


def _choice_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=sizes, required=True, metavar="N,C,I...", help="size of x, as 4,64,56,56")
    parser.add_argument("--weight", type=sizes, required=True, metavar="O,C/g,K...", help="size of w, as 64,64,3,3")
    for name, default in (("stride", "1"), ("padding", "0"), ("dilation", "1")):
        meaning = f"one number, or one per axis (default {default})"
        parser.add_argument(f"--{name}", type=sizes, default=default, metavar="S", help=meaning)
    parser.add_argument("--groups", type=int, default=1, help="of the channels (default 1)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the tensors (default float32)")
    parser.add_argument(
        "--accuracy", choices=("exact", "fast"), default="exact", help="errors admitted (default exact)"
    )


def _choice(options: argparse.Namespace) -> int:
    import torch

    from manualconv.functional.choice import choice
    from manualconv.kernels.correlation.settings import accuracy

    stride, padding, dilation = (
        value[0] if len(value) == 1 else value for value in (options.stride, options.padding, options.dilation)
    )
    dtype = getattr(torch, options.dtype)
    with accuracy(options.accuracy):
        print(choice(options.input, options.weight, stride, padding, dilation, options.groups, dtype=dtype))
    return 0


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", nargs="?", help=TARGET)
    parser.add_argument("--self-test", action="store_true", help="examine the examiner by its bank of faults instead")
    parser.add_argument("--output", type=file, metavar="FILE", help="of --self-test: write its page to FILE")
    add_options(parser.add_argument)


def _check(options: argparse.Namespace) -> int:
    program = examiner()
    if options.self_test:
        from manualconv.testing.faults import self_test

        whole = options.profile == "deep"
        return self_test.program(tuple(options.only), options.seed, not whole, options.json, options.output)
    said = with_target(vars(options))
    if said["target"] is None:
        raise ValueError("there is nothing to examine: name a TARGET, or ask for --self-test")
    code: int = program.run(wish(said))
    return code


def _compile_options(parser: argparse.ArgumentParser) -> None:
    """None."""


def _compile(_: argparse.Namespace) -> int:
    from time import perf_counter

    from manualconv.kernels import beforehand
    from manualconv.kernels.compiling import is_installed

    if not is_installed():
        print("nothing to compile: there is no Numba that compiles; layers run by torch's operations")
        return 0
    begin = perf_counter()
    count = beforehand.compile_loops()
    place = beforehand.folder()
    kept = f"kept under {place}" if place else "kept nowhere: no folder can be written"
    print(
        f"compiled {count} loops in {perf_counter() - begin:.1f} s, {kept}"
        if count
        else f"all loops were compiled, {kept}"
    )
    return 0


COMMANDS = {
    "animate": animate.COMMAND,
    "compile": Command("compile every loop now, so that no first step waits for it", _compile_options, _compile),
    "check": Command(
        "examine an implementation of a layer that somebody else wrote, law by law", _check_options, _check
    ),
    "bench": Command(
        "time every layer of the suite beside torch and the peers that are installed", _bench_options, _bench
    ),
    "choice": Command(
        "print which algorithm computes the three maps of a convolution, and why", _choice_options, _choice
    ),
    "rf": rf.COMMAND,
    "summary": summary.COMMAND,
    "arith": arith.COMMAND,
    "explain": explain.COMMAND,
    "figures": figures.COMMAND,
    "kernels": kernels.COMMAND,
    "toeplitz": toeplitz.COMMAND,
}


def _run(arguments: Sequence[str] | None) -> int:
    parser = Parser("manualconv", description="Convolutions whose every derivative is written by hand.")
    parser.add_argument("--version", action="version", version=f"manualconv {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, command in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=command.help, description=f"{command.help.capitalize()}."))
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except ValueError as error:
        commands.choices[options.command].error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0, 1 for what cannot be written, 130 after Ctrl-C.

    Options that make no sense are said in a sentence, and the exit is 2.
    """
    with printable():
        try:
            try:
                return _run(arguments)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:  # `| head` has seen enough
            abandon(sys.stdout)
            return 1
        except OSError as error:
            abandon(sys.stdout)
            print(f"manualconv: {error.filename or 'standard output'}: {error.strerror or error}.", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nmanualconv: stopped by Ctrl-C.", file=sys.stderr)
            return 130


if __name__ == "__main__":
    sys.exit(main())
