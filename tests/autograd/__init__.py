"""Tests of the derivatives, map by map."""
