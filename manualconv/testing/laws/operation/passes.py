"""Laws of the two passes: the value and its gradients against the definitions, exactly and in roundings."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2

import torch
from torch import Tensor

from manualconv.testing.catalogue import Question
from manualconv.testing.laws.operation.asked import Asked, Broken, law

#: How many times smaller than the largest number of a dtype an operand is, at the least.
ROOM = 2.0**10


@law()
def the_value_is_the_definition_s(asked: Asked) -> None:
    asked.judged([asked.value()], "definition", "is wrong")


@law("gradients")
def the_gradients_are_the_definition_s(asked: Asked) -> None:
    asked.judged(asked.both(), "definition", "is wrong", first=1)


@law("gradients", "float64", share=0.3)
def float64_is_computed_as_float64(asked: Asked) -> None:
    """On numbers with all their digits, which a lower precision inside cannot hold."""
    _rounds_like(asked, torch.float64)


@law("gradients", "float32", share=0.3)
def float32_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.float32)


@law("gradients", "float16", share=0.3)
def float16_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.float16)


@law("gradients", "bfloat16", share=0.3)
def bfloat16_is_off_by_the_roundings_of_its_sum(asked: Asked) -> None:
    _rounds_like(asked, torch.bfloat16)


def _rounds_like(asked: Asked, dtype: torch.dtype) -> None:
    asked = replace(asked, apply=asked.alone or asked.apply, question=held(asked.question, dtype))
    inputs = [t.requires_grad_() if n < asked.count else t for n, t in enumerate(real(asked.question, dtype))]
    results = asked.both(dtype, inputs)
    for name, t in zip(asked.slots, results):
        if t.dtype != dtype:
            raise Broken(f"{name} is {t.dtype} where the operands are {dtype}")
    asked.judged(results, f"real {str(dtype).removeprefix('torch.')}", "has lost digits")


def held(question: Question, dtype: torch.dtype) -> Question:
    """The question with numbers that the dtype holds, sums of their products too.

    Larger tensors, which made whole numbers of quotients, are divided by a power of two: that costs no digit.
    """
    most = torch.finfo(dtype).max / ROOM

    def divided(t: Tensor) -> Tensor:
        largest = float(t.abs().max()) if t.is_floating_point() and t.numel() else 0.0
        return t / 2.0 ** ceil(log2(largest / most)) if largest > most else t

    return replace(question, inputs=tuple(map(divided, question.inputs)), cotangent=divided(question.cotangent))


def real(question: Question, dtype: torch.dtype) -> list[Tensor]:
    """The question's tensors with all digits that the dtype holds; whole numbers stay between their neighbours."""
    found = []
    for n, t in enumerate(question.inputs):
        if t.is_floating_point():
            places = torch.arange(1, t.numel() + 1, dtype=torch.float64).reshape(t.shape)
            t = (t.double() * (1 - 0.25 * torch.frac(places * (0.6180339887498949 + 0.1 * n)))).to(dtype)
        found.append(t)
    return found
