"""The api: does it answer where it should, and is it ours; or is its port free."""

import httpx

from colrow.errors import LocalError
from colrow.local import network
from colrow.local.doctor.finding import Finding
from colrow.local.doctor.place import Place
from worker.host import versions

NAME = "api"
PATIENCE_S = 5.0


def check(place: Place) -> list[Finding]:
    """Ask the api; where none is to run, look at the port that it would take."""
    if place.is_embedded and place.up is None and not place.is_server_given:
        return _port(place)
    try:
        answer = httpx.get(f"{place.server}/readyz", timeout=PATIENCE_S, trust_env=False)
        told = answer.json()
        told = told if isinstance(told, dict) else {}
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return [_silent(place, str(error) or type(error).__name__)]
    except ValueError:
        told = {}
    if answer.status_code == 503 and "detail" in told:
        return [Finding(NAME, "fault", f"{place.server}: {told['detail']}", "see `database`")]
    if "version" not in told:
        what = f"something else than Colrow answers at {place.server} (status {answer.status_code})"
        advice = "name the api with --server or COLROW_SERVER, or stop what listens there"
        return [Finding(NAME, "fault", what, advice)]
    found = []
    ours = versions()["colrow"]
    if told["version"] != ours:
        what = f"the api is Colrow {told['version']}, this machine has {ours}"
        advice = "bring all parts of one service to the same version"
        found.append(Finding("versions", "fault", what, advice))
    if told.get("broker") == "down":
        what = f"the api at {place.server} does not reach its broker"
        advice = "jobs are kept, and start a sweep later; start the broker"
        found.append(Finding(NAME, "warning", what, advice))
    return found or [Finding(NAME, "ok", f"answers at {place.server} (Colrow {told['version']})")]


def _silent(place: Place, why: str) -> Finding:
    told = f"no api answers at {place.server}: {why}"
    if place.up is not None:
        advice = f"look at {place.home / 'logs' / 'api.log'}; `colrow up` starts it again by itself"
        return Finding(NAME, "fault", told, advice)
    if place.is_server_given:
        advice = "start it (`python -m api`), or mend the address (--server, COLROW_SERVER)"
        return Finding(NAME, "fault", told, advice)
    return Finding(NAME, "note", told, "if it runs elsewhere, name it with --server")


def _port(place: Place) -> list[Finding]:
    name = "port"
    try:
        network.check_address(place.host, place.port)
    except LocalError as error:
        found, _, advice = str(error).partition("; ")
        return [Finding(name, "fault", found, advice)]
    told = f"{place.port} on {place.host} is free; `colrow up` does not run here"
    return [Finding(name, "ok", told)]
