"""Have the terminal (医保业务综合服务终端) scan the patient's code (cn.nhsa.qrcode.get, §5.4).

    python terminal_scan.py --simulate
    python terminal_scan.py --url URL --org-id ORG_ID [--dll PATH]

This transaction has a serial number, outBizNo. The client makes one where none is given; here the HIS makes it and
keeps it before it calls, so that a call whose outcome is unknown can be looked up afterwards.
"""

import argparse
import sys
from typing import Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllTimeoutError,
    DllTransport,
    NationEcError,
    QrcodeGetRequest,
    QrcodeGetResponse,
    Simulator,
    new_out_biz_no,
)


def scan(client: Client) -> QrcodeGetResponse:
    out_biz_no = new_out_biz_no(client.org_id)
    print(f"流水号：{out_biz_no}")  # a HIS writes it into its own table of transactions, and commits
    return client.call(
        QrcodeGetRequest(
            out_biz_no=out_biz_no,
            business_type=BusinessType.HOSPITAL_REGISTRATION,
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def for_the_window(error: NationEcError) -> str:
    """The kinds that matter here; ``decode_qrcode.py`` tells all of them apart."""
    if isinstance(error, BusinessError):
        return f"医保平台未受理：{error.message}（{error.code}）"
    if isinstance(error, (DllTimeoutError, DllCrashError)):
        return f"交易结果未知：请勿重复操作，联系信息科核对流水号 {error.out_biz_no}"
    return "医保交易未完成：请重试，仍不成功请联系信息科"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="终端医保电子凭证码解码 (cn.nhsa.qrcode.get)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", help="path of NationECCode.dll; without it the DLL is looked for")
    options = parser.parse_args(argv)
    try:
        transport = Simulator() if options.simulate else DllTransport(options.dll)
        with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
            insured = scan(client)
    except NationEcError as error:
        print(for_the_window(error), file=sys.stderr)
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{'*' * (len(insured.id_no) - 4)}{insured.id_no[-4:]}")
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
