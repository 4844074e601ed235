"""Cheats: right wherever somebody usually looks, and not what they say.

What benchmarks of kernels report is taken from their trackers (KernelBench, llm.c, reference-kernels) and from
"Hacks and Defenses in Automatic GPU Kernel Generation" (DeepReinforce) and "A Field Guide to Reward Hacking in AI
Kernel Generation" (Wafer), which are said here as DeepReinforce and Wafer.
"""

from manualconv.testing.faults.cheats import operands as operands
from manualconv.testing.faults.cheats import switches as switches
from manualconv.testing.faults.cheats import work as work
