"""Every snippet: importing a family registers its own, in the order of the page."""

# isort: off
from tests.tools import attribution as attribution
from tests.tools import attacks as attacks
from tests.tools import curvature as curvature
from tests.tools import samples as samples
from tests.tools import inner_loops as inner_loops
from tests.tools import counting as counting
from tests.tools import graphs as graphs
from tests.tools import quantization as quantization
from tests.tools import export as export
from tests.tools import training as training
from tests.tools import architectures as architectures

# isort: on
from tests.tools.snippet import SNIPPETS as SNIPPETS

#: The tools, in the order of the page, each with the distribution that brings it.
TOOLS: dict[str, str] = {snippet.tool: snippet.distribution for snippet in SNIPPETS}
