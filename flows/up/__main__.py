"""`python -m flows.up`: the same as `hw3 up`."""

import argparse
import sys

from flows.up import UpOptions, run_up
from hw3models.errors import DataError, Hw3Error, SpecError


def main() -> int:
    """Exit code."""
    default = UpOptions()
    parser = argparse.ArgumentParser(prog="hw3 up", description=__doc__)
    parser.add_argument("--host", default=default.host)
    parser.add_argument("--prefect-port", type=int, default=default.prefect_port)
    parser.add_argument("--mlflow-port", type=int, default=default.mlflow_port)
    parser.add_argument("--gpus", type=int, default=default.gpus)
    parser.add_argument("--cpu-workers", type=int, default=default.cpu_workers)
    parser.add_argument("--without-passwords", action="store_true")
    try:
        return run_up(UpOptions(**vars(parser.parse_args())))
    except Hw3Error as error:
        print(f"hw3: {error}", file=sys.stderr)
        return 2 if isinstance(error, (SpecError, DataError)) else 1


if __name__ == "__main__":
    sys.exit(main())
