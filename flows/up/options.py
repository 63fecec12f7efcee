"""What `hw3 up` can be told, and the addresses that follow."""

import ipaddress
from dataclasses import dataclass

from hw3models.errors import LinesError, SpecError


class PortError(SpecError):
    """`hw3 up` cannot listen where it was told to."""


class StartError(LinesError):
    """Something that `hw3 up` started did not get ready."""


@dataclass(frozen=True)
class UpOptions:
    """Options of `hw3 up`."""

    host: str = "127.0.0.1"
    """Interface that both servers listen on."""
    prefect_port: int = 4200
    mlflow_port: int = 5000
    gpus: int | None = None
    """GPU workers; None: one per visible GPU."""
    cpu_workers: int = 1
    without_passwords: bool = False
    """Other machines may connect without one."""

    def __post_init__(self) -> None:
        faults = [
            f"`{name}` must be between 1 and 65535, got {port}."
            for name, port in (("prefect_port", self.prefect_port), ("mlflow_port", self.mlflow_port))
            if not 1 <= port <= 65535
        ]
        if self.prefect_port == self.mlflow_port:
            faults.append(f"`prefect_port` and `mlflow_port` must differ, got {self.prefect_port} twice.")
        faults += [
            f"`{name}` must not be negative, got {number}."
            for name, number in (("gpus", self.gpus or 0), ("cpu_workers", self.cpu_workers))
            if number < 0
        ]
        if faults:
            raise SpecError(" ".join(faults))

    @property
    def is_loopback(self) -> bool:
        """Can only this machine reach the servers?"""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def client_host(self) -> str:
        """`host` as processes of this machine address it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # looked up, not bound
        return f"[{host}]" if ":" in host else host

    @property
    def prefect_address(self) -> str:
        """Prefect's pages."""
        return f"http://{self.client_host}:{self.prefect_port}"

    @property
    def prefect_api_url(self) -> str:
        """What `PREFECT_API_URL` must be."""
        return f"{self.prefect_address}/api"

    @property
    def prefect_origins(self) -> tuple[str, ...]:
        """Addresses that Prefect's pages come from."""
        hosts = dict.fromkeys((self.client_host, *(("localhost",) if self.is_loopback else ())))
        return tuple(f"http://{host}:{self.prefect_port}" for host in hosts)

    @property
    def mlflow_address(self) -> str:
        """What `MLFLOW_TRACKING_URI` must be."""
        return f"http://{self.client_host}:{self.mlflow_port}"
