"""All the measurements, or those that are named: ``python -m tests.bench calls start``."""

import platform
import sys
from importlib import import_module

import pydantic

NAMES = ("calls", "start", "isolated", "memory")

python = f"{platform.python_implementation()} {platform.python_version()}"
machine = f"{platform.system()} {platform.machine()}"
print(f"{python} {platform.architecture()[0]}, pydantic {pydantic.VERSION}, {machine}")
for name in sys.argv[1:] or NAMES:
    import_module(f"tests.bench.{name}").main()
