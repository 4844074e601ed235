"""A trace as pictures: what `manualconv animate` prints and saves.

    animate    a layer and its passes → a `Figure` with a GIF and a PNG for each pass, and one page
    layout     where each cell stands, and how large a cell is
    cells      how one cell is drawn in each of its states
    drawing    one step as a picture, made of the two before
    explorer   the page that traces by itself what is set on it; its parts lie in ``page/``

Numbers and sums come from `manualconv.explain.tracing`, and are only drawn here.
"""
