r"""本机服务：浏览器里的 HIS 网页和本机的 C/S 程序，通过它调用 NationECCode.dll。

    python agent.py --simulate
    python agent.py --url 业务请求地址 --org-id 机构代码 --dll C:\NationEC\NationECCode.dll ^
        --origin https://his.example --token-file C:\NationEC\token.txt

一个交易一个接口，用标准的名称：``POST /api/ec.query``。怎样调用、各个状态的含义，见 README.md。

``Guard`` 在读取请求之前检查是谁在调用；``Window`` 一次只办一笔，其余的排队；``make_app`` 是接口。
"""

import argparse
import logging
import os
import re
import secrets
import socket
import sys
import threading
import time
import traceback
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Type

import uvicorn
from anyio import from_thread
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import nationec
from nationec.transactions import TRANSACTIONS

log = logging.getLogger("agent")

BODY_LIMIT = 256 * 1024  # 一张 100 KB 的照片，加上其余字段
NUMBER = "X-Out-Biz-No"
TRANS_TYPE = re.compile(r"[a-z]\w*(\.\w+)+", re.ASCII)
STATUSES = {
    401: "没有令牌，或令牌不对",
    403: "请求不是发给本机的，或来自未登记的网页",
    409: "医保平台返回了错误码，见 code 和 message",
    411: "没有 Content-Length",
    413: "请求超过 256 KB",
    422: "填写有误，见 fields",
    429: "排队已满，稍后再试（Retry-After）",
    500: "动态库异常退出，结果未知",
    502: "交易没有成功，或响应无法读取，见 outcome",
    503: "动态库无法加载",
    504: "超时，结果未知",
}
KINDS: Sequence[Tuple[Type[nationec.NationEcError], int, str]] = (
    (nationec.BusinessError, 409, "refused"),
    (nationec.ProtocolError, 502, "protocol"),
    (nationec.ResponseFormatError, 502, "unreadable"),
    (nationec.DllLoadError, 503, "dll-load"),
    (nationec.DllTimeoutError, 504, "timeout"),
    (nationec.DllCrashError, 500, "dll-crash"),
)


class Problem(BaseModel):
    """除 200 以外的响应。不含参保人信息。"""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True
    )

    kind: str = Field(description="错误种类：供程序判断，见 README")
    message: str = Field(description="提示：供收款员阅读")
    outcome: str = Field(description="结果：none 未发生；refused 见 code；unknown 未知")
    repeatable: bool = Field(False, description="可重复：结果未知时可以重新办理，不产生费用")
    trans_type: Optional[str] = Field(None, description="交易类型")
    out_biz_no: Optional[str] = Field(None, description="业务流水号")
    code: Optional[int] = Field(None, description="返回码：标准 7.1")
    detail: Optional[str] = Field(None, description="技术说明：供信息科阅读")
    fields: Optional[Dict[str, str]] = Field(None, description="填写有误的字段：不含填入的值")


class Refusal(Exception):
    """本机服务自己不办理，什么也没有发出。``args``：状态、种类、提示，填写有误时还有字段。"""


def answer(
    status: int, kind: str, message: str, outcome: str = "none", **more: Any
) -> JSONResponse:
    problem = Problem(kind=kind, message=message, outcome=outcome, **more)
    headers = {429: {"Retry-After": "2"}, 401: {"WWW-Authenticate": "Bearer"}}.get(status)
    return JSONResponse(problem.model_dump(by_alias=True, exclude_none=True), status, headers)


