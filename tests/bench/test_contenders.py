"""Contenders compute the row that they are timed on: both layouts, both settings, every peer that is installed."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from manualconv.bench import peers
from manualconv.bench.contenders import admitting_errors, builtin, by_hand, relaid
from manualconv.bench.peers import PACKAGES
from manualconv.bench.phases import phase_of, tensors
from manualconv.bench.reference import relative_error
from manualconv.bench.suite import SUITE, Row

#: Small rows of every kind that a peer can express, or not.
ROWS = {
    "two axes": replace(SUITE["A2"], input=(2, 6, 9, 8), outputs=4),
    "strides": replace(SUITE["C2"], input=(2, 4, 9, 8), outputs=6),
    "groups": replace(SUITE["D1"], input=(2, 8, 7, 6), outputs=8, groups=4),
    "depthwise": replace(SUITE["D2"], input=(2, 5, 7, 6), outputs=5, groups=5),
    "dilation": replace(SUITE["E2"], input=(1, 3, 9, 10), outputs=4),
    "one axis": replace(SUITE["F6"], input=(2, 3, 80), outputs=4, kernel=(16,)),
    "three axes": replace(SUITE["G1"], input=(1, 2, 4, 5, 6), outputs=3),
    "transposed": replace(SUITE["H1"], input=(2, 4, 5, 4), outputs=3),
    "pooling": replace(SUITE["P2"], input=(2, 3, 9, 8), outputs=3, groups=3),
}


def results(layer: object, row: Row, phase: str, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    return tuple(t.detach() for t in phase_of(layer, row, tensors(row, dtype), phase)())


@pytest.mark.parametrize("phase", ["f", "f+b", "d2"])
@pytest.mark.parametrize("name", ROWS)
def test_ours_computes_every_phase_of_every_kind(name: str, phase: str) -> None:
    row = ROWS[name]
    if (name, phase) == ("pooling", "d2"):
        pytest.skip("not timed")
    exact = [(t, torch.zeros_like(t)) for t in results(builtin(row), row, phase)]
    for layer in (by_hand(row), admitting_errors(by_hand(row))):
        assert relative_error(results(layer, row, phase), exact) < 1e-14
    given = tuple(map(relaid, tensors(row, torch.float64)))
    assert relative_error(phase_of(builtin(row), row, given, phase)(), exact) < 1e-14


def test_churn_takes_another_length_at_every_call() -> None:
    row = replace(SUITE["H4"], input=(1, 6, 224), kernel=(8,), stride=(2,))
    ours, theirs = (
        phase_of(layer, row, tensors(row, torch.float64), "churn") for layer in (by_hand(row), builtin(row))
    )
    lengths = []
    for _ in range(3):
        y, expected = ours(), theirs()
        assert relative_error(y, [(t.detach(), torch.zeros_like(t)) for t in expected]) < 1e-14
        lengths.append(y[1].shape[-1])
    assert len(set(lengths)) == 3


@pytest.mark.parametrize("peer", peers.ALL)
def test_a_peer_computes_the_rows_that_it_is_asked_for(peer: str) -> None:
    if peer in PACKAGES:
        pytest.importorskip(PACKAGES[peer])
    asked = [row for row in ROWS.values() if peer in peers.peers(row)]
    assert asked
    for row in asked:
        layer = peers.peers(row)[peer]()
        phase = "f" if peer in peers.FORWARD_ONLY else "f+b"
        exact = [(t, torch.zeros_like(t)) for t in results(builtin(row), row, phase)]
        call = peers.quiet(phase_of(layer, row, tensors(row, torch.float32), phase))
        assert relative_error(call(), exact) < 1e-5


def test_a_peer_that_is_not_installed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "unfoldNd" else find_spec(name))
    assert "unfoldNd" not in peers.peers(SUITE["A2"])
    assert "unfold + matmul" in peers.peers(SUITE["A2"])


def test_a_peer_is_not_asked_for_what_it_cannot_express_or_hold() -> None:
    assert peers.peers(SUITE["P1"]) == {}
    assert peers.peers(SUITE["H1"]) == {}
    assert "unfold + matmul" not in peers.peers(SUITE["F1"])
    assert "unfold + matmul" not in peers.peers(replace(SUITE["B1"], input=(64, 64, 112, 112)))
    assert "scipy oaconvolve" not in peers.peers(SUITE["D3"])
