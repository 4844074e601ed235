"""``python -m tests.drawn [CHECKPOINT]``: what `predict` makes of digits drawn in fonts; exits with 1 below 90 %.

Without a checkpoint LeNet-5 is trained first, as ``make train`` does, into runs/drawn.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drawn.digits import FONTS, SIZES, Drawn, every
from train.cli import main as train

LEAST = 0.9
KEPT = Path("runs", "drawn")


def trained() -> Path:
    """The checkpoint of a run with the default options."""
    if not (KEPT / "best.pt").exists() and train(["--out", str(KEPT), "--no-progress"]):
        raise SystemExit("the training failed")
    return KEPT / "best.pt"


def predicted(checkpoint: Path, drawn: list[Drawn]) -> dict[Drawn, str]:
    """The label of every picture, by the command itself, from PNG and JPEG files."""
    with TemporaryDirectory() as folder:
        files = {str(Path(folder, f"{n}.{'png' if n % 2 else 'jpg'}")): each for n, each in enumerate(drawn)}
        for file, each in files.items():
            each.image().save(file)
        said = io.StringIO()
        with redirect_stdout(said):
            train(["predict", str(checkpoint), *files, "--json"])
        return {files[each["file"]]: each["label"] for each in json.loads(said.getvalue())}


def main() -> bool:
    """Print right answers by font, size, polarity and digit."""
    parser = argparse.ArgumentParser("python -m tests.drawn", description=__doc__)
    parser.add_argument("checkpoint", nargs="?", type=Path, help="default: a new one")
    drawn = list(every())
    labels = predicted(parser.parse_args().checkpoint or trained(), drawn)
    right = Counter[object](), Counter[object]()
    for each in drawn:
        kinds = (
            each.font,
            f"{each.side} pixels",
            "white on black" if each.white_on_black else "black on white",
            each.digit,
        )
        right[0].update(kinds if labels.get(each) == str(each.digit) else ())
        right[1].update(kinds)
    for kind, count in right[1].items():
        print(f"{kind!s:20} {right[0][kind]:4} of {count}")
    count = sum(labels.get(each) == str(each.digit) for each in drawn)
    print(f"{count} of {len(drawn)} right, {100 * count / len(drawn):.1f} % ({len(FONTS)} fonts, {len(SIZES)} sizes)")
    return count >= LEAST * len(drawn)


if __name__ == "__main__":
    sys.exit(not main())
