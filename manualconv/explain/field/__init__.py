"""What a unit of a network sees of the input: intervals that are followed through every call of a forward pass.

reading      what one axis of a layer reads of its input
axis         one axis of a tensor: what each position sees; behind a `Reading`, where branches meet
tensor       the axes of a tensor together: `Field`
call         a call of one of torch's functions, and the table of rules by name
layers       the rules of layers that read windows, enlarge, pad, reduce or normalise
arrangement  the rules of what moves, cuts or joins axes, and of what works entry by entry
path         what is written down: a `Row` for each layer
follow       runs a model on a tensor that knows its `Field`, and gives back the `Path`
"""
