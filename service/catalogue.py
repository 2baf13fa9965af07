"""Every problem the API can answer, by its code: status, title, what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    status: int
    title: str
    meaning: str
    """What happened and what the caller can do, in whole sentences."""


PROBLEMS: dict[str, Kind] = {
    "malformed_request": Kind(
        400,
        "The request could not be read",
        "The body is not JSON, or it stopped before its end. Nothing was changed; send it again, whole.",
    ),
    "host_not_allowed": Kind(
        403,
        "This host name is not served here",
        "The `Host` header names something other than this service: `localhost`, `127.0.0.0/8`, `[::1]`, the address "
        "it listens on, and what the operator has named in `WINNOW_ALLOWED_HOSTS`. So no web page can reach it under "
        "a name of its own.",
    ),
    "key_missing": Kind(
        401,
        "A key is needed",
        "Send `Authorization: Bearer wn_...`; the command takes it from `WINNOW_KEY`. The operator makes one with "
        "`winnow-server keys create`.",
    ),
    "key_refused": Kind(
        401,
        "This key lets nobody in",
        "It is unknown here, expired or revoked; `detail` says which. Ask the operator for another.",
    ),
    "scope_missing": Kind(
        403,
        "This key may not do that",
        "`read` looks, `submit` also starts and changes, `admin` also sees the service's own figures. `detail` says "
        "which is needed.",
    ),
    "csrf_refused": Kind(
        403,
        "This form did not come from a page of this service",
        "A write that is let in by a browser's cookie carries the page's token, in `X-CSRF-Token` or as a form's "
        "`csrf_token`. Load the page again. With a key in `Authorization` no token is needed.",
    ),
    "cross_site_refused": Kind(
        403,
        "A page of another site may not do this",
        "A browser sent this write on behalf of a page that the service did not serve (`Sec-Fetch-Site`, `Origin`). "
        "Use the client, the command or the service's own pages.",
    ),
    "not_found": Kind(404, "There is nothing at this path", "Compare the path with `/openapi.json`."),
    "blob_not_found": Kind(
        404,
        "These bytes were not sent yet",
        "Send them with `PUT /v1/blobs/{sha256}` first.",
    ),
    "model_not_found": Kind(404, "No such model", "The id is unknown. `GET /v1/models` lists those there are."),
    "dataset_not_found": Kind(404, "No such dataset", "The id is unknown. `GET /v1/datasets` lists those there are."),
    "job_not_found": Kind(404, "No such job", "The id is unknown. `GET /v1/jobs` lists those there are."),
    "search_not_found": Kind(404, "No such search", "`GET /v1/searches` lists those that are built."),
    "artifact_not_found": Kind(
        404,
        "No such artifact",
        "The job has made nothing of this name. Artifacts and the report are there once the job is `succeeded`; "
        "`GET /v1/jobs/{id}/artifacts` lists them.",
    ),
    "method_not_allowed": Kind(
        405, "This path does not take this method", "The `Allow` header names the methods it takes."
    ),
    "invalid_transition": Kind(
        409,
        "The job's state does not allow this",
        "`state` says where the job is, `allowed` what may still be asked of it. A job that is over stays as it is.",
    ),
    "part_of_grid": Kind(
        409,
        "This job is a child of a grid",
        "It is deleted with its grid, and not before.",
    ),
    "level_not_kept": Kind(
        409,
        "This level was not kept",
        "Of an artifact: the recipe said `keep_levels: masks`; download the level's mask, or run the job with "
        "`keep_levels: models`. Of a fork: no checkpoint that is left holds the level; `detail` says what is held.",
    ),
    "idempotency_key_in_flight": Kind(
        409,
        "A request with this Idempotency-Key is being answered",
        "Wait for it, then send the same request again: you get its answer.",
    ),
    "precondition_failed": Kind(
        412, "The artifact is not the one named by If-Match", "Read its `ETag` again and decide."
    ),
    "body_too_large": Kind(
        413,
        "The body is too large",
        "Nothing was kept. `detail` says how many bytes are taken; the operator sets the limit for blobs with "
        "`WINNOW_MAX_BLOB_BYTES`.",
    ),
    "unsupported_media_type": Kind(
        415,
        "This kind of body is not taken here",
        "Requests are `application/json`; blobs are raw bytes, without `Content-Encoding` and never multipart.",
    ),
    "range_not_satisfiable": Kind(
        416, "The range lies outside the artifact", "`Content-Range` says how many bytes there are."
    ),
    "invalid_request": Kind(
        422,
        "The request says something that cannot be done",
        "`errors` has one entry per field: its pointer, what was expected and what came.",
    ),
    "invalid_recipe": Kind(
        422,
        "The recipe says something that cannot be done",
        "`errors` has one entry per field: its pointer, what was expected, what came, and the words allowed. "
        "`POST /v1/jobs:validate` answers the same without starting anything.",
    ),
    "bad_model": Kind(
        422,
        "The model does not hold what was declared",
        "`errors` names the architecture, the argument or the tensor, with what was expected and what came.",
    ),
    "bad_dataset": Kind(
        422,
        "The dataset does not hold what was declared",
        "`errors` names the array and the first bad row.",
    ),
    "model_refused": Kind(
        422,
        "The model was inspected and refused",
        "`GET /v1/models/{id}` says why. Correct the file and send it as a new model.",
    ),
    "dataset_refused": Kind(
        422,
        "The dataset was inspected and refused",
        "`GET /v1/datasets/{id}` says why. Correct the file and send it as a new dataset.",
    ),
    "digest_mismatch": Kind(
        422,
        "The bytes do not have the sha256 they were sent under",
        "Nothing was kept. Something altered the file on its way, or the name is of another file: hash it and send "
        "it again.",
    ),
    "idempotency_key_reused": Kind(
        422,
        "This Idempotency-Key was used for another body",
        "A key stands for one request for 24 hours. Use a new key for a new request.",
    ),
    "internal_error": Kind(
        500,
        "Something went wrong on our side",
        "It is in the log under `request_id`. A request with an `Idempotency-Key` can be sent again safely.",
    ),
    "database_unavailable": Kind(
        503, "The database did not answer", "Nothing was changed. Try again after `Retry-After` seconds."
    ),
    "store_unavailable": Kind(
        503,
        "The store of bytes did not answer",
        "What was sent was not kept; what was made is. Try again after `Retry-After` seconds.",
    ),
    "not_ready": Kind(
        503, "The service is not ready", "`checks` says what is missing. Try again after `Retry-After` seconds."
    ),
    "insufficient_storage": Kind(
        507, "There is no room for these bytes", "Nothing was kept. The operator has to make room on the disk."
    ),
}
