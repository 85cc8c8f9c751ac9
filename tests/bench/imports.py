"""The CPU time of a new process that imports, against one that imports pydantic's BaseModel, and where it goes."""

import statistics
import subprocess
import sys

from .common import row

ROUNDS = 15


def cpu_time(statement):
    # The process says it itself: Windows tells nobody how much its children took.
    program = f"{statement}; import time; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout)


def main():
    def against_pydantic(statement):
        rounds = [(cpu_time(statement), cpu_time("from pydantic import BaseModel")) for _ in range(ROUNDS)]
        return statistics.median(ours / theirs for ours, theirs in rounds), min(ours for ours, _ in rounds)

    for statement in ("import nationec", "from nationec import Client, EcQueryRequest"):
        value, seconds = against_pydantic(statement)
        row(statement, value, 1.2, f"{seconds * 1000:.0f} ms")
    command = [sys.executable, "-X", "importtime", "-c", "from nationec import Client"]
    said = subprocess.run(command, stderr=subprocess.PIPE, check=True).stderr.decode().splitlines()[1:]
    parts = [(int(own), int(total), name) for own, total, name in (line[12:].split("|") for line in said)]
    print("    the largest parts, in ms with what they import, by -X importtime:")
    ours = [(total, name) for _, total, name in parts if "nationec" in name or len(name) - len(name.lstrip()) <= 7]
    for total, name in sorted(ours, reverse=True)[:10]:
        print(f"    {total / 1000:8.1f}  {name.strip()}")


if __name__ == "__main__":
    main()
