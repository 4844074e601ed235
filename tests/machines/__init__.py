"""The suite on other machines: fewer instructions, other numbers of threads, with Numba and without."""
