"""终端扫码解码：由医保业务综合服务终端扫描医保码（医保电子凭证）（cn.nhsa.qrcode.get，标准 5.4）。

    python terminal_scan.py --simulate

本交易有业务流水号，未指定时由 Client 生成。这里由 HIS 先生成并保存，再发起交易：
即使中途断电，也知道该核对哪一笔。
"""

import logging
import sys
from typing import Optional, Sequence

from common import connect, masked, parse, parser

from nationec import (
    BusinessType,
    Client,
    NationEcError,
    QrcodeGetRequest,
    QrcodeGetResponse,
    new_out_biz_no,
)


def scan(client: Client, out_biz_no: str) -> QrcodeGetResponse:
    return client.call(
        QrcodeGetRequest(
            out_biz_no=out_biz_no,
            business_type=BusinessType.HOSPITAL_REGISTRATION,  # 01101 挂号
            operator_id="test001",  # 本窗口的收款员和科室，由 HIS 提供
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(parser("终端扫码解码（cn.nhsa.qrcode.get）"), argv)
    try:
        with connect(options) as client:
            out_biz_no = new_out_biz_no(client.org_id)
            print(f"业务流水号：{out_biz_no}")  # HIS 在这里写入自己的交易表
            insured = scan(client, out_biz_no)
    except NationEcError as error:
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{masked(insured.id_no)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
