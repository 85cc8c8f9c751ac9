"""What msl-loadlib's 32-bit server runs: an echo, with any library loaded."""

import sys

from msl.loadlib import Server32


class Echo(Server32):
    def __init__(self, host, port):
        library = "/lib/i386-linux-gnu/libc.so.6", "cdll"
        if sys.platform == "win32":
            library = "kernel32", "windll"
        super().__init__(*library, host, port)

    def echo(self, url, in_data):
        return b"0000", in_data
