"""Tests of the layers as modules."""
