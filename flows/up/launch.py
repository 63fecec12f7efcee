"""Become another program, with clean signals: `python -I -S launch.py PARENT SIGNAL PROGRAM ARGUMENTS...`.

A file of its own that is run before the real program, because nothing of this is safe between fork and exec in a
process with threads. Imports the standard library only, so it costs some 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """SIGNAL, where it is not 0, is what Linux sends this process when PARENT dies."""
    parent, number, *command = sys.argv[1:]
    if int(number) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != int(parent):  # it died before we asked
            sys.exit(1)
    # A script that runs us in the background has SIGINT ignored, and that is handed down to every descendant.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    os.execv(command[0], command)  # noqa: S606  # a program and its arguments, no shell


if __name__ == "__main__":
    main()
