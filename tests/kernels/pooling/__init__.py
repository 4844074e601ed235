"""Tests of `manualconv.kernels.pooling`."""
