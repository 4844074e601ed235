"""The few names that manualconv takes from torch's private parts, so that a torch release can break one room only.

A file a concern; each name of torch's is optional: see `manualconv.torch_internals.optional`.
"""

from manualconv.torch_internals.calling import any_autocast as any_autocast
from manualconv.torch_internals.calling import apply as apply
from manualconv.torch_internals.calling import at_trace_time as at_trace_time
from manualconv.torch_internals.calling import tracer as tracer
from manualconv.torch_internals.checkpoints import checkpoints_run as checkpoints_run
from manualconv.torch_internals.hooks import calls_forward as calls_forward
from manualconv.torch_internals.hooks import guard_hooks as guard_hooks
from manualconv.torch_internals.hooks import not_compiled as not_compiled
from manualconv.torch_internals.hooks import not_compiled_alone as not_compiled_alone
from manualconv.torch_internals.modes import CONVOLUTION as CONVOLUTION
from manualconv.torch_internals.modes import CONVOLUTION_BACKWARD as CONVOLUTION_BACKWARD
from manualconv.torch_internals.modes import OperatorMode as OperatorMode
from manualconv.torch_internals.modes import dispatch_modes_active as dispatch_modes_active
from manualconv.torch_internals.modes import flop_counters as flop_counters
from manualconv.torch_internals.modes import function_modes as function_modes
from manualconv.torch_internals.modes import innermost_mode as innermost_mode
from manualconv.torch_internals.modes import mode_count as mode_count
from manualconv.torch_internals.modes import no_function_modes as no_function_modes
from manualconv.torch_internals.modes import no_operator_modes as no_operator_modes
from manualconv.torch_internals.operations import UNDERSCORED as UNDERSCORED
from manualconv.torch_internals.operations import is_pointwise as is_pointwise
from manualconv.torch_internals.operations import underscored as underscored
from manualconv.torch_internals.tensors import assert_later as assert_later
from manualconv.torch_internals.tensors import can_be_read as can_be_read
from manualconv.torch_internals.tensors import channels_last_format as channels_last_format
from manualconv.torch_internals.tensors import handles_itself as handles_itself
from manualconv.torch_internals.tensors import handles_operators as handles_operators
from manualconv.torch_internals.tensors import has_handlers as has_handlers
from manualconv.torch_internals.tensors import is_known_to_torch_alone as is_known_to_torch_alone
from manualconv.torch_internals.tensors import is_plain as is_plain
from manualconv.torch_internals.tensors import is_queued as is_queued
from manualconv.torch_internals.tensors import is_traced as is_traced
from manualconv.torch_internals.tensors import is_unrecorded as is_unrecorded
from manualconv.torch_internals.tensors import shaped as shaped
from manualconv.torch_internals.threads import thread_team as thread_team
from manualconv.torch_internals.transforms import backward_is_dropped as backward_is_dropped
from manualconv.torch_internals.transforms import forward_mode_active as forward_mode_active
from manualconv.torch_internals.transforms import forward_mode_on as forward_mode_on
from manualconv.torch_internals.transforms import has_tangent as has_tangent
from manualconv.torch_internals.transforms import hides_memory as hides_memory
from manualconv.torch_internals.transforms import is_moving as is_moving
from manualconv.torch_internals.transforms import mapped_levels as mapped_levels
from manualconv.torch_internals.transforms import maps_active as maps_active
from manualconv.torch_internals.transforms import may_be_differentiated as may_be_differentiated
from manualconv.torch_internals.transforms import overwrite as overwrite
from manualconv.torch_internals.transforms import transforms_active as transforms_active
from manualconv.torch_internals.transforms import without_tangent as without_tangent
