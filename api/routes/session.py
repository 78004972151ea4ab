"""A browser's session: a token is shown once, a cookie remembers it."""

from fastapi import APIRouter, Request, Response

from api.deps import ServiceDep
from api.door import CHALLENGE, no_good
from api.errors import Refusal
from api.identity import Identity, IdentityDep, address_of, cookie_name
from api.schemas.base import failures
from api.schemas.people import SignIn, WhoAmI
from store import signins, tokens
from store.tokens import TokenView

router = APIRouter(tags=["people"])
DAY_S = 86_400.0


@router.get("/session", operation_id="getSession")
def who_am_i(who: IdentityDep) -> WhoAmI:
    """Say who asks, by what they show."""
    return _shown(who)


@router.post("/session", operation_id="signIn", responses=failures(400, 413))
def sign_in(body: SignIn, service: ServiceDep, request: Request, response: Response) -> WhoAmI:
    """Take a token and give a cookie for it, so that a browser need not keep the token."""
    address, digest = address_of(request.scope), tokens.digest(body.token)
    service.guesses.demand_room(address, digest)
    found: TokenView | None = None
    if tokens.looks_like_one(body.token):
        with service.write() as session:
            found = tokens.find(session, body.token)
            if found is not None and found.state == "valid":
                lasts_s = service.settings.session_days * DAY_S
                secret, ends = signins.begin(session, found, lasts_s=lasts_s)
                tokens.touch(session, found.key)
    is_valid = found is not None and found.state == "valid"
    service.guesses.told(address, digest, is_valid=is_valid)
    if found is None or not is_valid:
        raise Refusal(401, "login", "Not known", no_good(found), headers=CHALLENGE)
    response.set_cookie(
        cookie_name(request.scope),
        secret,
        max_age=max(1, int(ends - found.now)),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    who = Identity(found.user, found.role, "cookie", found)
    request.state.identity = who  # for the audit log
    return _shown(who)


@router.delete("/session", operation_id="signOut", status_code=204)
def sign_out(service: ServiceDep, request: Request, response: Response) -> None:
    """End the browser's session. Without one nothing happens."""
    name = cookie_name(request.scope)
    secret = request.cookies.get(name)
    if secret:
        with service.write() as session:
            signins.end(session, secret)
        response.delete_cookie(name, httponly=True, samesite="lax")


def _shown(who: Identity) -> WhoAmI:
    token = who.token
    return WhoAmI.model_validate(
        {
            "user": who.user,
            "role": who.role,
            "by": who.by,
            "token_id": token.id if token else None,
            "token_name": token.name if token else None,
            "expires_at": token.expires_at if token else None,
        }
    )
