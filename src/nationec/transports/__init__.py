"""What makes the call: the DLL here, the DLL in another process, or a simulator."""
