"""``python -m nationec`` is the command ``nationec``."""

import sys

from .commands import main

sys.exit(main())
