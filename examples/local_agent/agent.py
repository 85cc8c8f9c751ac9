"""An agent on this machine that a HIS in a browser calls, since a browser cannot load NationECCode.dll.

    python agent.py --simulate
    python agent.py --url URL --org-id ORG_ID --dll PATH --origin https://his.example --token-file PATH

One endpoint a transaction, named as the standard names it: ``POST /api/ec.query``. README.md beside this file says
how a page calls it, and what each status means.

Three rooms: ``Guard`` looks at who is asking, before anything is read. ``Window`` makes one call at a time, of which a
few may wait. ``make_app`` puts the library's own models on the web.
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
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, Type

import uvicorn
from anyio import from_thread
from fastapi import Depends, FastAPI, Response
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nationec import (
    AuthCheckRequest,
    AuthCheckResponse,
    BusinessError,
    BusinessType,
    Client,
    DllCrashError,
    DllLoadError,
    DllTimeoutError,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    IdType,
    IsolatedDll,
    MdtrtCertType,
    NationEcError,
    ProtocolError,
    PwdFlag,
    QrcodeGetRequest,
    QrcodeGetResponse,
    Request,
    ResponseFormatError,
    ReturnCode,
    Simulator,
    __version__,
)
from nationec.transactions import T

log = logging.getLogger("agent")

BODY_LIMIT = 256 * 1024  # a photo of 100 KB, and what goes with it
NUMBER = "X-Out-Biz-No"


class Fault(BaseModel):
    """哪个字段，有什么问题。不含填入的值。"""

    field: str = Field(title="字段")
    title: str = Field(title="字段名称")
    text: str = Field(title="问题")


class Problem(BaseModel):
    """除 200 以外的应答。不含参保人的信息。"""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    kind: str = Field(title="错误种类", description="供程序判断，见 README")
    message: str = Field(title="提示", description="供收款员阅读")
    outcome: str = Field(
        title="交易结果",
        description="none 未发生，可以重试；refused 平台未受理；unknown 未知，有 outBizNo 的在核对以前不得重试",
    )
    trans_type: Optional[str] = Field(default=None, title="交易类型")
    out_biz_no: Optional[str] = Field(default=None, title="定点医药机构本次业务流水号")
    code: Optional[int] = Field(default=None, title="返回码", description="医保平台的返回码，见标准 7.1")
    detail: Optional[str] = Field(default=None, title="技术说明", description="供信息科阅读")
    fields: Optional[List[Fault]] = Field(default=None, title="填写有误的字段")


# Class, status, kind, outcome, and what the cashier reads where the platform has not said it.
# The first that fits: README.md has this table for people.
PROBLEMS: Sequence[Tuple[Type[NationEcError], int, str, str, str]] = (
    (BusinessError, 409, "refused", "refused", ""),
    (ProtocolError, 502, "protocol", "none", "医保交易未成功：请检查网络后重试，仍不成功请联系信息科"),
    (ResponseFormatError, 502, "unreadable", "unknown", "医保平台的应答无法识别"),
    (DllLoadError, 503, "dll-load", "none", "本机医保动态库无法加载：请联系信息科"),
    (DllTimeoutError, 504, "timeout", "unknown", "医保交易超时"),
    (DllCrashError, 500, "dll-crash", "unknown", "医保动态库异常退出"),
)
RENEW = {ReturnCode.QRCODE_TOKEN_EXPIRED, ReturnCode.DISPLAY_ID_EXPIRED, ReturnCode.QRCODE_INVALID}

STATUSES: Dict[int, str] = {
    401: "没有令牌，或令牌不对",
    403: "请求不是发给本机的，或来自未登记的网页",
    409: "医保平台未受理，见 code 和 message",
    411: "没有 Content-Length",
    413: "请求超过 256 KB",
    422: "请求填写有误，见 fields",
    429: "排队已满，稍后再试（Retry-After）",
    500: "动态库异常退出，结果未知",
    502: "动态库未能完成交易，或应答无法识别，见 outcome",
    503: "动态库无法加载",
    504: "超时，结果未知",
}


class Refusal(Exception):
    """What the agent itself refuses: nothing has been sent."""

    def __init__(self, status: int, kind: str, message: str, fields: Optional[List[Fault]] = None) -> None:
        super().__init__(kind)
        self.status = status
        self.problem = Problem(kind=kind, message=message, outcome="none", fields=fields)

    def answer(self) -> JSONResponse:
        return answer(self.status, self.problem)


def answer(status: int, problem: Problem) -> JSONResponse:
    headers = {429: {"Retry-After": "2"}, 401: {"WWW-Authenticate": "Bearer"}}.get(status)
    return JSONResponse(problem.model_dump(by_alias=True, exclude_none=True), status, headers)


def problem_of(error: NationEcError) -> Tuple[int, Problem]:
    _, status, kind, outcome, message = next(row for row in PROBLEMS if isinstance(error, row[0]))
    code = None
    if outcome == "unknown" and error.out_biz_no:
        message += "，结果未知：请勿重复操作，联系信息科核对流水号"
    elif outcome == "unknown":  # ec.query and cn.nhsa.ec.pwd: nothing to look up, and nothing is settled by them
        message += "，没有结果：请重新办理（扫码的请参保人刷新二维码），仍不成功请联系信息科"
    if isinstance(error, BusinessError):
        code = error.code
        message = f"医保平台未受理：{error.message}（{code}）"
        if error.return_code is ReturnCode.PASSWORD_NOT_NEEDED:  # 500320: a refusal that is none
            message = error.message
        elif error.return_code in RENEW:
            message += "。请参保人刷新二维码，重新扫码"
    return status, Problem(
        kind=kind,
        message=message,
        outcome=outcome,
        trans_type=error.trans_type,
        out_biz_no=error.out_biz_no,
        code=code,
        detail=str(error),
    )


def broken() -> JSONResponse:
    return answer(500, Problem(kind="internal", message="本机代理程序出错：请联系信息科", outcome="unknown"))


class Guard:
    """Looks at who is asking, before the body is read; logs each answer without anything from the request's inside.

    The Host must be this machine's: a page that has its own name point here (DNS rebinding) brings its own Host.
    The Origin must be the agent's own or one of ``origins``; a call without one is not from a browser's page.
    """

    def __init__(self, app: ASGIApp, paths: Set[str], origins: Sequence[str], token: str, hosts: Set[str]) -> None:
        self.app, self.paths, self.token, self.hosts = app, paths, token.encode(), hosts
        self.origins = {*origins, *(f"http://{host}" for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        headers = Headers(scope=scope)
        origin = headers.get("origin")

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._mark(MutableHeaders(scope=message), origin)
            await send(message)

        try:
            refused = self._refused(scope, headers)
            await (refused or self.app)(scope, receive, sent)
        except Exception as error:
            # Its text and its traceback's may hold what was sent: the place is enough to find it.
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = place and f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
            log.error("%s at %s", type(error).__name__, where)
            if not status:
                await broken()(scope, receive, sent)
        finally:
            # Neither a query nor a path that is not ours: either may hold anything.
            path = scope["path"] if scope["path"] in self.paths else "(other)"
            from_ = origin if origin in self.origins else "(foreign)" if origin else "(none)"
            ms = (time.perf_counter() - started) * 1000
            log.info("%s %s %d origin=%s %.0f ms", scope["method"], path, status, from_, ms)

    def _refused(self, scope: Scope, headers: Headers) -> Optional[Response]:
        origin = headers.get("origin")
        if headers.getlist("host") != [headers.get("host")] or headers["host"] not in self.hosts:
            return Refusal(403, "host", "请求不是发给本机的").answer()
        if origin is not None and origin not in self.origins:
            return Refusal(403, "origin", "这个网页未获准使用本机的医保代理：请联系信息科登记").answer()
        if scope["method"] == "OPTIONS":
            return Response(status_code=204)
        if not scope["path"].startswith("/api/"):
            return None  # the page, and what it is made from: nothing secret
        if origin is None and scope["method"] != "GET":  # a page's own GET has none
            return Refusal(403, "origin", "请求没有 Origin：只有网页可以使用本机的医保代理").answer()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(token.strip().encode("latin-1"), self.token):
            return Refusal(401, "token", "令牌不对：请联系信息科").answer()
        if scope["method"] == "POST":
            length = headers.get("content-length", "")
            if not length.isdigit():
                return Refusal(411, "length", "请求没有 Content-Length").answer()
            if int(length) > BODY_LIMIT:
                return Refusal(413, "length", "请求过大：请换一张小一些的照片").answer()
        return None

    def _mark(self, headers: MutableHeaders, origin: Optional[str]) -> None:
        headers["Cache-Control"] = "no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Vary"] = "Origin"
        if origin in self.origins:
            headers["Access-Control-Allow-Origin"] = origin or ""
            headers["Access-Control-Allow-Methods"] = "GET, POST"
            headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            headers["Access-Control-Allow-Private-Network"] = "true"
            headers["Access-Control-Expose-Headers"] = f"{NUMBER}, Retry-After"
            headers["Access-Control-Max-Age"] = "600"


class Window:
    """One call at a time. ``queue`` more may wait, each for ``patience`` seconds at most."""

    def __init__(self, client: Client, queue: int, patience: float) -> None:
        self.client = client
        self._patience = patience
        self._places = threading.Semaphore(1 + queue)
        self._turn = threading.Lock()

    def call(self, request: Request[T], http: HttpRequest, response: Response) -> T:
        if request.org_id not in (None, self.client.org_id):
            fault = Fault(field="orgId", title="机构 ID", text="与本机配置的医保定点机构代码不同")
            raise Refusal(422, "invalid", "填写有误：机构 ID", [fault])
        if not self._places.acquire(blocking=False):
            raise Refusal(429, "busy", "前面还有交易在办理：请稍候再试")
        try:
            if not self._turn.acquire(timeout=self._patience):
                raise Refusal(429, "busy", "前面的交易尚未完成：请稍候再试")
            try:
                if from_thread.run(http.is_disconnected):
                    raise Refusal(429, "gone", "网页已不再等待")  # nobody is there to read the answer, or this
                exchange = self.client.exchange(request)
            finally:
                self._turn.release()
        finally:
            self._places.release()
        if exchange.out_biz_no:
            response.headers[NUMBER] = exchange.out_biz_no
        assert exchange.data is not None  # noqa: S101 - exchange raises, or has it
        return exchange.data


# What pydantic finds, and what the library's own checks say, in the cashier's language.
_TEXTS = {
    "missing": "必填",
    "extra_forbidden": "没有这个字段",
    "string_too_short": "必填",
    "string_too_long": "最多 {} 个字",
    "string_type": "应为文字",
    "json_invalid": "不是 JSON",
}
_SAID = {
    "ecToken is required": "就诊凭证类型为 01A 医保电子凭证时，须填身份核验令牌",
    "this is a data URI": "照片须为 base64，不带 data: 前缀",
    "this is not base64": "照片须为 base64",
    "the photo is empty": "照片是空的",
    "a control character": "不能含有制表符、换行等控制字符",
    "the limit is 102,400": "照片过大：最多 75 KB",
}


def faults(error: RequestValidationError, request: Optional[Type[Request[Any]]]) -> List[Fault]:
    """pydantic's findings by field, without ``input``: it is a patient's."""
    listed = {} if request is None else request.model_fields
    titles = {field.alias or name: field.title or name for name, field in listed.items()}
    found: Dict[str, Fault] = {}
    for fault in error.errors():
        kind, (_, *place) = fault["type"], fault["loc"]
        name = to_camel(str(place[0])) if place and kind != "json_invalid" else ""
        # An unknown field's name is the caller's, and may be anything.
        name = name if not name or name in titles or (name.isascii() and name.isidentifier()) else "?"
        text = next((said for words, said in _SAID.items() if words in fault["msg"]), fault["msg"])
        if kind in _TEXTS:
            limit = re.search(r"\d+", fault["msg"])
            text = _TEXTS[kind].format(limit and limit.group())
        if name not in found or kind != "enum":  # a code may also be one that is not listed
            found[name] = Fault(field=name, title=titles.get(name, name), text=text)
    return list(found.values())


def make_app(window: Window, *, simulated: bool) -> FastAPI:
    # Swagger's own pages come from the internet, which a hospital does not have: page.html shows the same.
    app = FastAPI(title="医保电子凭证本机代理", version=__version__, docs_url=None, redoc_url=None)
    problems: Dict[Any, Dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in STATUSES.items()
    }
    page = Path(__file__).with_name("page.html").read_text("utf-8")

    def query(body: EcQueryRequest, http: HttpRequest, response: Response) -> EcQueryResponse:
        return window.call(body, http, response)

    def qrcode_get(body: QrcodeGetRequest, http: HttpRequest, response: Response) -> QrcodeGetResponse:
        return window.call(body, http, response)

    def auth_check(body: AuthCheckRequest, http: HttpRequest, response: Response) -> AuthCheckResponse:
        return window.call(body, http, response)

    def pwd(body: EcPwdRequest, http: HttpRequest, response: Response) -> EcPwdResponse:
        return window.call(body, http, response)

    # A province's extra field: a subclass of the request here, and the page and the documentation have it too.
    requests: Dict[str, Type[Request[Any]]] = {}
    endpoints: Sequence[Tuple[Type[Request[Any]], Callable[..., Any], str]] = (
        (EcQueryRequest, query, "扫码枪解码"),
        (QrcodeGetRequest, qrcode_get, "终端扫码解码"),
        (AuthCheckRequest, auth_check, "刷脸授权"),
        (EcPwdRequest, pwd, "密码核验"),
    )
    for request, endpoint, summary in endpoints:
        requests[f"/api/{request.trans_type}"] = request
        app.add_api_route(
            f"/api/{request.trans_type}",
            endpoint,
            methods=["POST"],
            summary=summary,
            description=(request.__doc__ or "").partition(":")[0],
            responses=problems,
            dependencies=[Depends(HTTPBearer(auto_error=False))],  # Guard has seen to it: this is for /openapi.json
        )

    def status() -> Dict[str, Any]:
        return {"orgId": window.client.org_id, "simulated": simulated, "version": __version__}

    app.add_api_route("/api/status", status, methods=["GET"], summary="代理是否在运行", include_in_schema=False)

    def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy(page)})

    app.add_api_route("/", index, methods=["GET"], include_in_schema=False)

    made: Callable[[], Dict[str, Any]] = app.openapi

    def openapi() -> Dict[str, Any]:
        schema = made()
        schemas = schema["components"]["schemas"]
        for codes in (BusinessType, IdType, MdtrtCertType, PwdFlag):
            if codes.__name__ in schemas:
                schemas[codes.__name__]["x-enum-descriptions"] = [member.label for member in codes]
                schemas[codes.__name__]["description"] = "；".join(f"{member} {member.label}" for member in codes)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]

    def failed(http: HttpRequest, error: Exception) -> JSONResponse:
        if isinstance(error, NationEcError):
            status, problem = problem_of(error)
            log.warning("%s %s outBizNo=%s", problem.trans_type, type(error).__name__, problem.out_biz_no)
            return answer(status, problem)
        if isinstance(error, Refusal):
            return error.answer()
        if isinstance(error, RequestValidationError):
            found = faults(error, requests.get(http.url.path))
            named = "、".join(fault.title or fault.text for fault in found)
            return Refusal(422, "invalid", f"填写有误：{named}", found).answer()
        if isinstance(error, HTTPException):
            texts = {404: "没有这个接口", 405: "请用 POST"}
            return Refusal(error.status_code, "http", texts.get(error.status_code, "请求不是所要的 JSON")).answer()
        return broken()  # and Guard logs it

    for kind in (NationEcError, Refusal, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, failed)
    return app


def policy(page: str) -> str:
    """The page's own script and style, this agent, and nothing else."""

    def hashed(tag: str) -> str:
        text = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {hashed('script')}; style-src {hashed('style')}; connect-src 'self'; "
        "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


