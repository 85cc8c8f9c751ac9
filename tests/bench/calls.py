"""A call against the baseline: small, with a photo as text, and with a photo as bytes."""

import base64

from nationec import Client, EcQueryRequest

from .common import URL, WINDOW, baseline, ratio, row, standin

PHOTO = bytes(range(256)) * 293  # 75,008 bytes, 100,012 characters of base64
IMAGE = PHOTO[:75_000]
TEXT = base64.b64encode(IMAGE).decode()


def request(**more):
    return EcQueryRequest(
        business_type="01101",
        operator_id="test001",
        operator_name="管理员",
        office_id="32760",
        office_name="消化内科",
        **more,
    )


def main():
    path = standin()
    client = Client(URL, "35020319001", dll=path)
    by_hand = baseline(path)

    def against_by_hand(what, limit, number, make, data):
        value, time = ratio(lambda: client.call(make()), lambda: by_hand(data()), number)
        row(what, value, limit, f"{time:.1f} us")

    against_by_hand("a small call", 3.5, 2000, request, lambda: dict(WINDOW))
    against_by_hand(
        "with a photo of 100,000 characters of base64",
        0.5,
        100,
        lambda: request(photo_data=TEXT),
        lambda: {**WINDOW, "photoData": TEXT},
    )
    against_by_hand(
        "with a photo of 75,000 bytes",
        0.6,
        100,
        lambda: request(photo_data=IMAGE),
        lambda: {**WINDOW, "photoData": base64.b64encode(IMAGE).decode()},
    )


if __name__ == "__main__":
    main()
