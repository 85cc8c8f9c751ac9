"""Measurements, as ratios against a baseline: ``python -m tests.bench`` runs all of them.

They are scripts and not tests: what they print depends on the machine, and nothing fails. The
baseline of a call is one by hand: json, GB 18030 and ctypes, without types, lock or wiping.

On two cores of an AMD EPYC that others used too, 2026-11-25, medians of three runs, Linux:

======================================================== ====== ====== ======
against the baseline                                        3.8   3.11   3.13
======================================================== ====== ====== ======
a small call                                                6.3    4.6    4.6
a photo of 100,000 characters of base64                     1.8    0.7    1.5
a photo of 75,000 bytes                                     1.1    0.9    0.9
``from nationec import Client``, against one model          2.1    1.8    1.7
a new process to the first patient                           14     12     10
======================================================== ====== ====== ======
"""
