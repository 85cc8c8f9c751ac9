"""A HIS server on Linux and a Windows DLL: the DLL in a Windows Python under Wine (ec.query, §5.3).

    python linux_wine.py --simulate
    python linux_wine.py --url URL --dll /opt/nationec/NationECCode.dll --python "wine C:/Python38-32/python.exe"

Wine sees the files of Linux on its drive Z:, so the DLL's path may be the one that Linux has. The Windows Python needs
nothing installed: the embeddable 32-bit package of python.org, unpacked into drive_c of the Wine prefix, will do.
Wine with 32-bit programs is ``wine32`` on Debian (after ``dpkg --add-architecture i386``).
"""

import argparse
import os
import shlex
import sys
from typing import Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    EcQueryRequest,
    EcQueryResponse,
    IsolatedDll,
    NationEcError,
    Simulator,
    Transport,
)


def decode(client: Client) -> EcQueryResponse:
    return client.call(
        EcQueryRequest(
            business_type=BusinessType.HOSPITAL_REGISTRATION,
            operator_id="test001",
            operator_name="管理员",
            office_id="32760",
            office_name="消化内科",
        )
    )


def for_the_window(error: NationEcError) -> str:
    if isinstance(error, BusinessError):
        return f"医保平台未受理：{error.message}（{error.code}）"
    if isinstance(error, DllLoadError):
        # "no-interpreter": wine, or the Python in it, does not start; str(error) names the command, for the log.
        return f"医保动态库无法加载（{error.reason}）：请联系信息科"
    if isinstance(error, (DllTimeoutError, DllCrashError)):
        # Decoding settles nothing, so it may be done again. The next call starts Wine's Python anew.
        return "医保动态库没有应答：请参保人刷新二维码，重新扫码"
    return "医保交易未完成：请重试，仍不成功请联系信息科"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="Linux 服务器经 Wine 调用 Windows 动态库 (ec.query)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", default="C:/NationEC/NationECCode.dll", help="path of NationECCode.dll")
    parser.add_argument("--python", default="wine C:/Python38-32/python.exe", help="command of the Windows Python")
    options = parser.parse_args(argv)
    # Wine writes warnings of its own, and looks for a display: a server has neither a reader nor a screen for them.
    os.environ.setdefault("WINEDEBUG", "-all")
    os.environ.pop("DISPLAY", None)
    try:
        transport: Transport
        if options.simulate:
            transport = Simulator()
        else:
            # Starting Wine takes seconds when nothing of it runs yet, so start_timeout is generous, and start() is
            # for the start of the server and not for the first patient.
            python = shlex.split(options.python)
            transport = isolated = IsolatedDll(options.dll, python=python, timeout=60, start_timeout=120)
            isolated.start()
        with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
            insured = decode(client)
    except NationEcError as error:
        print(for_the_window(error), file=sys.stderr)
        return 1
    print(f"姓名：{insured.user_name}")
    print(f"证件号码：{'*' * (len(insured.id_no) - 4)}{insured.id_no[-4:]}")
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
