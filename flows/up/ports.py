"""Are the ports free? If not, who has them?"""

import errno
import os
import socket

from flows.up.options import PortError, UpOptions
from flows.up.processes import listener


def check_ports(options: UpOptions) -> None:
    """Check both ports at once, before anything is started.

    Raises:
        PortError: one or both cannot be listened on.
    """
    wanted = {"Prefect": options.prefect_port, "MLflow": options.mlflow_port}
    faults = {port: (name, fault) for name, port in wanted.items() if (fault := fault_of_port(options.host, port))}
    if not faults:
        return
    told = "; ".join(f"port {port} ({name}) {fault}" for port, (name, fault) in faults.items())
    others = _free_ports(options.host, options.prefect_port, options.mlflow_port)
    way_out = f"hw3 up --prefect-port {others[0]} --mlflow-port {others[1]}"
    raise PortError(f"Cannot listen on {options.host}: {told}. Free what is taken, or use other ports: `{way_out}`.")


def fault_of_port(host: str, port: int) -> str | None:
    """Why a server cannot listen there; None when it can."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the servers do: connections that still linger after a stop are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"is taken by {listener(port) or 'another process'}"
        return f"cannot be used ({error.strerror or os.strerror(error.errno or 0)})"


def _free_ports(host: str, *wanted: int) -> list[int]:
    """The wanted ones where they are free, else the next free ones above."""
    chosen: list[int] = []
    for port in wanted:
        above = (p for p in range(port, 65536) if p not in chosen and fault_of_port(host, p) is None)
        chosen.append(next(above, port))
    return chosen
