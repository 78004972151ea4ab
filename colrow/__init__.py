"""What a user imports and types: the client of the REST service and the command `colrow`.

    from colrow import Client

    with Client() as colrow:
        job = colrow.submit(yaml.safe_load(open("spec.yaml")))
        job = colrow.wait(job["id"])

`Client` is loaded when it is first named, so that `import colrow` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colrow.client import Client
    from colrow.errors import ColrowError

__all__ = ["Client", "ColrowError"]


def __getattr__(name: str) -> Any:
    if name == "Client":
        from colrow.client import Client

        return Client
    if name == "ColrowError":
        from colrow.errors import ColrowError

        return ColrowError
    raise AttributeError(f"module 'colrow' has no attribute {name!r}")
