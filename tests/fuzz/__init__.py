"""Coverage-guided fuzzing, for whoever changes how answers are read: not run by pytest.

Needs atheris (CPython 3.8 to 3.12 on Linux), and takes libFuzzer's arguments::

    python -m tests.fuzz.decode -max_total_time=600
    python -m tests.fuzz.judge -max_total_time=600 CORPUS

What it finds becomes a case of ``tests/test_hostile.py`` or a test.
"""
