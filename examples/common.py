"""各示例共用的部分：命令行选项，以及按选项建立的 Client。"""

import argparse
import logging
import sys
from typing import Any, Callable, Optional, Sequence

from nationec import Client, Exchange, Simulator

SAMPLE_ORG_ID = "35020319001"  # 标准 A.1 的示例


def parser(description: str, *, required: bool = True) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, add_help=False)
    group = parser.add_argument_group("选项")
    group.add_argument("-h", "--help", action="help", help="显示本帮助")
    where = group.add_mutually_exclusive_group(required=required)
    where.add_argument("--simulate", action="store_true", help="模拟，不需要动态库和网络")
    where.add_argument("--url", help="业务请求地址")
    group.add_argument("--org-id", help="医保定点机构代码，用 --url 时必填")
    group.add_argument("--dll", help="NationECCode.dll 的路径，默认自动查找")
    group.add_argument("--python", help="运行动态库的另一个 Python，位数与动态库相同")
    group.add_argument(
        "--timeout", type=float, help="超时时间（秒），指定后动态库在单独的进程中运行"
    )
    return parser


def parse(
    parser: argparse.ArgumentParser, argv: Optional[Sequence[str]] = None
) -> argparse.Namespace:
    """读取选项。日志写到 stderr；姓名中有控制台不能显示的字符时，程序也不会出错。"""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    options = parser.parse_args(argv)
    if options.url and not (options.org_id or "").strip():
        parser.error("使用 --url 时必须指定 --org-id")
    return options


def connect(
    options: argparse.Namespace,
    *,
    simulator: Optional[Simulator] = None,
    on_exchange: Optional[Callable[[Exchange[Any]], object]] = None,
) -> Client:
    if options.simulate:
        transport = simulator or Simulator(timeout=options.timeout)
        org_id = options.org_id or SAMPLE_ORG_ID
        return Client("http://simulator", org_id, transport=transport, on_exchange=on_exchange)
    return Client(
        options.url,
        options.org_id,
        dll=options.dll,
        python=options.python,
        timeout=options.timeout,
        on_exchange=on_exchange,
    )


def masked(id_no: str) -> str:
    """证件号码只显示后四位。"""
    return "*" * (len(id_no) - 4) + id_no[-4:]
