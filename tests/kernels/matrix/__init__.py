"""Tests of `manualconv.kernels.matrix`."""
