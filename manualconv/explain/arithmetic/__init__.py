"""Sizes of layers: the command ``arith``, and the check that every other room makes of its sizes.

sizing      numbers in any spelling, read and checked → `Sizing`, which becomes a `manualconv.geometry.Window`
calculator  the output with the formula filled in, what is never read, what the layer costs
inverse     the other way round: which numbers give an output
"""
