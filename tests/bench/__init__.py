"""The benchmark: its arithmetic and its words; no time is asserted."""