class Guard:
    """在读取请求内容之前检查是谁在调用；每个响应记一行日志，不含请求的内容。

    Host 必须是本机：网页把自己的域名指向 127.0.0.1（DNS 重绑定）时，带来的是它自己的 Host。
    Origin 必须是本服务的页面或已登记的；没有 Origin 的不是网页，要有 ``--no-origin``。
    """

    def __init__(self, app: ASGIApp, options: argparse.Namespace, token: str, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {*options.origin, *(f"http://{host}" for host in self._hosts)}
        self._no_origin = options.no_origin
        self._token = token.encode()
        self._paths = {
            "/",
            "/openapi.json",
            "/api/status",
            *(f"/api/{name}" for name in TRANSACTIONS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        http, status, started = Request(scope), 0, time.perf_counter()
        origin = http.headers.get("origin")

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._mark(MutableHeaders(scope=message), origin)
            await send(message)

        try:
            await (self._refused(http, origin) or self._app)(scope, receive, sent)
        except Exception as error:  # 文字和调用栈里可能有请求的内容，只记位置
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s at %s:%s", type(error).__name__, place.filename, place.lineno)
        path = http.url.path if http.url.path in self._paths else "(other)"  # 其余的可能是任何内容
        from_ = origin if origin in self._origins else "(foreign)" if origin else "(none)"
        ms = (time.perf_counter() - started) * 1000
        log.info("%s %s %d origin=%s %.0f ms", http.method, path, status, from_, ms)

    def _refused(self, http: Request, origin: Optional[str]) -> Optional[Response]:
        host = http.headers.get("host")
        if http.headers.getlist("host") != [host] or host not in self._hosts:
            return answer(403, "host", "请求不是发给本机的")
        if origin is not None and origin not in self._origins:
            return answer(403, "origin", "这个网页未经登记，请联系信息科")
        if http.method == "OPTIONS":
            return Response(status_code=204)
        if not http.url.path.startswith("/api/"):
            return None  # 页面和接口说明，没有秘密
        if (
            origin is None and http.method != "GET" and not self._no_origin
        ):  # 网页的 GET 没有 Origin
            return answer(403, "origin", "请求没有 Origin：C/S 程序须由信息科开通")
        scheme, _, token = http.headers.get("authorization", "").partition(" ")
        given = token.strip().encode("latin-1")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given, self._token):
            return answer(401, "token", "令牌不对，请联系信息科")
        length = http.headers.get("content-length", "")
        if http.method == "POST" and not length.isdigit():
            return answer(411, "length", "请求没有 Content-Length")
        if http.method == "POST" and int(length) > BODY_LIMIT:
            return answer(413, "length", "请求过大，请换一张小一些的照片")
        return None

    def _mark(self, headers: MutableHeaders, origin: Optional[str]) -> None:
        headers["Cache-Control"] = "no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Vary"] = "Origin"
        if origin in self._origins:
            headers["Access-Control-Allow-Origin"] = origin or ""
            headers["Access-Control-Allow-Methods"] = "GET, POST"
            headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            headers["Access-Control-Allow-Private-Network"] = "true"
            headers["Access-Control-Expose-Headers"] = f"{NUMBER}, Retry-After"
            headers["Access-Control-Max-Age"] = "600"


class Window:
    """一次办一笔；另有 ``queue`` 笔可以排队，各等 ``patience`` 秒。"""

    def __init__(self, client: nationec.Client, queue: int, patience: float) -> None:
        self.client = client
        self._patience = patience
        self._places = threading.Semaphore(1 + queue)
        self._turn = threading.Lock()

    def call(self, request: nationec.Request[Any], http: Request, response: Response) -> Any:
        if request.org_id not in (None, self.client.org_id):
            text = "机构 ID：与本机配置的医保定点机构代码不同"
            raise Refusal(422, "invalid", f"填写有误：{text}", {"orgId": text})
        if not self._places.acquire(blocking=False):
            raise Refusal(429, "busy", "前面还有交易在办理，请稍候再试")
        try:
            if not self._turn.acquire(timeout=self._patience):
                raise Refusal(429, "busy", "前面的交易尚未完成，请稍候再试")
            try:
                if from_thread.run(http.is_disconnected):
                    raise Refusal(429, "gone", "对方已不再等待")
                exchange = self.client.exchange(request)
            except ValueError as error:  # 编码里没有的字符
                raise Refusal(422, "invalid", f"填写有误：{error}") from None
            finally:
                self._turn.release()
        finally:
            self._places.release()
        number = str(exchange.out_biz_no or "")
        if number and number.isascii() and number.isprintable():  # 响应头里不能有汉字
            response.headers[NUMBER] = number
        return exchange.data


def make_app(window: Window, *, simulated: bool) -> FastAPI:
    page = Path(__file__).with_name("page.html").read_text("utf-8")
    app = FastAPI(
        title="医保电子凭证本机服务",
        docs_url=None,  # FastAPI 自己的页面要用互联网，page.html 里有同样的内容
        redoc_url=None,
        responses={
            code: {"model": Problem, "description": text} for code, text in STATUSES.items()
        },
        dependencies=[Depends(HTTPBearer(auto_error=False))],  # 只为接口说明，检查的是 Guard
    )

    def typed(request: Type[nationec.Request[Any]]) -> Callable[..., Any]:
        def call(body: Any, http: Request, response: Response) -> Any:
            return window.call(body, http, response)

        call.__annotations__["body"] = request  # FastAPI 由此得知有哪些字段
        return call

    # 地方增加的字段：{**TRANSACTIONS, "ec.query": 带有该字段的子类}，页面和接口说明随之而变
    for trans_type, request in TRANSACTIONS.items():
        about = (request.__doc__ or "").partition(" (")[0]
        path, model = f"/api/{trans_type}", request.response_type
        app.post(path, response_model=model, summary=about)(typed(request))

    @app.post("/api/{trans_type}", summary="其他交易：字段原样发送，返回 data 的全部字段")
    def any_transaction(
        trans_type: str, body: Dict[str, Any], http: Request, response: Response
    ) -> Dict[str, Any]:
        if not TRANS_TYPE.fullmatch(trans_type):
            raise HTTPException(404)
        if body.get("outBizNo") == "":
            body["outBizNo"] = nationec.new_out_biz_no(window.client.org_id)
        try:
            request = nationec.AnyRequest(trans_type, **body)
        except ValidationError as error:
            wrong = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
            raise RequestValidationError(wrong) from None
        return window.call(request, http, response).model_extra or {}

    @app.get("/api/status", include_in_schema=False)
    def status() -> Dict[str, Any]:
        version = nationec.__version__
        return {"orgId": window.client.org_id, "simulated": simulated, "version": version}

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy(page)})

    made = app.openapi
    app.openapi = lambda: with_labels(made())  # type: ignore[method-assign]
    expected = (nationec.NationEcError, Refusal, RequestValidationError, HTTPException)
    for kind in (*expected, Exception):
        app.add_exception_handler(kind, failed)
    return app


