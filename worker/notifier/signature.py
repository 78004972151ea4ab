"""The signature of a delivery: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" as hex>`.

The time is signed with the body, so that a receiver can refuse what somebody kept and sends again.
"""

import hashlib
import hmac

HEADER = "Colrow-Signature"


def sign(body: bytes, secret: str, at_s: int) -> str:
    """Give the header's value."""
    digest = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"
