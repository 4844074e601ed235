"""What is said about a whole network: the commands ``rf`` and ``summary``.

    named      the network that a name stands for
    receptive  what the units of each layer see: the table
    notes      what is said below the table
    unit       one unit's box and gradient on an image
    inventory  outputs, parameters, multiply-adds: the other table

A model comes in by `named` or as a module; `manualconv.explain.field` follows one forward pass of it and gives back a
row for each layer; the tables and pictures here only read these rows.
"""
