"""What PyInstaller is told of this package (entry point ``pyinstaller40``)."""

import os
from typing import List


def get_hook_dirs() -> List[str]:
    """The folder with ``hook-nationec.py``."""
    return [os.path.dirname(__file__)]
