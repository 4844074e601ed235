"""What a unit of a network sees of the input: intervals that are followed through every call of a forward pass.

`axis` has the arithmetic of one axis, `reading` what each kind of layer reads, `tensor` a tensor's axes together,
`rules` what each function does to them, and `follow` runs a model and writes down its layers.
"""
