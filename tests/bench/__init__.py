"""Measurements, as ratios against a baseline: ``python -m tests.bench`` runs all of them.

They are scripts and not tests: what they print depends on the machine, and nothing fails. The
baseline of a call is one by hand: json, GB 18030 and ctypes, without types, lock or wiping. That of
a process is a Python that imports pydantic and makes one model with one field, that of an isolated
call a process that echoes, and that of memory what is in use after the first thousand calls.

On two cores of a virtual machine, 2026-11-30, medians of three runs, Linux:

=============================================== ==== ==== ====
against the baseline                             3.8 3.11 3.13
=============================================== ==== ==== ====
a small call                                     3.9  3.1  3.1
a photo of 100,000 characters of base64          0.6  0.5  0.6
a photo of 75,000 bytes                          0.8  0.8  0.8
``from nationec import Client``                  1.7  1.5  1.4
``nationec call --simulate --json -``            1.8  1.6  1.5
the first patient through ``IsolatedDll``        1.8  1.7  1.6
an isolated call                                  14   13   13
memory after 300,000 calls, 5,000 with a photo   1.0  1.0  1.0
=============================================== ==== ==== ====

A small call takes 25 to 40 us: a quarter each for the DLL with its memory, for the head of the
answer, for the request (it is made, filled in and written), and for the rest. A photo of bytes
costs what the allocator costs: where it keeps freed memory, as with ``MALLOC_TRIM_THRESHOLD_``, the
ratio is 0.5. A third of what the import takes beyond the baseline is pydantic reading the
docstrings of fields; before Python 3.13 it goes through every module that is loaded.
"""
