"""Keep the HIS's own log of every call in SQLite, and settle the calls whose outcome is unknown.

    python audit_log.py --simulate
    python audit_log.py --url URL --org-id ORG_ID [--dll PATH] --db audit.db
    python audit_log.py --unknown --db audit.db
    python audit_log.py --settle OUT_BIZ_NO {success,refused,not-sent} --by NAME --db audit.db

One row a call: what was sent, what came back, when, by whom, and the outcome. A patient is in it as hospitals show
one, 张* and 533222********0123, and a field that is not known to be harmless is there by its name only. The photo is
never kept. The bytes themselves are kept where the HIS gives something to encrypt them with, for example::

    AuditLog("audit.db", seal=cryptography.fernet.Fernet(key).encrypt)
"""

import argparse
import json
import re
import sqlite3
import sys
import threading
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar

from nationec import (
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    Exchange,
    IsolatedDll,
    NationEcError,
    ProtocolError,
    QrcodeGetRequest,
    QrcodeGetResponse,
    Request,
    ResponseFormatError,
    Simulator,
    new_out_biz_no,
)

R = TypeVar("R", bound=Request[Any])

SCHEMA = """
CREATE TABLE IF NOT EXISTS exchange (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,       -- UTC
    elapsed_ms REAL,
    trans_type TEXT NOT NULL,
    out_biz_no TEXT,                -- NULL for ec.query and cn.nhsa.ec.pwd, which have none
    org_id TEXT, operator_id TEXT, operator_name TEXT, office_id TEXT, business_type TEXT,
    outcome TEXT NOT NULL,          -- success, refused, failed, not-sent; unknown, unreadable: to be settled
    error TEXT, return_value TEXT, code INTEGER, message TEXT,
    user_name TEXT, id_no TEXT,     -- masked
    sent TEXT, received TEXT,       -- the fields as JSON, masked
    sent_sealed BLOB, received_sealed BLOB,
    settled_at TEXT, settled_by TEXT
);
CREATE INDEX IF NOT EXISTS exchange_out_biz_no ON exchange (out_biz_no);
"""
TO_SETTLE = "outcome IN ('unknown', 'unreadable') AND out_biz_no IS NOT NULL"

# What may stay as it is. All else is shown by its name: also what a province adds, and nobody has thought of yet.
PLAIN = {
    *("orgId", "outBizNo", "businessType", "operatorId", "operatorName", "officeId", "officeName", "deviceType"),
    *("idType", "mdtrtCertType", "insuOrg", "pwdFlag"),
}


def masked_name(name: str) -> str:
    """张三 is 张*, 欧阳无名 is 欧***."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*"


def masked_id_no(id_no: str) -> str:
    """The region and the last four of a resident's number; less of a shorter one, where as much would be all."""
    head, tail = (6, 4) if len(id_no) >= 15 else (1, 2) if len(id_no) >= 7 else (0, 0)
    return id_no[:head] + "*" * (len(id_no) - head - tail) + id_no[len(id_no) - tail :]


def masked_fields(fields: Dict[str, Any]) -> str:
    """A request's or a response's data, by the names of the wire."""
    shown: Dict[str, Any] = {}
    for name, value in fields.items():
        if value in (None, "", {}) or name in PLAIN:
            shown[name] = value
        elif name == "userName":
            shown[name] = masked_name(str(value))
        elif name == "idNo":
            shown[name] = masked_id_no(str(value))
        elif name != "photoData":
            shown[name] = "***"
    return json.dumps(shown, ensure_ascii=False)


def outcome(error: Optional[BaseException]) -> str:
    if error is None:
        return "success"
    if isinstance(error, BusinessError):
        return "refused"  # the platform said no: it is not done, and was not in vain
    if isinstance(error, ProtocolError):
        return "failed"  # it did not get through
    if isinstance(error, (DllLoadError, ValueError)):
        return "not-sent"
    if isinstance(error, ResponseFormatError):
        return "unreadable"  # done, as far as one can tell, with an answer that cannot be read
    return "unknown"  # DllTimeoutError, DllCrashError, Ctrl-C


