"""The standard's own tables and examples: ``standard/`` has its sections word for word.

``cn.nhsa.ec.auth.*`` there are the tables of the terminal's standard, from the source code of a
public HIS.
"""

import re
from collections import namedtuple
from pathlib import Path

Field = namedtuple("Field", "name title kind limit required remark")
"""A row of a table; ``required`` is Y or N, ``limit`` empty where there is none."""


def section(number):
    return (Path(__file__).parent / "standard" / f"{number}.txt").read_text(encoding="utf-8")


def example(number):
    """The JSON text of an example."""
    return section(number).split("```")[1].strip()


def fields(number):
    return [Field(*row) for row in table(number)]


def table(number):
    """The rows of a section's table without its header, as lists of cells.

    A table that goes on over a page has its header again there, and a row that goes on has only its
    last cell.
    """
    header, *lines = [line.split("\t") for line in section(number).splitlines() if "\t" in line]
    rows = []
    for cells in lines:
        if cells == header:
            continue
        if any(cells[:-1]):
            rows.append(cells)
        else:
            rows[-1][-1] += cells[-1]
    # The PDF breaks the lines of narrow cells, and the conversion left spaces there.
    return [[re.sub("(?<=[一-龥]) (?=[一-龥])", "", cell) for cell in row] for row in rows]
