"""Tests of `manualconv.kernels.movement`."""
