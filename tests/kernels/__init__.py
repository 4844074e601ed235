"""Tests of the arithmetic below autograd."""
