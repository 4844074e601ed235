"""What is asked of any operation: its two passes, its derivatives, its modes, its manners, other numbers.

Manners are what a call owes its operands, its results, other calls and what is set for everybody.

A law takes an `Asked` and raises `Broken` where it does not hold.  The target runs first; only then the judgement, in
another process, computes what the results should be, and answers with the difference alone.
"""

from manualconv.testing.laws.operation import passes as passes  # noqa: I001  (laws are asked as they are entered)
from manualconv.testing.laws.operation import derivatives as derivatives
from manualconv.testing.laws.operation import modes as modes
from manualconv.testing.laws.operation import manners as manners
from manualconv.testing.laws.operation import calls as calls
from manualconv.testing.laws.operation import switches as switches
from manualconv.testing.laws.operation import magnitudes as magnitudes
from manualconv.testing.laws.operation.asked import LAWS as LAWS
from manualconv.testing.laws.operation.asked import Asked as Asked
from manualconv.testing.laws.operation.asked import Broken as Broken
from manualconv.testing.laws.operation.asked import Kind as Kind
from manualconv.testing.laws.operation.asked import Law as Law
from manualconv.testing.laws.operation.asked import Unfit as Unfit
from manualconv.testing.laws.operation.passes import held as held
from manualconv.testing.laws.operation.passes import real as real
