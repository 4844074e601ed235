"""Tests of the ways to drop in."""
