"""The kernel of docs/EXAMINE.md: with the page's mistake, with another, and right."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "EXAMINE.md"


def replaced(text: str, old: str, new: str) -> str:
    """With one place changed, which must be there."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


KERNEL = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)[0]
MENDED = replaced(KERNEL, "j * dilation[0]", "j * dilation[1]")
#: The weight gradient reads the image as if its windows ended where the image ends.
REMAINDER = replaced(
    replaced(
        MENDED,
        "    dx, dw = np.zeros_like(x), np.zeros_like(w)\n",
        "    dx, dw = np.zeros_like(x), np.zeros_like(w)\n"
        "    over = [(x.shape[2 + a] - dilation[a] * (w.shape[2 + a] - 1) - 1) % stride[a] for a in (0, 1)]\n"
        "    behind = x[:, :, over[0] :, over[1] :]\n",
    ),
    'np.einsum("nchw,nohw->oc", x[at], grad_output)',
    'np.einsum("nchw,nohw->oc", behind[at], grad_output)',
)
