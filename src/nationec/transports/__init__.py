"""What makes the call: the DLL here, the DLL in another process, or a simulator."""

from .base import Transport
from .dll import DllTransport
from .isolated import IsolatedDll
from .simulator import Simulator

__all__ = ["DllTransport", "IsolatedDll", "Simulator", "Transport"]
