"""For receivers of webhooks: was it Colrow that sent this, and just now?

    from colrow.signature import is_genuine

    if not is_genuine(body, headers["Colrow-Signature"], secret):
        ...  # answer 400

`body` is the request's body as it came, in bytes, before any parsing. A message may come twice,
with the same header `Colrow-Delivery`.
"""

import hashlib
import hmac
import re
import time

_HEADER = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def is_genuine(
    body: bytes, header: str, secret: str, *, tolerance_s: float = 300.0, now_s: float | None = None
) -> bool:
    """Tell whether the header `Colrow-Signature` fits the body and is not older than it may be."""
    found = _HEADER.fullmatch(header)
    if found is None:
        return False
    at = found[1].encode()
    expected = hmac.new(secret.encode(), at + b"." + body, hashlib.sha256).hexdigest()
    present_s = time.time() if now_s is None else now_s
    return hmac.compare_digest(expected, found[2]) and abs(present_s - int(at)) <= tolerance_s
