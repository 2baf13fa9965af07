"""service.routes.searches: exactly what is built, each field with its bounds."""

from typing import Any

from ticketing.architectures import ARCHITECTURES, inventory
from ticketing.recipe import SEARCHES


def test_the_catalogue_names_every_search_and_where_its_schema_is(service: Any) -> None:
    answer = service.http.get("/v1/searches")
    assert [item["name"] for item in answer.json()["items"]] == list(SEARCHES)
    for item in answer.json()["items"]:
        schema = service.http.get(item["schema_url"])
        assert (schema.status_code, schema.json()["additionalProperties"]) == (200, False)
        assert schema.json()["properties"]["levels"]
        assert schema.json()["properties"]["criterion"]["x-words"]["large_final"] == "|w_f|"


def test_an_unknown_search_is_told_with_those_there_are(service: Any) -> None:
    answer = service.http.get("/v1/searches/divination/schema")
    assert (answer.status_code, answer.json()["code"]) == (404, "search_not_found")
    assert "iterative" in answer.json()["detail"]


def test_every_architecture_is_shown_with_arguments_that_build_it(service: Any) -> None:
    answer = service.http.get("/v1/architectures")
    assert {item["name"] for item in answer.json()["items"]} == set(ARCHITECTURES)
    for item in answer.json()["items"]:
        made = inventory(item["name"], item["defaults"])
        assert (item["parameters"], item["prunable"]) == (made.parameters_total, made.prunable_total)
        assert item["multiply_adds"] == made.multiply_adds


def test_an_architecture_is_shown_with_the_words_and_bounds_of_its_arguments(service: Any) -> None:
    items = {item["name"]: item for item in service.http.get("/v1/architectures").json()["items"]}
    stem = items["resnet-18"]["arguments"]["properties"]["stem"]
    assert stem["enum"] == ["cifar", "imagenet"]
    assert stem["description"] == "Left out: cifar for images of up to 64 pixels on the shorter side, else imagenet."
    assert "stem" not in items["resnet-18"]["arguments"]["required"]
    assert items["lenet-5"]["arguments"]["properties"]["input_size"]["items"] == {
        "type": "integer",
        "minimum": 16,
        "maximum": 1024,
    }
