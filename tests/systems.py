"""What a test needs of the operating system: Windows has none of it, and is told so by a skip."""

import os
import signal

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signal on this system that ends a process")
needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
