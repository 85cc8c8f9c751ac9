"""All the measurements, one after the other; or those that are named: ``python -m tests.bench calls threads``."""

import platform
import sys
from importlib import import_module

import pydantic

NAMES = ("calls", "imports", "threads", "memory", "isolated", "instructions")

print(f"{platform.python_implementation()} {platform.python_version()} {platform.architecture()[0]}", end=", ")
print(f"pydantic {pydantic.VERSION}, {platform.system()} {platform.machine()}")
for name in sys.argv[1:] or NAMES:
    import_module(f"tests.bench.{name}").main()
