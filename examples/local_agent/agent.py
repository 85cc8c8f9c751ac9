r"""本机服务：浏览器里的 HIS 网页和本机的 C/S 程序，通过它调用 NationECCode.dll。

    python agent.py --simulate
    python agent.py --url 业务请求地址 --org-id 机构代码 --dll C:\NationEC\NationECCode.dll ^
        --origin https://his.example --token-file C:\NationEC\token.txt

怎样调用、各个状态的含义，见 README.md。``Guard``（guard.py）在读取请求之前检查是谁在调用；
``Window`` 读取请求、一次办一笔；``openapi`` 是接口说明；页面是 page.html、page.css、page.js。
"""

import argparse
import logging
import os
import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Optional

import anyio
import uvicorn
from guard import CALL_ID, NUMBER, Guard, problem
from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import nationec
from nationec.doubts import widened
from nationec.language import on_command_line
from nationec.transactions import TRANSACTIONS

log = logging.getLogger("agent")

# 超过标准长度的字段照常发送，并记录警告；标准没有的字段原样发送。
# 地方增加的必填字段：REQUESTS["ec.query"] = 带有该字段的子类，页面和接口说明随之而变。
REQUESTS = {trans_type: widened(request) for trans_type, request in TRANSACTIONS.items()}
JSON = "application/json"
POLICY = (  # 页面只能用它自己的脚本和样式，只能访问本服务
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
KINDS = {
    nationec.BusinessError: (409, "refused"),
    nationec.ProtocolError: (502, "protocol"),
    nationec.ResponseFormatError: (502, "unreadable"),
    nationec.DllLoadError: (503, "dll-load"),
    nationec.DllTimeoutError: (504, "timeout"),
    nationec.DllCrashError: (500, "dll-crash"),
}


class Window:
    """读取请求，一次办一笔，其余的排队，各等 ``patience`` 秒。"""

    def __init__(self, options: argparse.Namespace) -> None:
        self._client: nationec.Client = options.client
        self._transport = options.client.transport
        self._simulated, self._patience = options.simulate, options.patience
        self._load_error: Optional[str] = None
        self._turn = anyio.Lock()
        self._under_way: Optional[str] = None  # 正在办理的那一笔的 X-Call-Id
        try:
            if not self._simulated:
                self._transport.start()
        except nationec.DllLoadError as error:  # 页面照常打开，由它告诉收款员
            self._load_error = str(error)
            log.error("%s", error)

    async def transaction(self, http: Request) -> Response:
        """``POST /api/交易类型``"""
        try:
            request = await self._request(http)
            with anyio.move_on_after(self._patience) as waiting:
                await self._turn.acquire()
            if waiting.cancelled_caught:
                return problem(429, "busy", "前一笔交易尚未完成，请稍后重试")
            try:
                if await http.is_disconnected():
                    return problem(429, "gone", "调用方已断开连接")
                self._under_way = http.headers.get(CALL_ID, "")
                exchange = await run_in_threadpool(self._client.exchange, request)
            finally:
                self._under_way = None
                self._turn.release()
        except nationec.NationEcError as error:
            response = failed(error)
            self._load_error = str(error) if response.status_code == 503 else None
            return response
        except ValidationError as error:
            wrong = {to_camel(str(*fault["loc"])): fault["msg"] for fault in error.errors()}
            return problem(422, "invalid", f"填写有误：{'；'.join(wrong.values())}", fields=wrong)
        except ValueError as error:  # 不是 JSON，或有编码里没有的字符
            return problem(422, "invalid", f"填写有误：{error}")
        self._load_error = None
        number, data = str(exchange.out_biz_no or ""), exchange.data
        fits = number and number.isascii() and number.isprintable()  # 响应头里不能有汉字
        text = data.model_dump_json(by_alias=True) if data else "{}"
        return Response(text, headers={NUMBER: number} if fits else None, media_type=JSON)

    async def _request(self, http: Request) -> nationec.Request[Any]:
        trans_type = http.path_params["trans_type"]
        fields = fields_of(await http.body())
        if not re.fullmatch(r"[a-z]\w*(\.\w+)+", trans_type, re.ASCII):
            raise HTTPException(404)
        if fields.get("orgId") not in (None, self._client.org_id):
            raise ValueError("机构 ID orgId 与本机配置的医保定点机构代码不一致")
        if trans_type in REQUESTS:
            return REQUESTS[trans_type](**fields)
        if fields.get("outBizNo") == "":
            fields["outBizNo"] = nationec.new_out_biz_no(self._client.org_id)
        return nationec.AnyRequest(trans_type, **fields)

    async def cancel(self, http: Request) -> Response:
        """``POST /api/cancel``：结束正在办理的一笔，如果 ``X-Call-Id`` 与它的相同。"""
        mine = self._under_way == http.headers.get(CALL_ID, "")  # 否则尚未轮到，或已经办完
        cancelled = mine and not self._simulated
        if cancelled:
            self._transport.cancel()
        return JSONResponse({"cancelled": cancelled})

    async def status(self, http: Request) -> Response:
        """``GET /api/status``"""
        status = {
            "orgId": self._client.org_id,
            "version": nationec.__version__,
            "simulated": self._simulated,
            "timeout": self._transport.timeout,
            "loadError": self._load_error,
        }
        return JSONResponse(status)


def fields_of(body: bytes) -> Dict[str, Any]:
    """JSON 对象，UTF-8 或 GB 18030（PowerBuilder、Delphi 写的是后者）；不看 Content-Type。"""
    with suppress(ValueError):
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = body.decode("gb18030")
        fields: Any = from_json(text, allow_inf_nan=False, cache_strings="keys")
        if isinstance(fields, dict):
            return fields
    raise ValueError("请发送 JSON 对象，编码为 UTF-8 或 GB 18030")


def failed(error: nationec.NationEcError) -> Response:
    status, kind = KINDS[type(error)]
    if kind == "refused" and error.outcome_unknown:  # -3 服务端请求超时
        status, kind = 504, "timeout"
    if getattr(error, "reason", "") == "cancelled":
        status, kind = 500, "cancelled"
    outcome = "unknown" if error.outcome_unknown else "refused" if kind == "refused" else "none"
    names = ("repeatable", "trans_type", "out_biz_no", "code")
    facts = {to_camel(name): getattr(error, name, None) for name in names}
    return problem(status, kind, error.for_operator, outcome, detail=str(error), **facts)


def openapi() -> Dict[str, Any]:
    """交易的接口说明 ``/openapi.json``：一个路径是页面的一个表单。"""
    schemas: Dict[str, Any] = {}
    paths: Dict[str, Any] = {}

    def content(model: Any) -> Dict[str, Any]:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        return {"description": "标准的 data", "content": {JSON: {"schema": schema}}}

    for trans_type, request in REQUESTS.items():
        about = (request.__doc__ or "").partition(" (")[0]
        answers = {"200": content(request.response_type), "default": {"description": "见 README"}}
        post = {"summary": about, "requestBody": content(request), "responses": answers}
        paths[f"/api/{trans_type}"] = {"post": post}
    for codes in (nationec.BusinessType, nationec.IdType, nationec.MdtrtCertType, nationec.PwdFlag):
        schemas[codes.__name__]["x-enum-descriptions"] = [code.label for code in codes]
    info = {"title": "医保码（医保电子凭证）本机服务", "version": nationec.__version__}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def make_app(options: argparse.Namespace) -> Guard:
    def page(suffix: str, media_type: str) -> Response:
        content = Path(__file__).with_name(f"page.{suffix}").read_bytes()
        return Response(content, headers={"Content-Security-Policy": POLICY}, media_type=media_type)

    async def unexpected(http: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return problem(error.status_code, "http", "没有这个接口，或没有用 POST")
        return problem(500, "internal", "本机服务出错，请联系信息科", "unknown")  # Guard 记日志

    window = Window(options)
    routes = [
        Route("/", page("html", "text/html"), methods=["GET"]),
        Route("/page.css", page("css", "text/css"), methods=["GET"]),
        Route("/page.js", page("js", "text/javascript"), methods=["GET"]),
        Route("/openapi.json", JSONResponse(openapi()), methods=["GET"]),
        Route("/api/status", window.status),
        Route("/api/cancel", window.cancel, methods=["POST"]),
        Route("/api/{trans_type}", window.transaction, methods=["POST"]),
    ]
    handlers = {HTTPException: unexpected, Exception: unexpected}
    named = {route.path for route in routes}.union(f"/api/{name}" for name in REQUESTS)
    return Guard(Starlette(routes=routes, exception_handlers=handlers), named, options)


def command_line() -> argparse.Namespace:
    """命令行的选项，以及由它们而来的 ``token``、``client`` 和只监听本机的 ``listener``。"""
    parser = argparse.ArgumentParser(description="医保码（医保电子凭证）本机服务")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="模拟，不需要动态库和网络")
    where.add_argument("--url", help="业务请求地址")
    add = parser.add_argument
    add("--org-id", help="医保定点机构代码，用 --url 时必填")
    add("--dll", default=os.environ.get("NATIONEC_DLL", "NationECCode.dll"), help="动态库的路径")
    add("--python", help="运行动态库的另一个 Python，位数与动态库相同")
    add("--timeout", type=float, default=60, help="超时时间（秒），默认 60")
    add("--port", type=int, default=18650, help="端口，默认 18650")
    add("--origin", action="append", default=[], help="HIS 网页的来源 https://his.example，可重复")
    add("--no-origin", action="store_true", help="允许本机的 C/S 程序调用（没有 Origin，凭令牌）")
    add("--token-file", help="令牌文件；未指定时每次启动生成一个令牌，只适合试用")
    add("--patience", type=float, default=30, help="排队的超时时间（秒），默认 30")
    options = parser.parse_args()
    if options.url and not (options.org_id or "").strip():
        parser.error("请用 --org-id 指定医保定点机构代码")
    for origin in options.origin:
        if not re.fullmatch("https?://[^/A-Z]+", origin):
            parser.error(f"--origin {origin}：应为 协议://主机[:端口]，小写，不带路径")
    try:
        path = options.token_file
        options.token = Path(path).read_text("utf-8").strip() if path else secrets.token_urlsafe(24)
        if len(options.token) < 16 or not options.token.isascii():
            parser.error("令牌至少 16 个字符，只能用 ASCII 字符")
        options.client = connect(options)
        options.listener = listener = socket.socket()
        # Windows 上不声明独占，别的程序也可以监听同一个端口
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listener.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        listener.bind(("127.0.0.1", options.port))
        listener.listen()
    except (OSError, OverflowError, ValueError) as error:
        parser.error(str(error))
    options.port = listener.getsockname()[1]
    return options


def connect(options: argparse.Namespace) -> nationec.Client:
    if options.url:
        dll = nationec.IsolatedDll(options.dll, python=options.python, timeout=options.timeout)
        return nationec.Client(options.url, options.org_id, transport=dll)
    simulator = nationec.Simulator(timeout=options.timeout)
    card = {"userName": "张三", "idNo": "533222199909090123", "idType": "01"}
    simulator.answer("cn.nhsa.cert.get", data=card)
    return nationec.Client("http://simulator", "35020319001", transport=simulator)


def main() -> None:
    os.environ.setdefault("NATIONEC_LANG", "zh")
    on_command_line.set(True)  # 提示里写 --dll 和 officeName，不写 dll= 和 office_name
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    options = command_line()
    with options.client:
        app = make_app(options)
        fragment = "" if options.token_file else f"#token={options.token}"
        print(f"http://127.0.0.1:{options.port}/{fragment}", flush=True)
        silent: Dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
        config = uvicorn.Config(app, ws="none", lifespan="off", **silent)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[options.listener])


if __name__ == "__main__":
    main()
