"""The command ``nationec``. Each of its commands is a module with a ``run``."""

import errno
import io
import logging
import os
import sys
from argparse import Namespace
from typing import List, Optional

from ..errors import NationEcError
from ..language import on_command_line
from .output import report
from .parser import command_line

# The command reports each error itself: without a handler Python prints the log too.
logging.getLogger("nationec").addHandler(logging.NullHandler())


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Code page 936 lacks some characters.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    token = on_command_line.set(True)
    exit_code = 0
    try:
        exit_code = _run(sys.argv[1:] if argv is None else argv)
        print(end="", flush=True)  # here, and not at exit
    except OSError as error:
        # The reader of the pipe (such as head) has closed it. Windows says EINVAL. A
        # command with an exit code has reported what is wrong with stdout.
        if not exit_code and error.errno not in (errno.EPIPE, errno.EINVAL):
            raise
        if sys.stdout is not None:  # the flush at exit must not fail too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        exit_code = exit_code or 1
    finally:
        on_command_line.reset(token)
    return exit_code


def _run(argv: List[str]) -> int:
    messages: List[str] = []  # the command adds to it
    failure, exit_code = None, 0
    try:
        arguments = command_line().parse_args(argv, Namespace(messages=messages))
        exit_code = arguments.run(arguments) or 0
    except SystemExit:  # after --help and --version
        return 0
    except KeyboardInterrupt:
        return 130  # as shells do
    except NationEcError as error:
        failure = error
    return report(failure, messages, argv) or exit_code
