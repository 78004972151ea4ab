"""What every request and answer has in common: strict fields, times, pages and failures."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """A body that a client sends. Fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Answer(BaseModel):
    """A body that we send. Every field is always there; a number that is not finite is null.

    Made of the store's views by name. Times are seconds there, RFC 3339 in UTC here.
    """

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        ser_json_inf_nan="null",
        json_schema_serialization_defaults_required=True,
    )


Name = Annotated[str, Field(max_length=200, description="A name to find it by; free text.")]
Notes = Annotated[str, Field(max_length=10_000, description="Whatever should be remembered.")]
Tag = Annotated[str, Field(min_length=1, max_length=100)]
Tags = Annotated[
    list[Tag], Field(max_length=50, description="Words to filter by.", examples=[["paper", "mlp"]])
]
Priority = Annotated[
    int,
    Field(
        ge=-1000,
        le=1000,
        description="Higher starts earlier; 0 is usual. Above COLROW_MAX_PRIORITY only an "
        "admin may go.",
        examples=[0],
    ),
]
JobId = Annotated[str, Field(examples=["019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b"])]
SweepId = Annotated[str, Field(examples=["019ab4f1-02aa-7b11-8c0d-5e6f7a8b9c0d"])]
Cursor = Annotated[
    str | None, Field(description="Send it back as `cursor` for the next page; null at the end.")
]


class FieldProblem(Answer):
    """One field and what is wrong with it."""

    loc: str = Field(
        description="Dotted path inside the spec (or the field of the body, or the parameter).",
        examples=["approximation.0.forward"],
    )
    msg: str = Field(
        examples=["a ratio is the share of pairs to keep, above 0 and at most 1; got 1.5"]
    )


class Problem(BaseModel):
    """A failure, as RFC 9457 has it (`application/problem+json`)."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(
        description="Which kind of failure this is; stable, to branch on.",
        examples=["urn:colrow:problem:spec"],
    )
    title: str = Field(description="The kind in a few words.", examples=["The spec cannot be run"])
    status: int = Field(description="The HTTP status, again.", examples=[422])
    detail: str = Field(
        description="What came, what is needed, what to do.",
        examples=["seed: this must be at least 0; got -5"],
    )
    errors: list[FieldProblem] | None = Field(
        None, description="Every field at fault, where fields are."
    )


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the failures of a route for OpenAPI."""
    said = {
        400: "The request cannot be read.",
        401: "A login is needed, or the token is not valid (any more).",
        403: "Refused: another site or host name, a role that does not suffice, or another's.",
        404: "There is no such thing; `detail` says which id was asked for.",
        408: "The body did not come in time.",
        409: "The state does not allow this, or a cap is reached; `detail` says why.",
        410: "The job that the idempotency key made was deleted.",
        413: "The body is larger than 1 MiB, or holds too many values.",
        416: "The file has no such part; `Content-Range` says how long it is.",
        422: "A field or parameter is wrong; `errors` names each, up to a hundred.",
        429: "Too many requests of one token, or tokens that are not valid; see `Retry-After`.",
        503: "The database does not answer, or has another schema; or too many streams are open; "
        "or the files of jobs cannot be reached.",
    }
    return {status: {"model": Problem, "description": said[status]} for status in statuses}
