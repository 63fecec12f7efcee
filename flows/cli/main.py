"""The entry point, and how it ends."""

import gc
import os
import sys
import warnings

from cyclopts import CycloptsError

from flows.cli.app import app, version
from flows.cli.messages import explain, plain_warning, usage


def main() -> None:
    """Entry point of the command `hw3`."""
    # Before torch loads its threads: ones that spin for long stall when anything else runs (docs/decisions/0004).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    # requests silences this itself, but loses the filter when another thread leaves `catch_warnings` meanwhile.
    warnings.formatwarning = plain_warning
    warnings.filterwarnings("ignore", message="SOCKS support in urllib3 requires")
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"hw3 {version()}")
        return
    try:
        app(exit_on_error=False, print_error=False, help_on_error=False)
    except KeyboardInterrupt:
        _stop("interrupted: runs are marked KILLED and Cancelled; what was finished is kept.", 1)
    except CycloptsError as error:
        _stop(usage(error), 2)
    except Exception as error:
        _stop(*explain(error))
    finally:
        _leave_quickly()


def _leave_quickly() -> None:
    """A second less: at exit Python looks once more through all objects that torch, MLflow and Prefect have made."""
    if "triton" in sys.modules:
        gc.unfreeze()  # its library complains about every object that is still there
    else:
        gc.freeze()


def _stop(message: str, code: int) -> None:
    print(f"hw3: {message}", file=sys.stderr)
    sys.exit(code)
