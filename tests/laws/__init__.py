"""Laws of convolution, stated once and run on ours, on good implementations of others and on planted faults."""
