"""``python -m train report RUN``: what a run learned, in one HTML file that needs nothing else, and its pictures.

Curves and gradient norms are of metrics.csv and gradients.csv, the rest is what best.pt says of the test images.
"""

import base64
import csv
import html
import io
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from matplotlib.figure import Figure

from train import data, datasets, durable, figures, output, trained
from train.errors import MissingCheckpoint, OutputError
from train.options import ReportOptions
from train.output import BEST, GRADIENTS, METRICS, OPTIONS, PICTURES, REPORT
from train.trained import Assessed, Trained

MISTAKES = 40
DPI = 110
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
img { max-width: 100%; height: auto; } figure { margin: 1.5rem 0; } figcaption { color: #555; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .15rem 1rem .15rem 0; }
"""


@dataclass(frozen=True)
class Picture:
    """A PNG file, its name, and what it shows in words."""

    name: str
    png: bytes
    caption: str


def drawn(name: str, figure: Figure, caption: str) -> Picture:
    """The picture of a figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": ""})
    return Picture(name, buffer.getvalue(), caption)


def run(options: ReportOptions) -> int:
    """Write the report of a run; return 0.  Raises ``TrainError``."""
    print(f"report         {write(options.run, options.arch)}")
    return 0


def write(folder: Path, arch: str | None = None) -> Path:
    """Write report.html and its pictures into a run's folder; return the path of the former.  Raises ``TrainError``."""
    if not (folder / BEST).is_file():
        raise MissingCheckpoint(f"There is no run with a finished epoch in {folder}: no {BEST}.")
    network = trained.load(folder / BEST, arch=arch)
    options = _options(folder / OPTIONS)
    where = Path(str(options["data_dir"])) if options.get("data_dir") else None
    mnist = datasets.like(network.dataset, where, network.kind)
    found = trained.assess(network, mnist.test)
    pictures = [*_of_training(folder, network.facts.get("epoch")), *_of_test(network, found, mnist.test)]
    output.make_folder(folder / PICTURES)
    for picture in pictures:
        durable.write(folder / PICTURES / f"{picture.name}.png", picture.png)
    durable.write(folder / REPORT, page(network, options, found, pictures).encode())
    return folder / REPORT


def _options(path: Path) -> dict[str, object]:
    try:
        found = output.read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(path: Path) -> dict[str, list[float]]:
    """The columns of a file of comma-separated numbers; none if it cannot be read."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        return {name: [float(row[name]) for row in rows if row[name]] for name in (rows[0] if rows else {})}
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read: {error}.") from error


def _of_training(folder: Path, kept: object) -> list[Picture]:
    metrics = _table(folder / METRICS)
    epochs = [int(n) for n in metrics["epoch"]]
    found = [
        drawn(
            "losses",
            figures.losses(epochs, metrics["train_loss"], metrics["validation_loss"]),
            "Mean loss of an image, epoch by epoch, on the training and the validation images.",
        ),
    ]
    if not any(map(isnan, metrics["validation_accuracy"])):
        picture = figures.accuracy(epochs, metrics["validation_accuracy"], int(str(kept)))
        found.append(
            drawn("accuracy", picture, f"Share of right answers on the validation images; epoch {kept} is kept.")
        )
    if (folder / GRADIENTS).is_file():
        norms = _table(folder / GRADIENTS)
        weights = {
            name: values for name, values in norms.items() if name.endswith("weight") and len(values) == len(epochs)
        }
        caption = "Norm of the gradient of each layer's weights, the mean over the epoch's steps."
        if weights:
            found.append(drawn("gradients", figures.gradient_norms(epochs, weights), caption))
    return found


def _of_test(network: Trained, found: Assessed, test: data.Split) -> list[Picture]:
    labels = network.kind.labels
    wrong = found.mistakes()[:MISTAKES]
    pictures = [
        drawn(
            "confusion",
            figures.confusion(found.confusion(len(labels)), labels),
            "How often each label (row) was read as each (column); the shade is a mistake's share of its row.",
        )
    ]
    if len(wrong):
        captions = [
            f"{labels[int(found.labels[n])]} as {labels[int(found.guesses[n])]}, {100 * found.confidences[n]:.0f} %"
            for n in wrong.tolist()
        ]
        count = len(found.labels) - found.right
        said = f"The {len(wrong)} most confident of {count} mistakes: label as guess, confidence."
        pictures.append(drawn("mistakes", figures.gallery(test.images[wrong], captions), said))
    kernels = [p for p in network.model.parameters() if p.dim() == 4]
    if kernels:
        said = "Weights of the first convolution: dark is below 0, light above."
        pictures.append(drawn("filters", figures.filters(kernels[0]), said))
    return pictures


def page(network: Trained, options: dict[str, object], found: Assessed, pictures: list[Picture]) -> str:
    """The HTML, its pictures inside."""
    facts = {
        "network": network.network.title,
        "parameters": f"{sum(p.numel() for p in network.model.parameters()):,}",
        "test accuracy": f"{100 * found.right / len(found.labels):.2f} % of {len(found.labels):,} images",
        "test loss": f"{found.loss:.4f}",
        "best epoch": network.facts.get("epoch", ""),
    }
    said = {name: value for name, value in options.items() if value is not None}
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(network.network.title)}: a training run</title><style>{STYLE}</style></head>
<body>
<h1>{html.escape(network.network.title)}: a training run</h1>
{_rows(facts)}
{"".join(map(_figure, pictures))}
<h2>Options</h2>
{_rows(said)}
</body>
</html>
"""


def _rows(facts: dict[str, object]) -> str:
    rows = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<table>\n{chr(10).join(rows)}\n</table>"


def _figure(picture: Picture) -> str:
    source = base64.b64encode(picture.png).decode()
    said = html.escape(picture.caption)
    image = f'<img alt="{said}" src="data:image/png;base64,{source}">'
    return f"<figure>{image}<figcaption>{said}</figcaption></figure>\n"