class Patient:
    """The simulator, as slow as a patient who looks for the telephone."""

    def __init__(self, seconds: float) -> None:
        self._simulator, self._seconds = Simulator(), seconds

    def exchange(self, url: bytes, in_data: bytes) -> Tuple[Optional[bytes], bytes]:
        time.sleep(self._seconds)
        return self._simulator.exchange(url, in_data)

    def close(self) -> None:
        self._simulator.close()


def listening(port: int) -> socket.socket:
    """On this machine only. On Windows a port is shared with whoever asks, unless one says otherwise."""
    listener = socket.socket()
    if sys.platform == "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def token_of(path: Optional[str]) -> Tuple[str, bool]:
    """The token, and whether it was made just now."""
    token = Path(path).read_text("utf-8").strip() if path else os.environ.get("NATIONEC_AGENT_TOKEN", "")
    if not token and not path:
        return secrets.token_urlsafe(24), True
    if len(token) < 16 or not token.isascii():
        raise ValueError("the token must have at least 16 characters, all of them ASCII")
    return token, False


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="医保电子凭证本机代理")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--simulate", action="store_true", help="no DLL, no network: the standard's example patient")
    where.add_argument("--url", help="业务请求地址")
    parser.add_argument("--org-id", default="35020319001", help="医保定点机构代码")
    parser.add_argument("--dll", default="NationECCode.dll", help="path of NationECCode.dll; else it is looked for")
    parser.add_argument("--python", help="command of the Python for the DLL, for example a 32-bit one")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one call")
    parser.add_argument("--port", type=int, default=18650)
    parser.add_argument(
        "--origin", action="append", default=[], help="a HIS page's, as https://his.example; repeatable"
    )
    parser.add_argument("--token-file", help="else NATIONEC_AGENT_TOKEN; else one is made, and shown")
    parser.add_argument("--queue", type=int, default=2, help="calls that may wait for the one under way")
    parser.add_argument("--patience", type=float, default=30, help="seconds that each may wait")
    parser.add_argument("--simulate-seconds", type=float, default=0, help="for --simulate: how long a patient takes")
    options = parser.parse_args(argv)
    for origin in options.origin:
        if origin != origin.lower() or origin.count("/") != 2 or not origin.startswith(("http://", "https://")):
            parser.error(f"--origin {origin}: give scheme://host[:port], in lower case, without a path")
    try:
        token, made = token_of(options.token_file)
        listener = listening(options.port)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    transport: Any = Patient(options.simulate_seconds)
    if not options.simulate:
        transport = IsolatedDll(options.dll, python=options.python, timeout=options.timeout)
        try:
            transport.start()
        except DllLoadError as error:  # the page is there to say so too
            log.error("%s", error)
    port = listener.getsockname()[1]
    with Client(options.url or "http://simulator", options.org_id, transport=transport) as client:
        app = make_app(Window(client, options.queue, options.patience), simulated=options.simulate)
        paths = {str(getattr(route, "path", "")) for route in app.routes}
        guard = Guard(app, paths, options.origin, token, {f"127.0.0.1:{port}", f"localhost:{port}"})
        print(f"http://127.0.0.1:{port}/{f'#token={token}' if made else ''}", flush=True)
        server = uvicorn.Server(
            uvicorn.Config(guard, log_config=None, access_log=False, server_header=False, ws="none", lifespan="off")
        )
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")
    sys.exit(main())
