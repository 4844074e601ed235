"""What a layer does, cell by cell: each pass as a list of steps, each step as the products that it adds.

    layer      the sizes of a convolution or pooling, checked: `make` → `Layer`, whose `places` are all cells that meet
    operands   its tensors: drawn where they are not given, and laid out as `Grid`, a number in each cell
    passes     which tensors each pass reads and writes, for every kind and order
    trace      `trace` puts them together: `Trace`, `Step`, `Term`; the sums of the terms are the pass
    words      a trace as text: each step's sum with its numbers, the equation, the PyTorch line

Nothing here draws; `animation` draws what stands in a trace.
"""