def with_labels(schema: Dict[str, Any]) -> Dict[str, Any]:
    """编码表带上每个编码值的名称。"""
    tables = (nationec.BusinessType, nationec.IdType, nationec.MdtrtCertType, nationec.PwdFlag)
    for codes in tables:
        labels = [member.label for member in codes]
        schema["components"]["schemas"][codes.__name__]["x-enum-descriptions"] = labels
    return schema


def failed(http: Request, error: Exception) -> JSONResponse:
    if isinstance(error, nationec.NationEcError):
        return told(error)
    if isinstance(error, Refusal):
        return answer(*error.args[:3], fields=(*error.args, None)[3])
    if isinstance(error, RequestValidationError):
        found = faults(error)
        text = "；".join(found.values()) or "请求应为 JSON 对象"
        return answer(422, "invalid", f"填写有误：{text}", fields=found)
    if isinstance(error, HTTPException):
        texts = {404: "没有这个接口", 405: "请用 POST"}
        text = texts.get(error.status_code, "请求应为 JSON 对象")
        return answer(error.status_code, "http", text)
    return answer(500, "internal", "本机服务出错，请联系信息科", "unknown")  # Guard 记日志


def told(error: nationec.NationEcError) -> JSONResponse:
    status, kind = next((row[1], row[2]) for row in KINDS if isinstance(error, row[0]))
    outcome = "refused" if kind == "refused" else "none"
    if error.outcome_unknown:
        outcome = "unknown"
        if kind == "refused":  # -3 服务端请求超时
            status, kind = 504, "timeout"
    return answer(
        status,
        kind,
        error.for_operator,
        outcome,
        repeatable=error.repeatable,
        trans_type=error.trans_type,
        out_biz_no=error.out_biz_no,
        code=getattr(error, "code", None),
        detail=str(error),
    )


