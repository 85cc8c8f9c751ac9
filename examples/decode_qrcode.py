r"""扫码枪解码：解码参保人的医保码（医保电子凭证）二维码（ec.query，标准 5.3）。

    python decode_qrcode.py --simulate
    python decode_qrcode.py --url 业务请求地址 --org-id 机构代码 --dll C:\NationEC\NationECCode.dll

动态库自己读取本机的扫码枪，程序不传入扫到的内容；参保人扫码后 call 才返回。
"""

import logging
import sys
from typing import Optional, Sequence

from common import connect, masked, parse, parser

from nationec import BusinessType, Client, EcQueryRequest, EcQueryResponse, NationEcError


def decode(client: Client) -> EcQueryResponse:
    return client.call(
        EcQueryRequest(
            business_type=BusinessType.HOSPITAL_REGISTRATION,  # 01101 挂号
            operator_id="test001",  # 本窗口的收款员和科室，由 HIS 提供
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(parser("扫码枪解码（ec.query）"), argv)
    try:
        with connect(options) as client:  # 即 Client(url, org_id, dll=..., python=..., timeout=...)
            insured = decode(client)
    except NationEcError as error:
        print(error.for_operator)  # 给收款员看：出了什么事，现在怎么办
        logging.warning("%s", error)  # 给信息科看
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{masked(insured.id_no)}")
    print(f"参保地区：{insured.insu_org}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
