"""Measurements, as ratios against a baseline: ``python -m tests.bench`` runs all of them.

They are scripts and not tests: what they print depends on the machine, and nothing fails.
"""
