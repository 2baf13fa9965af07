"""`winnow compress`: from files and options to a finished ticket."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from winnow.client import DEFAULT_URL
from winnow.errors import Json
from winnow.session import AsJson, Key, Out, Timeout, Url, Wait, open_session, see_through, tell_plan, usage_errors
from winnow.submission import data_of, gates_of, pairs, recipe_of

PATIENCE_SECONDS = 600.0
"""While data is looked at, before a plan is asked for."""


def compress(
    arch: Annotated[str, typer.Option("--arch", help="Name of the network, e.g. lenet-300-100.")],
    data: Annotated[str, typer.Option("--data", help="An .npz file, or a uri such as builtin:digits.")],
    model: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="Weights, .safetensors.")] = None,
    arg: Annotated[list[str] | None, typer.Option("--arg", help="An argument of the network: classes=10.")] = None,
    weights: Annotated[Literal["initial", "trained"], typer.Option(help="Which moment MODEL is of.")] = "initial",
    search: Annotated[str | None, typer.Option(help="Default: iterative.")] = None,
    sparsity: Annotated[float | None, typer.Option(help="Fraction of the prunable weights to remove.")] = None,
    levels: Annotated[int | None, typer.Option(help="Pruned levels, instead of a sparsity.")] = None,
    evidence: Annotated[str | None, typer.Option(help="none, quick, standard or paper.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random, the initialisation too.")] = None,
    recipe: Annotated[Path | None, typer.Option(exists=True, help="A recipe as JSON, under all options.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A field: training.length=20ep.")] = None,
    max_drop: Annotated[float | None, typer.Option(help="Gate: accuracy (fraction) it may lose.")] = None,
    min_sparsity: Annotated[float | None, typer.Option(help="Gate: sparsity it must reach.")] = None,
    max_bytes: Annotated[int | None, typer.Option(help="Gate: size of sparse.safetensors or slim.safetensors.")] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(help="Gate: of one example under ONNX Runtime on the worker's CPU, p50.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the job.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="git_sha=9f3c2ab")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would cost; nothing is queued.")] = False,
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Compress a network: upload what is a file, submit, and with --wait or --out see it through."""
    with usage_errors():
        if plan and (wait or out):
            raise ValueError("expected --plan or --wait and --out, got both: with --plan there is no job to wait for")
        base = json.loads(recipe.read_text()) if recipe else {}
        asked = recipe_of(
            base,
            search=search,
            sparsity=sparsity,
            levels=levels,
            evidence=evidence,
            seed=seed,
            settings=settings or (),
        )
        arguments = pairs(arg or ())
        labels = {name: str(value) for name, value in pairs(label or ()).items()}
        file, uri = data_of(data)
    with open_session(url, key, as_json) as session:
        source: Json = {"sha256": session.client.upload(model), "weights": weights} if model else {"seed": seed or 0}
        body: Json = {"recipe": asked, "labels": labels}
        body["model"] = {"architecture": arch, "arguments": arguments} | source
        if plan:  # of data that was looked at
            body["dataset"] = session.client.dataset(file, uri=uri, wait_seconds=timeout or PATIENCE_SECONDS)["id"]
        else:
            body["dataset"] = {"sha256": session.client.upload(file)} if file else {"uri": uri}
        gates = gates_of(
            max_drop=max_drop, min_sparsity=min_sparsity, max_bytes=max_bytes, max_latency_ms=max_latency_ms
        )
        if gates:
            body["gates"] = gates
        if name:
            body["name"] = name
        if plan:
            return tell_plan(session, body)
        return see_through(session, session.client.submit(body), wait=wait, timeout=timeout, out=out)
