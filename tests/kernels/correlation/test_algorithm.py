"""What an algorithm of one's own has to have."""

import pytest

import manualconv

MAPS = ("to_output", "to_input", "to_weight")


@pytest.mark.parametrize("missing", MAPS)
def test_a_map_that_is_not_written_is_said_by_python(missing: str) -> None:
    written = {name: lambda self, *operands: operands[0] for name in MAPS if name != missing}
    with pytest.raises(TypeError, match=f"abstract.*{missing}"):
        type("Half", (manualconv.Algorithm,), written)()
