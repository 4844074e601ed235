"""Tests of `manualconv.kernels.entrywise`."""
