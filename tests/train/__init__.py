"""Training: data, batches, loop, checkpoints, output and command line."""