class AuditLog:
    """``Client(..., on_exchange=log.record)``. May be shared by threads.

    ``seal`` encrypts the bytes that were sent and received; without it they are not kept.
    """

    def __init__(self, path: str, *, seal: Optional[Callable[[bytes], bytes]] = None) -> None:
        self._seal = seal
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def opened(self, request: R, org_id: str) -> R:
        """The request with its number, which is on disk, as unknown, before it is sent.

        A timeout leaves a row without this. A power cut does not.
        """
        if "out_biz_no" not in type(request).model_fields:
            return request
        number = getattr(request, "out_biz_no", None) or new_out_biz_no(request.org_id or org_id)
        request = request.model_copy(update={"out_biz_no": number})
        self._write(
            {
                "started_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                "trans_type": request.trans_type,
                "out_biz_no": number,
                "org_id": request.org_id or org_id,
                "outcome": "unknown",
            }
        )
        return request

    def record(self, exchange: Exchange[Any]) -> None:
        request: Dict[str, Any] = exchange.request.model_dump(mode="json", by_alias=True)
        answer: Dict[str, Any] = {} if exchange.data is None else exchange.data.model_dump(mode="json", by_alias=True)
        user_name, id_no = (answer.get(name) or request.get(name) for name in ("userName", "idNo"))
        envelope, error, returned = exchange.envelope, exchange.error, exchange.return_value
        message = envelope and envelope.message
        if isinstance(error, ProtocolError):
            # Not the bytes: some DLLs put an answer into them, with the patient in it.
            returned, message = (error.return_value or "").encode(), error.out_data
        row: Dict[str, Any] = {
            "started_at": exchange.started_at.isoformat(timespec="milliseconds"),
            "elapsed_ms": round(exchange.elapsed * 1000, 1),
            "trans_type": exchange.trans_type,
            "out_biz_no": exchange.out_biz_no,
            "org_id": request["orgId"],
            "operator_id": request.get("operatorId"),
            "operator_name": request.get("operatorName"),
            "office_id": request.get("officeId"),
            "business_type": request.get("businessType"),
            "outcome": outcome(error),
            "error": error and type(error).__name__,
            "return_value": returned and returned.decode(),
            "code": envelope and envelope.code,
            "message": message,
            "user_name": user_name and masked_name(user_name),
            "id_no": id_no and masked_id_no(id_no),
            "sent": masked_fields(request),
            "received": masked_fields(answer) if answer else None,
        }
        try:
            if self._seal is not None:
                photo = (request.get("photoData") or "").encode()
                for name, raw in (("sent_sealed", exchange.sent), ("received_sealed", exchange.received)):
                    row[name] = self._seal(raw.replace(photo, b"") if photo else raw)
        finally:  # a lost key loses no row
            self._write(row)

    def _write(self, row: Dict[str, Any]) -> None:
        with self._lock, self._db:
            opened = self._db.execute(
                "SELECT id FROM exchange WHERE out_biz_no = ? AND elapsed_ms IS NULL", (row["out_biz_no"],)
            ).fetchone()
            values = {"id": opened and opened["id"], **row}
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            self._db.execute(f"INSERT OR REPLACE INTO exchange ({names}) VALUES ({marks})", list(values.values()))  # noqa: S608 - our own names

    def rows(self) -> List[sqlite3.Row]:
        with self._lock:
            return self._db.execute("SELECT * FROM exchange ORDER BY id").fetchall()

    def unknown(self) -> List[sqlite3.Row]:
        """The calls that may have taken place: look each up on the platform by its out_biz_no, then ``settle`` it.

        A transaction without a number cannot be looked up, and settles nothing: ask the patient for a new code.
        """
        with self._lock:
            return self._db.execute(f"SELECT * FROM exchange WHERE {TO_SETTLE} ORDER BY id").fetchall()  # noqa: S608 - a constant

    def settle(self, out_biz_no: str, outcome: str, by: str) -> bool:
        """Note what the platform knows of a call; false where it is not one of the ``unknown``."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with self._lock, self._db:
            changed = self._db.execute(
                f"UPDATE exchange SET outcome = ?, settled_at = ?, settled_by = ? WHERE out_biz_no = ? AND {TO_SETTLE}",  # noqa: S608 - a constant
                (outcome, now, by, out_biz_no),
            )
            return changed.rowcount > 0


def scan(client: Client, log: AuditLog) -> QrcodeGetResponse:
    request = QrcodeGetRequest(
        business_type=BusinessType.HOSPITAL_REGISTRATION,
        operator_id="test001",
        operator_name="管理员",
        office_id="32760",
        office_name="消化内科",
    )
    return client.call(log.opened(request, client.org_id))


def for_the_window(error: NationEcError) -> str:
    """The kinds that matter here; ``decode_qrcode.py`` tells all of them apart."""
    if isinstance(error, BusinessError):
        return f"医保平台未受理：{error.message}（{error.code}）"
    if isinstance(error, (DllTimeoutError, DllCrashError, ResponseFormatError)):
        return f"交易结果未知：请勿重复操作，待信息科核对流水号 {error.out_biz_no}"
    return "医保交易未完成：请重试，仍不成功请联系信息科"


def line(row: sqlite3.Row) -> str:
    fields = ("started_at", "trans_type", "out_biz_no", "operator_name", "user_name", "id_no", "outcome", "code")
    return " ".join("-" if row[name] is None else str(row[name]) for name in fields)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="医保交易日志 (on_exchange)，以及结果未知的交易的核对")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    what.add_argument("--url", help="业务请求地址")
    what.add_argument("--unknown", action="store_true", help="list the calls to look up on the platform")
    what.add_argument("--settle", metavar="OUT_BIZ_NO", help="note what the platform knows of a call")
    parser.add_argument("outcome", nargs="?", choices=["success", "refused", "not-sent"], help="for --settle")
    parser.add_argument("--by", default="", help="for --settle: who looked it up")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", default="NationECCode.dll", help="path of NationECCode.dll; else it is looked for")
    parser.add_argument("--db", default=":memory:", help="the log's file; without it the log is not kept")
    options = parser.parse_args(argv)
    if options.settle and not (options.outcome and options.by):
        parser.error("--settle needs an outcome and --by")
    log = AuditLog(options.db)
    try:
        if options.settle:
            settled = log.settle(options.settle, options.outcome, options.by)
            print("已核对" if settled else "没有这笔待核对的交易")
            return 0 if settled else 1
        if options.unknown:
            for row in log.unknown():
                print(line(row))
            return 0
        # A deadline, and a crash that the HIS survives, are what leaves something to be settled.
        transport = Simulator() if options.simulate else IsolatedDll(options.dll, timeout=60)
        with Client(
            options.url or "http://simulator", options.org_id, transport=transport, on_exchange=log.record
        ) as client:
            try:
                print(f"姓名：{scan(client, log).user_name}")
            except NationEcError as error:
                print(for_the_window(error), file=sys.stderr)
                return 1
        print(f"日志：{re.sub('^[^ ]+ ', '', line(log.rows()[-1]))}")
        print(f"待核对：{len(log.unknown())} 笔")
        return 0
    finally:
        log.close()


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):  # code page 936 lacks some characters of people's names
        reconfigure(errors="backslashreplace")
    sys.exit(main())
