"""For the lab's Pythons: what of Windows Wine 8.0 does not do as they expect."""

import _winapi

# shutil.copy2 uses this function of Windows 8 when it can, which Wine lacks.
vars(_winapi).pop("CopyFile2", None)

create = _winapi.CreateProcess


def create_or_try_again(*arguments):
    """Under load Wine says now and then that starting a process failed within (1359)."""
    try:
        return create(*arguments)
    except OSError as error:
        if error.winerror != 1359:
            raise
    return create(*arguments)


_winapi.CreateProcess = create_or_try_again