def faults(error: RequestValidationError) -> Dict[str, str]:
    """哪些字段有误。nationec 的文字里没有填入的值，但不认识的字段，名称也可能是任何内容。"""
    found: Dict[str, str] = {}
    for fault in error.errors():
        name, text = str(*fault["loc"][1:2]), fault["msg"]
        if fault["type"] == "extra_forbidden":
            name = name if name.isascii() and name.isidentifier() else "?"
            text = f"{name}：没有这个字段"
        if fault["type"] != "json_invalid":
            found.setdefault(to_camel(name), text)
    return found


def policy(page: str) -> str:
    """页面只能用它自己的脚本和样式，只能访问本服务。"""

    def hashed(tag: str) -> str:
        text = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {hashed('script')}; style-src {hashed('style')};"
        " connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


def simulator(seconds: float) -> nationec.Simulator:
    """``seconds`` 是参保人拿出手机的时间。"""
    made = nationec.Simulator()
    card = {"userName": "张三", "idNo": "533222199909090123", "idType": "01"}
    made.answer("cn.nhsa.cert.get", data=card, delay=seconds)
    for trans_type in TRANSACTIONS if seconds else ():
        made.answer(trans_type, delay=seconds)
    return made


def listening(port: int) -> socket.socket:
    """只监听本机。Windows 上不声明独占，别的程序也可以监听同一个端口。"""
    listener = socket.socket()
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    listener.setsockopt(socket.SOL_SOCKET, exclusive, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def parsed(argv: Optional[Sequence[str]]) -> Tuple[argparse.Namespace, str, socket.socket]:
    parser = argparse.ArgumentParser(description="医保电子凭证本机服务")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="模拟，不需要动态库和网络")
    where.add_argument("--url", help="业务请求地址")
    add = parser.add_argument
    add("--org-id", default="35020319001", help="医保定点机构代码")
    add("--dll", default=os.environ.get("NATIONEC_DLL", "NationECCode.dll"), help="动态库的路径")
    add("--python", help="运行动态库的另一个 Python，动态库为 32 位时填 32 位的")
    add("--timeout", type=float, default=60, help="一次调用的超时时间（60 秒）")
    add("--port", type=int, default=18650, help="端口（18650）")
    add("--origin", action="append", default=[], help="HIS 网页的来源 https://his.example，可重复")
    add("--no-origin", action="store_true", help="允许本机的 C/S 程序调用（没有 Origin，凭令牌）")
    add("--token-file", help="令牌文件；或环境变量 NATIONEC_AGENT_TOKEN；都没有则每次生成")
    add("--queue", type=int, default=2, help="排队的笔数（2）")
    add("--patience", type=float, default=30, help="排队的超时时间（30 秒）")
    add("--simulate-seconds", type=float, default=0, help="模拟时每笔用多少秒")
    options = parser.parse_args(argv)
    for origin in options.origin:
        if not re.fullmatch("https?://[^/A-Z]+", origin):
            parser.error(f"--origin {origin}：应为 协议://主机[:端口]，小写，不带路径")
    try:
        token = os.environ.get("NATIONEC_AGENT_TOKEN", "")
        if options.token_file:
            token = Path(options.token_file).read_text("utf-8").strip()
        if (token or options.token_file) and (len(token) < 16 or not token.isascii()):
            parser.error("令牌至少 16 个字符，只能用 ASCII 字符")
        return options, token, listening(options.port)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def main(argv: Optional[Sequence[str]] = None) -> int:
    os.environ.setdefault("NATIONEC_LANG", "zh")
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    options, given, listener = parsed(argv)
    token, port = given or secrets.token_urlsafe(24), listener.getsockname()[1]
    transport: nationec.Transport = simulator(options.simulate_seconds)
    if not options.simulate:
        transport = nationec.IsolatedDll(
            options.dll, python=options.python, timeout=options.timeout
        )
        try:
            transport.start()
        except nationec.DllLoadError as error:  # 页面照常打开，由它告诉收款员
            log.error("%s", error)
    url = options.url or "http://simulator"
    with nationec.Client(url, options.org_id, transport=transport) as client:
        window = Window(client, options.queue, options.patience)
        app = make_app(window, simulated=options.simulate)
        guard = Guard(app, options, token, port)
        print(f"http://127.0.0.1:{port}/{'' if given else f'#token={token}'}", flush=True)
        config = uvicorn.Config(
            guard, log_config=None, access_log=False, server_header=False, ws="none", lifespan="off"
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
