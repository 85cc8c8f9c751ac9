"""Send the extra fields that a province asks for, by subclassing a request (here ec.query, §5.3).

    python regional_fields.py --simulate
    python regional_fields.py --url URL --org-id ORG_ID [--dll PATH]

A request refuses fields that it does not know, so that a misspelt one is found before it is sent. A field that only
your province knows is one more line.
"""

import argparse
import sys
from typing import Literal, Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllTransport,
    EcQueryRequest,
    EcQueryResponse,
    NationEcError,
    Simulator,
)


class ProvinceQueryRequest(EcQueryRequest):
    gain_way: Literal["MOBILE", "FACE", "ALL"]  # gainWay on the wire
    info_from: Optional[str] = None  # infoFrom; left out where it is None


def decode(client: Client) -> EcQueryResponse:
    request = ProvinceQueryRequest(
        gain_way="MOBILE",
        info_from="HIS",
        business_type=BusinessType.HOSPITAL_REGISTRATION,
        operator_id="test001",
        operator_name="管理员",
        office_id="32760",
        office_name="消化内科",
    )
    print(f"地方扩展参数：{request.model_dump(by_alias=True, include={'gain_way', 'info_from'})}")
    return client.call(request)  # still an EcQueryResponse


def for_the_window(error: NationEcError) -> str:
    """``decode_qrcode.py`` tells all kinds of errors apart."""
    if isinstance(error, BusinessError):
        return f"医保平台未受理：{error.message}（{error.code}）"
    return "医保交易未完成：请重试，仍不成功请联系信息科"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="电子凭证二维码解码 (ec.query)，带地方扩展参数")
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
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{'*' * (len(insured.id_no) - 4)}{insured.id_no[-4:]}")
    # What a province answers beyond the standard's table is kept as it came, under its wire name.
    print(f"地方返回参数：{', '.join(insured.model_extra or {}) or '无'}")
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
