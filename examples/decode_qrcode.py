"""Decode the QR code of a patient's 医保电子凭证 at a registration window (ec.query, §5.3).

    python decode_qrcode.py --simulate
    python decode_qrcode.py --url URL --org-id ORG_ID [--dll PATH]

The second form calls NationECCode.dll, which reads the code from the scanner of this machine.
"""

import argparse
import sys
from typing import Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    DllTransport,
    EcQueryRequest,
    EcQueryResponse,
    NationEcError,
    ProtocolError,
    ReturnCode,
    Simulator,
)


def decode(client: Client) -> EcQueryResponse:
    return client.call(
        EcQueryRequest(
            business_type=BusinessType.HOSPITAL_REGISTRATION,  # 01101 挂号
            operator_id="test001",  # who sits at this window, and for which department
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def for_the_window(error: NationEcError) -> str:
    """What the cashier reads, and can act on. ``str(error)`` says more, and is for the HIS's log."""
    if isinstance(error, BusinessError):
        if error.return_code in (
            ReturnCode.QRCODE_TOKEN_EXPIRED,
            ReturnCode.DISPLAY_ID_EXPIRED,
            ReturnCode.QRCODE_INVALID,
        ):
            return f"{error.message}：请参保人刷新二维码，重新扫码"
        return f"医保平台未受理：{error.message}（{error.code}）"
    if isinstance(error, DllLoadError):
        return f"医保动态库无法加载（{error.reason}）：请联系信息科"
    if isinstance(error, ProtocolError):
        return "医保交易未成功：请检查网络后重新扫码，仍不成功请联系信息科"
    if isinstance(error, (DllTimeoutError, DllCrashError)):
        # Decoding settles nothing, so it may be done again, in a program that has been restarted.
        return "医保动态库异常：请重启本程序，并请参保人刷新二维码后重新扫码"
    return "医保平台的应答无法识别：请联系信息科"  # ResponseFormatError


def masked(id_no: str) -> str:
    return "*" * (len(id_no) - 4) + id_no[-4:]


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="电子凭证二维码解码 (ec.query)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", help="path of NationECCode.dll; without it the DLL is looked for")
    options = parser.parse_args(argv)
    try:
        transport = Simulator() if options.simulate else DllTransport(options.dll)
        with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
            insured = decode(client)
    except NationEcError as error:
        print(for_the_window(error), file=sys.stderr)
        return 1
    # The window shows enough to see that it is this patient. ec_token goes on to settlement, unseen.
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{masked(insured.id_no)}")
    print(f"参保地区：{insured.insu_org}")
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
