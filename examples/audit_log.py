"""交易日志：用 on_exchange 把每笔交易记入 SQLite，并核对结果未知的交易。

    python audit_log.py --simulate --db audit.db                      办理一笔，记入日志
    python audit_log.py --unknown --db audit.db                       列出待核对的交易
    python audit_log.py --settle 业务流水号 success 李工 --db audit.db   核对后登记结果

一笔一行：何时、何人、办理什么、结果如何。时间是本机的，带时区，与业务流水号的日期一致，
便于按日对账。参保人的信息脱敏：张*、533222********0123；不确定是否敏感的字段只保留名称，
照片不保存。
"""

import argparse
import json
import logging
import sqlite3
import sys
import threading
from contextlib import closing
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence

from common import connect, parse, parser

from nationec import BusinessType, Exchange, NationEcError, QrcodeGetRequest

# outcome：success 成功；failed 未成功；closed 未收到结果但不产生费用，不必核对；unknown 待核对
COLUMNS = (
    *("started_at", "elapsed_ms", "trans_type", "out_biz_no", "operator_id", "operator_name"),
    *("user_name", "id_no", "outcome", "error", "code", "message", "sent", "received"),
)
TABLE = f"""CREATE TABLE IF NOT EXISTS exchange (
    id INTEGER PRIMARY KEY, {", ".join(COLUMNS)}, settled_at, settled_by)"""
INSERT = f"""INSERT INTO exchange ({", ".join(COLUMNS)})
    VALUES ({", ".join(f":{name}" for name in COLUMNS)})"""  # noqa: S608 - 列名都是上面的常量

# 可以原样保留的字段；其余的（包括地方增加的）一律脱敏
PLAIN = {
    *("orgId", "outBizNo", "businessType", "operatorId", "operatorName", "officeId", "officeName"),
    *("deviceType", "idType", "mdtrtCertType", "insuOrg", "pwdFlag"),
}


def local(time: datetime) -> str:
    return time.astimezone().isoformat(timespec="milliseconds")


def masked_name(name: str) -> str:
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*"


def masked_id_no(id_no: str) -> str:
    """身份证留前六位和后四位；较短的证件号码少留一些，太短的不留。"""
    head, tail = (6, 4) if len(id_no) >= 15 else (1, 2) if len(id_no) >= 7 else (0, 0)
    return id_no[:head] + "*" * (len(id_no) - head - tail) + id_no[len(id_no) - tail :]


def masked(fields: Dict[str, Any]) -> Dict[str, Any]:
    shown = {name: value if name in PLAIN or not value else "***" for name, value in fields.items()}
    shown.pop("photoData", None)
    for name, mask in (("userName", masked_name), ("idNo", masked_id_no)):
        if fields.get(name):
            shown[name] = mask(str(fields[name]))
    return shown


def outcome_of(exchange: Exchange[Any]) -> str:
    error = exchange.error
    if error is None:
        return "success"
    # 其他异常：ValueError 表示未发送，Ctrl-C 等结果未知
    if not getattr(error, "outcome_unknown", not isinstance(error, ValueError)):
        return "failed"
    return "closed" if exchange.request.repeatable else "unknown"


class AuditLog:
    """``Client(..., on_exchange=log.record)``。多个线程可以共用。"""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._write(TABLE)

    def close(self) -> None:
        self._db.close()

    def record(self, exchange: Exchange[Any]) -> None:
        sent = masked(exchange.request.model_dump(mode="json", by_alias=True))
        answer = exchange.data and exchange.data.model_dump(mode="json", by_alias=True)
        received = masked(answer or {})
        error, envelope = exchange.error, exchange.envelope
        row: Dict[str, Any] = {
            "started_at": local(exchange.started_at),
            "elapsed_ms": round(exchange.elapsed * 1000, 1),
            "trans_type": exchange.trans_type,
            "out_biz_no": exchange.out_biz_no,
            "operator_id": sent.get("operatorId"),
            "operator_name": sent.get("operatorName"),
            "user_name": received.get("userName") or sent.get("userName"),
            "id_no": received.get("idNo") or sent.get("idNo"),
            "outcome": outcome_of(exchange),
            "error": error and type(error).__name__,
            "code": envelope and envelope.code,
            # NationEcError 的文字不含参保人信息，其他异常的不一定
            "message": str(error) if isinstance(error, NationEcError) else None,
            "sent": json.dumps(sent, ensure_ascii=False),
            "received": json.dumps(received, ensure_ascii=False),
        }
        self._write(INSERT, row)

    def rows(self, where: str = "1") -> List[sqlite3.Row]:
        with self._lock:
            select = f"SELECT * FROM exchange WHERE {where} ORDER BY id"  # noqa: S608 - 常量
            return self._db.execute(select).fetchall()

    def unknown(self) -> List[sqlite3.Row]:
        """待核对的：可能已经完成，不能重复办理。按业务流水号向医保平台查询，再用 settle 登记。"""
        return self.rows("outcome = 'unknown'")

    def settle(self, out_biz_no: str, outcome: str, by: str) -> bool:
        """登记核对的结果。没有这笔待核对的交易时返回 False。"""
        update = (
            "UPDATE exchange SET outcome = :outcome, settled_by = :by, settled_at = :at"
            " WHERE out_biz_no = :number AND outcome = 'unknown'"
        )
        at = local(datetime.now(timezone.utc))
        values = {"outcome": outcome, "by": by, "at": at, "number": out_biz_no}
        return self._write(update, values) > 0

    def _write(self, sql: str, values: Optional[Dict[str, Any]] = None) -> int:
        with self._lock, self._db:
            return self._db.execute(sql, values or {}).rowcount


def show(row: sqlite3.Row) -> None:
    names = ("started_at", "trans_type", "out_biz_no", "operator_name", "user_name", "outcome")
    print(*(row[name] or "-" for name in names))


def scan(options: argparse.Namespace, log: AuditLog) -> int:
    request = QrcodeGetRequest(
        business_type=BusinessType.HOSPITAL_REGISTRATION,
        operator_id="test001",
        operator_name="管理员",
        office_id="32760",
        office_name="消化内科",
    )
    try:
        with connect(options, on_exchange=log.record) as client:
            client.call(request)
    except NationEcError as error:
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    show(log.rows()[-1])
    print(f"待核对：{len(log.unknown())} 笔")
    return 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parser("交易日志，以及结果未知的交易的核对", required=False)
    arguments.add_argument("--db", default=":memory:", help="日志文件，默认不保存")
    arguments.add_argument("--unknown", action="store_true", help="列出待核对的交易")
    settle = ("业务流水号", "success|failed", "核对人")
    arguments.add_argument("--settle", nargs=3, metavar=settle, help="登记核对的结果")
    options = parse(arguments, argv)
    with closing(AuditLog(options.db)) as log:
        if options.unknown:
            for row in log.unknown():
                show(row)
            return 0
        if options.settle:
            settled = options.settle[1] in ("success", "failed") and log.settle(*options.settle)
            print("已登记" if settled else "没有这笔待核对的交易，或结果不是 success、failed")
            return 0 if settled else 1
        if not (options.simulate or options.url):
            arguments.error("请指定 --simulate 或 --url")
        return scan(options, log)


if __name__ == "__main__":
    sys.exit(main())
