"""Tests of `manualconv.kernels.correlation`."""
