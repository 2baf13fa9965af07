"""ticketing.report.gain: a network is faster, slower or neither by its interval, in words that carry the figures."""

from typing import Any

import pytest

from ticketing.report.gain import gain_sentences, memory_table, section, time_rows


def measured(interval: tuple[float, float], *, threads: int = 1) -> dict[str, Any]:
    row = {"runtime": "onnxruntime", "batch_size": 32, "n": 21}
    times = [
        row | {"network": "dense", "p50": 44.0, "p95": 45.0, "faster": 1.0, "interval": [1.0, 1.0]},
        row | {"network": "slim", "p50": 11.2, "p95": 12.0, "faster": sum(interval) / 2, "interval": list(interval)},
    ]
    networks = {
        name: {"parameters": 1000, "multiply_adds": 5000, "peak_bytes": {"32": 70_000}} for name in ("dense", "slim")
    }
    return {"threads": threads, "versions": {"onnxruntime": "1.32.0"}, "networks": networks, "latency": times}


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((3.9, 4.1), "4.00 times as fast as dense at batch 32 (3.90 to 4.10)"),
        ((1.051, 1.2), "1.13 times as fast as dense"),
        ((1.049, 1.2), "not faster than dense at batch 32"),
        ((0.8, 1.3), "not faster than dense at batch 32 (1.05 times, 0.80 to 1.30)"),
        ((0.8, 0.951), "not faster than dense"),
        ((0.8, 0.949), "slower than dense at batch 32"),
    ],
)
def test_what_an_interval_shows_is_said_and_no_more(interval: tuple[float, float], said: str) -> None:
    (sentence,) = gain_sentences({"gain": measured(interval)})
    assert said in sentence
    assert sentence.startswith("ONNX Runtime 1.32.0 on one thread of the CPU: the slim network is ")


def test_the_threads_are_told() -> None:
    (sentence,) = gain_sentences({"gain": measured((1, 1), threads=4)})
    assert "on 4 threads of the CPU" in sentence


def test_tables_hold_a_row_for_everything_that_was_measured() -> None:
    gain = measured((3.9, 4.1))
    assert time_rows(gain) == [
        ["ONNX Runtime", "32", "dense", "21", "44", "45", ""],
        ["ONNX Runtime", "32", "slim", "21", "11.2", "12", "4.00 [3.90, 4.10]"],
    ]
    head, rows = memory_table(gain)
    assert head == ["network", "parameters", "multiply-adds", "peak bytes, 32 at once"]
    assert [row[0] for row in rows] == ["dense", "slim"]


def test_a_page_without_a_measurement_has_no_such_part() -> None:
    assert section({"gain": None}) == ""
    assert "<h2>What it gains</h2>" in section({"gain": measured((3.9, 4.1))})
