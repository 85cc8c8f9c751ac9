"""密码核验：解码之后、结算之前，核验医保码（医保电子凭证）的密码（cn.nhsa.ec.pwd，标准 5.6）。

python verify_password.py --simulate
"""

import logging
import sys
from typing import Optional, Sequence

from common import connect, parse, parser

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    EcPwdRequest,
    EcQueryRequest,
    EcQueryResponse,
    MdtrtCertType,
    NationEcError,
    ReturnCode,
)

SETTLEMENT = BusinessType.HOSPITAL_SETTLEMENT  # 01301 结算
WINDOW = {  # 本窗口的收款员和科室，由 HIS 提供
    "operator_id": "test001",
    "operator_name": "管理员",
    "office_id": "32760",
    "office_name": "消化内科",
}


def may_settle(client: Client, insured: EcQueryResponse) -> bool:
    """密码正确，或医保平台说本次无需密码。"""
    request = EcPwdRequest(
        id_no=insured.id_no,
        id_type=insured.id_type,
        user_name=insured.user_name,
        ec_token=insured.ec_token,  # 由二维码解码的必须传入，两笔交易由此关联
        mdtrt_cert_type=MdtrtCertType.EC_QRCODE,
        business_type=SETTLEMENT,
        **WINDOW,
    )
    try:
        return client.call(request).is_valid
    except BusinessError as error:
        if error.return_code is ReturnCode.PASSWORD_NOT_NEEDED:  # 500320 可直接办理：不是失败
            return True
        raise


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(parser("密码核验（cn.nhsa.ec.pwd）"), argv)
    try:
        with connect(options) as client:
            insured = client.call(EcQueryRequest(business_type=SETTLEMENT, **WINDOW))
            print(f"姓名：{insured.user_name}，请参保人输入医保码（医保电子凭证）的密码")
            passed = may_settle(client, insured)
    except NationEcError as error:
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    print("密码核验通过，可以结算" if passed else "密码核验未通过，不能结算")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
