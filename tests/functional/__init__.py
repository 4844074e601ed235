"""Tests of the layers as functions."""
