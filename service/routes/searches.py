"""What may be asked: the searches with their schemas, the architectures with their arguments; arithmetic alone."""

from functools import cache
from typing import Any

from fastapi import APIRouter

from service.openapi import problems
from service.problems import Problem
from service.schemas import ArchitectureList, SearchList
from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.plans.parsing import recipe_schema
from ticketing.recipe import RECIPES

router = APIRouter(prefix="/v1", tags=["What may be asked"])


@router.get("/searches", operation_id="list_searches", summary="The searches that are built", response_model=SearchList)
async def list_searches() -> dict[str, Any]:
    """List the words `recipe.search` may be."""
    return {
        "items": [
            {
                "name": name,
                "summary": recipe.__doc__,
                "schema_url": f"/v1/searches/{name}/schema",
                "page": f"docs/searches/{name}.md",
            }
            for name, recipe in RECIPES.items()
        ],
        "next_page_token": None,
    }


@router.get(
    "/searches/{name}/schema",
    operation_id="get_search_schema",
    summary="What a recipe of this search may hold",
    responses=problems("search_not_found"),
)
async def get_search_schema(name: str) -> dict[str, Any]:
    """Give the JSON Schema of a recipe: every field with its default, its bounds and a line of prose."""
    if name not in RECIPES:
        raise Problem("search_not_found", f"expected one of {', '.join(RECIPES)}, got {name[:80]!r}")
    return recipe_schema(name)


@router.get("/architectures", operation_id="list_architectures", summary="The zoo", response_model=ArchitectureList)
async def list_architectures() -> dict[str, Any]:
    """List the architectures: the arguments each takes and their defaults, its size with those, and its preset."""
    return {"items": [_shown(name) for name in ARCHITECTURES], "next_page_token": None}


@cache
def _shown(name: str) -> dict[str, Any]:
    known, defaults = ARCHITECTURES[name], arguments_for(name, {})
    listed = inventory(name, defaults)
    return {
        "name": name,
        "description": known.description,
        "arguments": known.arguments.model_json_schema(),
        "defaults": defaults,
        "parameters": listed.parameters_total,
        "prunable": listed.prunable_total,
        "multiply_adds": listed.multiply_adds,
        "preset": dict(known.preset),
    }
