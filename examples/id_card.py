"""读身份证：参保人没带手机时，由终端读取身份证（cn.nhsa.cert.get）。

    python id_card.py --simulate

标准未列出这个交易，nationec 也没有它的类，因此用 AnyRequest：字段用接口文档里的名称，
原样发送；返回的字段都在 model_extra 里。其他未列出的交易也这样办理。
"""

import logging
import sys
from typing import Any, Dict, Optional, Sequence

from common import connect, masked, parse, parser

from nationec import AnyRequest, Client, NationEcError, Simulator, new_out_biz_no


def read_card(client: Client) -> Dict[str, Any]:
    request = AnyRequest(
        "cn.nhsa.cert.get",
        outBizNo=new_out_biz_no(client.org_id),  # AnyRequest 不自动生成业务流水号
        businessType="01101",  # 挂号
        operatorId="test001",
        operatorName="管理员",
        officeId="32760",
        officeName="消化内科",
    )
    return client.call(request).model_extra or {}


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(parser("读身份证（cn.nhsa.cert.get）"), argv)
    simulator = Simulator()  # 模拟器没有这个交易，要指定返回什么
    card = {"userName": "张三", "idNo": "533222199909090123", "idType": "01"}
    simulator.answer("cn.nhsa.cert.get", data=card)
    try:
        with connect(options, simulator=simulator) as client:
            insured = read_card(client)
    except NationEcError as error:
        # nationec 不知道这个交易能否重复办理，所以结果未知时提示核对业务流水号
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    print(f"姓名：{insured.get('userName', '无')}")
    print(f"证件号码：{masked(str(insured.get('idNo', '')))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
