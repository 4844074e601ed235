"""Laws, stated once: they run on ours, on right implementations of others and on planted faults."""
