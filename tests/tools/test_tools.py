"""Every snippet of docs/TOOLS.md whose tool is installed does what the page says."""

import pytest

from tests.tools import document
from tests.tools.__main__ import line, tried, tried_here
from tests.tools.catalogue import SNIPPETS, TOOLS
from tests.tools.trial import version

#: Tried by `make tools` alone: they compile for many seconds, and other tests have torch's compilers.
LONG = {"torch.compile", "torch.export", "torch.fx.experimental.make_fx", "torchvision feature extraction"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in LONG])
def test_a_tool_finds_what_the_page_says(tool: str) -> None:
    if version(TOOLS[tool]) is None:
        pytest.skip(f"{TOOLS[tool]} is not installed")
    found = tried_here(tool) if TOOLS[tool] == "torch" else tried(tool)
    assert not isinstance(found, str), found
    assert all(outcome.holds for _, row in found for outcome in row), "\n".join(line(*row) for row in found)


def test_the_page_is_what_the_snippets_say() -> None:
    written = document.PATH.read_text(encoding="utf-8")
    assert written == document.text(document.written_versions(), *document.written_figures())


def test_names_of_snippets_are_one_a_snippet() -> None:
    assert len({snippet.name for snippet in SNIPPETS}) == len(SNIPPETS)
