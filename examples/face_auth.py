"""刷脸：先在终端上刷脸取得授权（cn.nhsa.ec.auth），再获取医保身份（cn.nhsa.auth.check，标准 5.5）。

python face_auth.py --simulate
"""

import logging
import sys
from typing import Optional, Sequence

from common import connect, masked, parse, parser

from nationec import (
    AuthCheckRequest,
    AuthCheckResponse,
    BusinessType,
    Client,
    EcAuthRequest,
    NationEcError,
)

WINDOW = {  # 本窗口的收款员和科室，由 HIS 提供
    "operator_id": "test001",
    "operator_name": "管理员",
    "office_id": "32760",
    "office_name": "消化内科",
}


def identify(client: Client) -> AuthCheckResponse:
    business_type = BusinessType.HOSPITAL_REGISTRATION  # 01101 挂号，两次相同
    face = client.call(EcAuthRequest(business_type=business_type, **WINDOW))  # 刷脸完成后返回
    return client.call(
        AuthCheckRequest(
            auth_no=face.auth_no,  # 实人认证业务流水号
            business_type=business_type,
            **WINDOW,
        )
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(parser("刷脸（cn.nhsa.ec.auth、cn.nhsa.auth.check）"), argv)
    try:
        with connect(options) as client:
            insured = identify(client)
    except NationEcError as error:
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{masked(insured.id_no)}")
    print(f"实人认证业务流水号：{insured.auth_no}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
