"""各示例共用的部分：命令行选项，以及按选项建立的 Client。"""

import argparse
import logging
import sys
from typing import Any, Callable, Optional, Sequence

from nationec import Client, Exchange, Simulator


def parser(description: str, *, required: bool = True) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description, add_help=False)
    group = made.add_argument_group("选项")
    group.add_argument("-h", "--help", action="help", help="显示本帮助")
    where = group.add_mutually_exclusive_group(required=required)
    where.add_argument("--simulate", action="store_true", help="模拟，不需要动态库和网络")
    where.add_argument("--url", help="业务请求地址")
    group.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    group.add_argument("--dll", help="NationECCode.dll 的路径，不填则自动查找")
    group.add_argument("--python", help="运行动态库的另一个 Python，动态库为 32 位时填 32 位的")
    group.add_argument(
        "--timeout", type=float, help="超时时间（秒），填写后动态库在单独的进程中运行"
    )
    return made


def parsed(description: str, argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    prepare()
    return parser(description).parse_args(argv)


def prepare() -> None:
    """日志写到 stderr；代码页 936 的控制台缺少的姓名用字，不致使程序出错。"""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")


def connect(
    options: argparse.Namespace,
    *,
    simulator: Optional[Simulator] = None,
    on_exchange: Optional[Callable[[Exchange[Any]], object]] = None,
) -> Client:
    if options.simulate:
        transport = simulator or Simulator(timeout=options.timeout)
        return Client(
            "http://simulator", options.org_id, transport=transport, on_exchange=on_exchange
        )
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
