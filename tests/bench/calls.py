"""A call against the baseline: small, with a photo as text, and with a photo as bytes."""

import base64

from nationec import Client, EcQueryRequest

from .common import URL, WINDOW, baseline, ratio, row, standin

PHOTO = bytes(range(256)) * 293  # 75,008 bytes, 100,012 characters of base64
TEXT = base64.b64encode(PHOTO[:75_000]).decode()


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

    value, time = ratio(lambda: client.call(request()), lambda: by_hand(dict(WINDOW)), 2000)
    row("a small call", value, 1.0, f"{time:.1f} us")
    value, time = ratio(
        lambda: client.call(request(photo_data=TEXT)), lambda: by_hand({**WINDOW, "photoData": TEXT}), 100
    )
    row("with a photo of 100,000 characters of base64", value, 0.5, f"{time:.1f} us")
    value, time = ratio(
        lambda: client.call(request(photo_data=PHOTO[:75_000])),
        lambda: by_hand({**WINDOW, "photoData": base64.b64encode(PHOTO[:75_000]).decode()}),
        100,
    )
    row("with a photo of 75,000 bytes", value, 0.6, f"{time:.1f} us")


if __name__ == "__main__":
    main()
