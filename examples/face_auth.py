"""Identify a patient by face: cn.nhsa.ec.auth on the terminal, then cn.nhsa.auth.check (§5.5).

    python face_auth.py --simulate
    python face_auth.py --url URL --org-id ORG_ID [--dll PATH]

The first transaction belongs to another standard, 《定点医药机构对接医保业务综合服务终端接口规范》. It is defined here
in a few lines, as any transaction can be that the DLL knows and the library does not.
"""

import argparse
import sys
from typing import Optional, Sequence

from nationec import (
    AuthCheckRequest,
    AuthCheckResponse,
    BusinessError,
    BusinessType,
    Client,
    DllTransport,
    NationEcError,
    Request,
    Response,
    ReturnCode,
    Simulator,
)


class EcAuthResponse(Response):
    auth_no: str  # authNo on the wire


class EcAuthRequest(Request[EcAuthResponse]):
    trans_type = "cn.nhsa.ec.auth"

    out_biz_no: Optional[str] = None  # the client makes one, here as in the library's own requests
    business_type: BusinessType
    operator_id: str
    operator_name: str
    office_id: str
    office_name: str


def identify(client: Client) -> AuthCheckResponse:
    face = client.call(  # returns when the patient has looked into the camera
        EcAuthRequest(
            business_type=BusinessType.HOSPITAL_REGISTRATION,
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )
    return client.call(
        AuthCheckRequest(
            auth_no=face.auth_no,
            business_type=BusinessType.HOSPITAL_REGISTRATION,
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
            photo_data=None,  # whether to send one must be said; the image as bytes sends it
        )
    )


def for_the_window(error: NationEcError) -> str:
    """The kinds that matter here; ``decode_qrcode.py`` tells all of them apart."""
    if isinstance(error, BusinessError):
        if error.return_code in (ReturnCode.INVALID_REAL_PERSON_AUTH_NO, ReturnCode.BUSINESS_FLOW_EXPIRED):
            return f"{error.message}：请参保人重新刷脸"
        return f"医保平台未受理：{error.message}（{error.code}）"
    return "刷脸未成功：请重试，或改用扫码；仍不成功请联系信息科"


def simulator() -> Simulator:
    """It knows the four transactions of the standard, and has to be told what to answer to another."""
    simulator = Simulator()
    simulator.answer("cn.nhsa.ec.auth", data={"authNo": "ano3728680187894374401630000"})
    return simulator


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="刷脸授权获取医保身份 (cn.nhsa.ec.auth, cn.nhsa.auth.check)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", help="path of NationECCode.dll; without it the DLL is looked for")
    options = parser.parse_args(argv)
    try:
        transport = simulator() if options.simulate else DllTransport(options.dll)
        with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
            insured = identify(client)
    except NationEcError as error:
        print(for_the_window(error), file=sys.stderr)
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{'*' * (len(insured.id_no) - 4)}{insured.id_no[-4:]}")
    print(f"实人认证业务流水号：{insured.auth_no}")
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
