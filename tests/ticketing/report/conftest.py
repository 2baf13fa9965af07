"""A report as a run writes it, small and made up, for the pages that are drawn from it."""

from typing import Any

import pytest

from ticketing.report.grid_document import grid_document


def _result(*values: float) -> dict[str, Any]:
    return {"values": list(values), "mean": sum(values) / len(values), "n": len(values)}


def _level(level: int, sparsity: float, kept: int, ticket: float, reinit: float, verdict: str | None) -> dict[str, Any]:
    pruned = {
        "ticket": _result(ticket, ticket + 0.004, ticket - 0.003),
        "reinit": _result(reinit, reinit + 0.01, reinit - 0.006),
    }
    test = {"dense": _result(0.95, 0.953, 0.947)} if level == 0 else {"dense": _result(0.95, 0.953, 0.947), **pruned}
    return {
        "level": level,
        "kept": kept,
        "total": 1000,
        "sparsity": sparsity,
        "density": 1 - sparsity,
        "effective_density": 0.9 * (1 - sparsity),
        "layers": [
            {"name": "fc1.weight", "kept": round(kept * 0.8), "total": 800},
            {"name": "fc2.weight", "kept": max(1, round(200 * (1 - sparsity) ** 0.6)), "total": 200},
        ],
        "validation": {"accuracy": ticket + 0.01, "loss": 0.2, "early_stop_step": 100, "censored": False},
        "train": {"accuracy": 1.0 if level < 2 else 0.99, "loss": 0.01},
        "regime": "interpolating" if level < 2 else "critical",
        "test": test,
        "exploratory": level != 3,
        "verdict": verdict,
    }


@pytest.fixture
def report() -> dict[str, Any]:
    """A winning ticket after three levels, reinit run beside it, three replicates."""
    against = {
        "dense": {
            "differences": [0.004, 0.006, 0.001],
            "mean": 0.00367,
            "interval": [-0.0026, 0.0099],
            "bootstrap": [-0.001, 0.008],
            "outcome": "matches",
        },
        "reinit": {
            "differences": [0.03, 0.024, 0.033],
            "mean": 0.029,
            "interval": [0.0176, 0.0404],
            "bootstrap": [0.012, 0.046],
            "outcome": "beaten",
        },
    }
    return {
        "report_version": 1,
        "job": {"id": "job_1", "name": "small <b>network</b>"},
        "search": {"name": "iterative", "levels": 3, "delivered_level": 3, "test_accuracy": 0.951},
        "levels": [
            _level(0, 0.0, 1000, 0.95, 0.95, None),
            _level(1, 0.2, 800, 0.953, 0.945, "matching"),
            _level(2, 0.36, 640, 0.955, 0.936, "winning"),
            _level(3, 0.488, 512, 0.954, 0.925, "winning"),
        ],
        "certificate": {
            "level": 3,
            "verdict": "winning",
            "n": 3,
            "replicates_of": "search",
            "tolerance": 0.005,
            "resolution": 1 / 360,
            "against": against,
            "not_beaten": [],
        },
        "regime": {
            "interpolating_error": 0.001,
            "critical_levels": [2, 3],
            "delivered": "critical",
            "levels": [{"level": 0, "train_error": 0.0, "regime": "interpolating", "parameters_per_target": 0.5}],
        },
        "invariants": [{"name": "masked entries are exactly zero", "checked": 8640, "held": True}],
        "cost": {"updates": 5760, "flops_executed": 552_000_000_000, "seconds": 7.25},
        "sizes": {"model.safetensors": 5120, "sparse.safetensors": 2310},
        "provenance": {"torch": "2.13.0", "seeds": {"search": 0}},
        "recipe": {"search": "iterative"},
        "dataset": {"name": "builtin:digits"},
        "model": {"architecture": "mlp"},
        "warnings": [{"code": "no_speedup_from_unstructured", "detail": "zeros & <dense> layouts"}],
    }


def _point(seed: int, sparsity: float, accuracy: float, *, failed: bool = False) -> dict[str, Any]:
    """Make a point of a grid as the database has it: two searches of one level each."""
    levels = [
        {"replicate": replicate, "level": level, "kept": kept, "total": 1000, "sparsity": 1 - kept / 1000}
        | {"validation_accuracy": value, "validation_loss": 0.1, "early_stop_step": 5}
        for replicate in (0, 1)
        for level, kept, value in (
            (0, 1000, 0.97 - 0.02 * replicate),
            (1, round(1000 * (1 - sparsity)), accuracy),
        )
    ]
    ticket = {"level": 1, "sparsity": sparsity, "validation_accuracy": accuracy}
    summary = ticket | {"accuracy": accuracy - 0.01, "accuracy_drop": 0.96 - accuracy, "bytes": 100}
    best = {"level": 1, "sparsity": 0.5, "metric": "validation_accuracy", "value": accuracy, "delta_vs_dense": -0.01}
    return {
        "job": f"job_{seed}_{sparsity}",
        "name": f"two by two · seed {seed}, sparsity {sparsity}",
        "point": {"/seed": seed, "/target/sparsity": sparsity},
        "state": "failed" if failed else "succeeded",
        "error": {"code": "diverged", "detail": "the loss is no longer finite"} if failed else None,
        "summary": None if failed else summary | {"verdict": "winning", "n": 3, "flops": 1000.0},
        "best": None if failed else best,
        "gate": None,
        "warnings": [] if failed else [{"code": "no_speedup", "detail": "zeros & <dense> layouts"}],
        "seconds": 10.0,
        "levels": levels[:1] if failed else levels,
    }


@pytest.fixture
def grid_points() -> list[dict[str, Any]]:
    """Two seeds at two sparsities; the last one failed."""
    return [
        _point(0, 0.5, 0.94),
        _point(0, 0.8, 0.92),
        _point(1, 0.5, 0.95),
        _point(1, 0.8, 0.0, failed=True),
    ]


@pytest.fixture
def failed_points() -> list[dict[str, Any]]:
    """Two seeds that both failed."""
    return [dict(_point(seed, 0.5, 0.0, failed=True), point={"/seed": seed}) for seed in (0, 1)]


@pytest.fixture
def grid(grid_points: list[dict[str, Any]]) -> dict[str, Any]:
    """The report over those points."""
    return grid_document(
        job={"id": "job_grid", "name": "two by two", "labels": {}},
        axes={"/seed": [0, 1], "/target/sparsity": [0.5, 0.8]},
        points=grid_points,
        gate=None,
        model="mlp",
        dataset="builtin:digits",
        recipe={"search": "iterative"},
    )
