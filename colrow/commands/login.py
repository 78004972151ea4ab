"""`colrow login` and `logout`: keep a token for a service, or forget it."""

import sys

import typer

from colrow.commands.session import note, session


def login(context: typer.Context) -> None:
    """Keep a token for the service at --server; it is asked for, or read from a pipe."""
    from colrow import credentials, settings
    from colrow.client import Client
    from colrow.errors import ColrowError

    here = session(context)
    if sys.stdin.isatty():
        token = typer.prompt("Token", hide_input=True, err=True)
    else:
        token = sys.stdin.readline()
    token = token.strip()
    if not token:
        raise ColrowError("no token came; ask an admin for one (`colrow token create`)")
    with Client(here.server, token=token) as client:
        who = client.who_am_i()
        file = credentials.file_in(settings.read().home)
        credentials.keep(file, client.base_url, token)
    ends = f", until {who['expires_at']}" if who["expires_at"] else ""
    note(f"{client.base_url} knows you as {who['user']} ({who['role']}{ends}); kept in {file}")


def logout(context: typer.Context) -> None:
    """Forget the token that is kept for the service at --server; it is not revoked."""
    from colrow import credentials, settings
    from colrow.errors import ColrowError

    own = settings.read()
    server = session(context).server or own.server
    file = credentials.file_in(own.home)
    if credentials.token_for(file, server) is None:
        raise ColrowError(f"no token is kept for {server} in {file}")
    credentials.keep(file, server, None)
    note(f"the token for {server} is forgotten")
