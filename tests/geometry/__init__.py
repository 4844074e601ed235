"""The geometry, file by file: numbers, intervals and padding; windows are in tests/test_geometry.py."""
