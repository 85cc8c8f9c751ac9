"""Measurements, as ratios against a baseline: ``python -m tests.bench`` runs all of them.

They are scripts and not tests: what they print depends on the machine, and nothing fails. The
baseline of a call is one by hand: json, GB 18030 and ctypes, without types, lock or wiping.

On two cores of an AMD EPYC whose host others used too, 2026-11-26, medians of three runs, Linux:

=========================================== ==== ==== ==== ==== ==== ==== ==== ====
against the baseline                         3.8  3.9 3.10 3.11 3.12 3.13 3.14 3.15
=========================================== ==== ==== ==== ==== ==== ==== ==== ====
a small call                                 6.1  4.8  4.5  4.6  4.7  4.3  4.4  4.7
a photo of 100,000 characters of base64      0.7  1.0  0.7  0.7  0.7  0.7  0.5  1.0
a photo of 75,000 bytes                      0.9  1.0  0.9  0.9  0.9  0.8  0.6  1.0
``from nationec import Client``              1.9  1.9  1.6  1.6  1.4  1.5  1.5  1.5
a new process to the first patient            14   11   11   10   10    9    8    8
8 threads                                    0.9  0.9  1.0  1.0  0.9  0.9  1.0  1.0
``IsolatedDll``, 700 bytes, msl-loadlib      0.2  0.2  0.2  0.2  0.2  0.2
``IsolatedDll``, its start in ms              43   45   40   36   40   44   37   37
=========================================== ==== ==== ==== ==== ==== ==== ==== ====

After 300,000 small calls and 5,000 with a photo no more memory is in use. A small call takes 60 to
150 us: a third of it is pydantic (the request, its copy, the head and the data of the answer), a
quarter the DLL and its memory, fresh and wiped, and a quarter the two encodings. Half of what the
import takes beyond the baseline is pydantic reading the docstrings of fields. A bare interpreter
starts in 13 to 16 ms here.
"""
