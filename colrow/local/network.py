"""The address that `colrow up` listens on: free, and how it is called."""

import errno
import http.client
import ipaddress
import socket

from colrow.errors import LocalError


def check_address(host: str, port: int) -> int:
    """Give the port, a free one for 0. Raises LocalError when the service cannot listen there."""
    if not 0 <= port < 65_536:
        raise LocalError(f"{port} is no port; a port is a number from 1 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LocalError(
                    f"port {port} on {host} is in use, perhaps by another `colrow up`; stop what "
                    "listens there, or choose another port with --port"
                ) from None
            raise LocalError(
                f"cannot listen on {host}, port {port}: {error.strerror or error}; choose another "
                "with --host and --port"
            ) from None
        chosen: int = trial.getsockname()[1]
        return chosen


def name_of(host: str) -> str:
    """Give a name by which others reach the address: of all addresses at once, this machine's."""
    return socket.gethostname() if _is_any(host) else host


def url(host: str, port: int) -> str:
    """Write an address as a browser wants it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host or "0.0.0.0").is_unspecified  # noqa: S104 - not listened on
    except ValueError:
        return False


def is_ready(host: str, port: int) -> bool:
    """Ask the service whether it can work."""
    here = ("::1" if ":" in host else "127.0.0.1") if _is_any(host) else host
    connection = http.client.HTTPConnection(here, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
