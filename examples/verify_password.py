"""Decode a voucher, then have the patient enter its password before settling (cn.nhsa.ec.pwd, §5.6).

    python verify_password.py --simulate
    python verify_password.py --url URL --org-id ORG_ID [--dll PATH]

The ec_token of the decoded code ties the two transactions together.
"""

import argparse
import sys
from typing import Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllTransport,
    EcPwdRequest,
    EcQueryRequest,
    EcQueryResponse,
    MdtrtCertType,
    NationEcError,
    ReturnCode,
    Simulator,
)


def decode(client: Client) -> EcQueryResponse:
    return client.call(
        EcQueryRequest(
            business_type=BusinessType.HOSPITAL_SETTLEMENT,  # 01301 结算
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def may_settle(client: Client, insured: EcQueryResponse) -> bool:
    """Whether the password was right, or the platform says that this settlement needs none."""
    try:
        answer = client.call(
            EcPwdRequest(
                id_no=insured.id_no,
                id_type=insured.id_type,
                user_name=insured.user_name,
                ec_token=insured.ec_token,  # required after a QR code
                mdtrt_cert_type=MdtrtCertType.EC_QRCODE,
                business_type=BusinessType.HOSPITAL_SETTLEMENT,
                operator_id="test001",
                operator_name="管理员",
                office_id="32760",
                office_name="消化内科",
            )
        )
    except BusinessError as error:
        if error.return_code is ReturnCode.PASSWORD_NOT_NEEDED:  # 500320: a refusal that is none
            return True
        raise
    return answer.is_valid


def for_the_window(error: NationEcError) -> str:
    """The kinds that matter here; ``decode_qrcode.py`` tells all of them apart."""
    if isinstance(error, BusinessError):
        # 密码错误、账户已锁定、密码未设置: the platform's own words tell the patient what to do.
        return f"医保平台未受理：{error.message}（{error.code}）"
    return "密码核验未完成：请勿结算，重试仍不成功请联系信息科"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="医保电子凭证密码核验 (cn.nhsa.ec.pwd)")
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
            print(f"姓名：{insured.user_name}，请在终端上输入医保电子凭证密码")
            passed = may_settle(client, insured)
    except NationEcError as error:
        print(for_the_window(error), file=sys.stderr)
        return 1
    print("密码核验：通过，可以结算" if passed else "密码核验：未通过，不能结算")
    return 0 if passed else 1


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
