"""A 64-bit Python and a 32-bit DLL: the DLL in a 32-bit Python of its own, with a deadline (cn.nhsa.qrcode.get, §5.4).

    python isolated_32bit.py --simulate
    python isolated_32bit.py --url URL --org-id ORG_ID --dll PATH --python C:\\Python38-32\\python.exe --db his.db

The other Python needs nothing installed: the embeddable 32-bit package of python.org, unpacked, will do. A DLL that
hangs or crashes takes neither this program nor the patients after with it. What became of that one call is unknown:
the number that the HIS noted before it called is what to ask the platform about.
"""

import argparse
import sqlite3
import sys
from contextlib import closing
from typing import List, Optional, Sequence

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    IsolatedDll,
    NationEcError,
    QrcodeGetRequest,
    QrcodeGetResponse,
    ResponseFormatError,
    Simulator,
    Transport,
    new_out_biz_no,
)

UNKNOWN = (DllTimeoutError, DllCrashError, ResponseFormatError)  # the transaction may have taken place


class Calls:
    """The HIS's own table: a call that was begun and has no outcome is one to look up.

    That also finds the calls of a program that was ended in the middle. ``audit_log.py`` keeps much more.
    """

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("CREATE TABLE IF NOT EXISTS calls (out_biz_no TEXT PRIMARY KEY, outcome TEXT)")

    def close(self) -> None:
        self._db.close()

    def begin(self, out_biz_no: str) -> None:
        with self._db:  # committed before anything is sent
            self._db.execute("INSERT INTO calls (out_biz_no) VALUES (?)", (out_biz_no,))

    def settle(self, out_biz_no: str, outcome: str) -> None:
        """The outcome, from the call itself or from the platform's answer to who asked."""
        with self._db:
            self._db.execute("UPDATE calls SET outcome = ? WHERE out_biz_no = ?", (outcome, out_biz_no))

    def unknown(self) -> List[str]:
        rows = self._db.execute("SELECT out_biz_no FROM calls WHERE outcome IS NULL ORDER BY out_biz_no")
        return [out_biz_no for (out_biz_no,) in rows]


def scan(client: Client, calls: Calls) -> QrcodeGetResponse:
    out_biz_no = new_out_biz_no(client.org_id)
    request = QrcodeGetRequest(
        out_biz_no=out_biz_no,
        business_type=BusinessType.HOSPITAL_REGISTRATION,
        operator_id="test001",
        operator_name="管理员",
        office_id="32760",
        office_name="消化内科",
    )
    calls.begin(out_biz_no)
    try:
        insured = client.call(request)
    except UNKNOWN:
        raise  # no outcome: it stays in calls.unknown() until somebody has asked the platform
    except NationEcError as error:
        calls.settle(out_biz_no, type(error).__name__)
        raise
    calls.settle(out_biz_no, "success")
    return insured


def for_the_window(error: NationEcError) -> str:
    if isinstance(error, BusinessError):
        return f"医保平台未受理：{error.message}（{error.code}）"
    if isinstance(error, DllLoadError):
        return f"医保动态库无法加载（{error.reason}）：请联系信息科"
    if isinstance(error, UNKNOWN):
        # Not again by itself. The window goes on with the next patient: the next call starts a new process.
        return f"交易结果未知：请勿重复操作，联系信息科核对流水号 {error.out_biz_no}"
    return "医保交易未完成：请重试，仍不成功请联系信息科"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="64 位 Python 调用 32 位动态库 (cn.nhsa.qrcode.get)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", default=r"C:\NationEC\NationECCode.dll", help="path of NationECCode.dll")
    parser.add_argument("--python", help="the 32-bit Python, or the command of one; this Python unless given")
    parser.add_argument("--timeout", type=float, default=90, help="seconds for a call: a patient looks for a phone")
    parser.add_argument("--db", default=":memory:", help="file for the table of calls")
    options = parser.parse_args(argv)
    with closing(Calls(options.db)) as calls:
        return run(options, calls)


def run(options: argparse.Namespace, calls: Calls) -> int:
    for out_biz_no in calls.unknown():
        print(f"待核对流水号：{out_biz_no}")
    try:
        transport: Transport
        if options.simulate:
            transport = Simulator()
        else:
            transport = isolated = IsolatedDll(options.dll, python=options.python, timeout=options.timeout)
            isolated.start()  # whether there is a DLL to call is seen in the morning, and not by the first patient
        with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
            insured = scan(client, calls)
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
