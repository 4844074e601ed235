"""The ten digits as 7×12 bitmaps: what the output units of LeNet-5 of 1998 compare F6's 84 outputs with.

The article has a bitmap for every printable character, in the style of its machines; these ten are drawn for this file.
Likely confusions, such as 3 and 8, lie near each other, as the article wants it: the smallest Hamming distance is 11.
"""

import torch
from torch import Tensor

ROWS, COLUMNS = 12, 7

DIGITS = """
.......  .......  .......  .......  .......
..###..  ...#...  .#####.  .#####.  ....##.
.##.##.  ..##...  ##...##  ##...##  ...###.
##...##  .###...  .....##  .....##  ..####.
##...##  ...#...  .....##  .....##  .##.##.
##...##  ...#...  ....##.  ..####.  ##..##.
##...##  ...#...  ...##..  .....##  ##..##.
##...##  ...#...  ..##...  .....##  #######
##...##  ...#...  .##....  .....##  ....##.
.##.##.  ...#...  ##.....  ##...##  ....##.
..###..  .#####.  #######  .#####.  ....##.
.......  .......  .......  .......  .......

.......  .......  .......  .......  .......
#######  ..####.  #######  .#####.  .#####.
##.....  .##....  .....##  ##...##  ##...##
##.....  ##.....  .....##  ##...##  ##...##
##.....  ##.....  ....##.  ##...##  ##...##
######.  ##.###.  ...##..  .#####.  ##...##
.....##  ###..##  ..##...  ##...##  .######
.....##  ##...##  ..##...  ##...##  .....##
.....##  ##...##  ..##...  ##...##  .....##
##...##  ##...##  ..##...  ##...##  ....##.
.#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......
"""


def codes() -> Tensor:
    """(10, 84): row i is digit i, line by line from the top, +1 for ink and −1 for paper."""
    lines = [line.split() for line in DIGITS.splitlines() if line]
    blocks = (lines[:ROWS], lines[ROWS:])
    digits = ["".join(row[digit] for row in block) for block in blocks for digit in range(5)]
    return torch.tensor([[1.0 if character == "#" else -1.0 for character in digit] for digit in digits])
