"""Eight threads on one client against one thread that makes the same calls of 2 ms."""

from concurrent.futures import ThreadPoolExecutor

from nationec import Client

from .calls import request
from .common import ratio, row, standin

THREADS, CALLS = 8, 25


def main():
    client = Client("http://h/sleep=2", "35020319001", dll=standin())

    def calls(number):
        for _ in range(number):
            client.call(request())

    with ThreadPoolExecutor(THREADS) as pool:
        value, time = ratio(
            lambda: list(pool.map(calls, [CALLS] * THREADS)),
            lambda: calls(CALLS * THREADS),
            1,
        )
    each = f"{time / CALLS / THREADS:.0f} us a call"
    row(f"{THREADS} threads, {CALLS * THREADS} calls of 2 ms", value, 1.05, each)


if __name__ == "__main__":
    main()
