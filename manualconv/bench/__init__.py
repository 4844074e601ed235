"""The benchmark: the suite of layers, and the method that times them beside torch and the peers.

``manualconv bench`` runs it.  Speed is reported and kept in a results file; nothing asserts a time.
"""

from manualconv.bench import calls
from manualconv.bench.run import Interrupted, Options, run
from manualconv.bench.suite import SUITE, Row

__all__ = ["SUITE", "Interrupted", "Options", "Row", "calls", "run"]
