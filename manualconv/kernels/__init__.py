"""Tensor in, tensor out: the arithmetic of the maps, without autograd.  Files are named by algorithm."""
