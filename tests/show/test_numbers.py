"""Numbers of a column: alike in length, and told apart."""

import math

import pytest

from seeing.show.numbers import written_alike


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ([0.984, 0.9819, 0.97], ["0.9840", "0.9819", "0.9700"]),
        ([0.98401, 0.98402, 0.5], ["0.98401", "0.98402", "0.50000"]),
        ([0.98, 0.98, 0.98], ["0.9800", "0.9800", "0.9800"]),
        ([1.0, 0.9999996, 0.2], ["1.00000", "1.00000", "0.20000"]),  # never more than six digits
        ([12.34, 5.0], ["12.34", "5.00"]),
        ([1354313.2, 9.0, 0.0], ["1354313", "9", "0"]),
        ([2.885e-10, 2.9e-11], ["2.885e-10", "2.900e-11"]),
        ([-0.25, 0.01], ["-0.2500", "0.0100"]),
        ([0.0], ["0.0000"]),
        ([0.5, math.nan], ["0.5000", "nan"]),
    ],
)
def test_a_column_is_written_alike(column: list[float], written: list[str]) -> None:
    write = written_alike(column)
    assert [write(value) for value in column] == written


def test_an_empty_column_writes_what_comes() -> None:
    assert written_alike([])(0.5) == "0.5000"
