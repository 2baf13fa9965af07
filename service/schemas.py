"""The shapes of answers about inputs and the catalogue, for `/openapi.json`; the tests hold answers to these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

InputState = Literal["inspecting", "ready", "refused"]


class Answer(BaseModel):
    """Part of an answer: exactly these members."""

    model_config = ConfigDict(extra="forbid")


class Reason(BaseModel):
    """Why something failed or was refused."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="A heading of docs/errors.md, *Why a job failed*.")
    detail: str


class Warned(BaseModel):
    """Something worth knowing that stops nothing."""

    model_config = ConfigDict(extra="allow")

    code: str
    detail: str


class SearchSupport(Answer):
    """Whether a search can take a model."""

    search: str
    supported: bool
    reason: str | None


class ModelObject(Answer):
    """A network, and where its weights come from."""

    id: str
    name: str | None
    state: InputState
    sha256: str | None = Field(description="Of the uploaded file; null when the weights are drawn from `seed`.")
    architecture: str
    arguments: dict[str, Any]
    seed: int | None
    weights: Literal["initial", "trained"]
    inventory: dict[str, Any] | None = Field(description="Layers, shapes, counts; null while inspecting.")
    error: Reason | None
    warnings: list[Warned]
    created_at: str
    prunable_share: float | None = Field(description="Prunable entries of all parameters.")
    searches: list[SearchSupport]


class DatasetObject(Answer):
    """A dataset, and what its inspection found."""

    id: str
    name: str | None
    state: InputState
    uri: str | None
    sha256: str | None = Field(description="Of the uploaded file.")
    canonical_sha256: str | None = Field(description="Of what the inspection made of it; runs read this one.")
    summary: dict[str, Any] | None = Field(description="Splits, counts, classes, fingerprint; null while inspecting.")
    error: Reason | None
    warnings: list[Warned]
    created_at: str


class SearchEntry(Answer):
    """A search of the catalogue."""

    name: str
    summary: str
    schema_url: str


class ArchitectureEntry(Answer):
    """A network of the zoo."""

    name: str
    description: str
    arguments: dict[str, Any] = Field(description="JSON Schema.")
    defaults: dict[str, Any] = Field(description="Of its own dataset.")
    parameters: int = Field(description="Weights, biases and norms, with its defaults.")
    prunable: int = Field(description="Entries of the weights that may be pruned, with its defaults.")
    multiply_adds: int = Field(description="Of one forward pass of one example, with its defaults.")
    preset: dict[str, Any] = Field(description="A partial recipe.")


class Listing(Answer):
    """A page of a list."""

    next_page_token: str | None


class ModelList(Listing):
    """Models, the newest first."""

    items: list[ModelObject]


class DatasetList(Listing):
    """Datasets, the newest first."""

    items: list[DatasetObject]


class SearchList(Listing):
    """The searches that are built."""

    items: list[SearchEntry]


class ArchitectureList(Listing):
    """The zoo."""

    items: list[ArchitectureEntry]
