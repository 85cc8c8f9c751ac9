"""``Guard``：谁可以调用本机服务。``problem``：除 200 以外的响应。"""

import argparse
import logging
import secrets
import time
import traceback
from typing import Any, Optional, Set

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("agent")

BODY_LIMIT = 256 * 1024  # 一张 100 KB 的照片，加上其余字段
NUMBER, CALL_ID = "X-Out-Biz-No", "X-Call-Id"


def problem(status: int, kind: str, message: str, outcome: str = "none", **more: Any) -> Response:
    """除 200 以外的响应，不含参保人信息：各项的含义见 README.md。"""
    more = {name: value for name, value in more.items() if value is not None}
    content = {"kind": kind, "message": message, "outcome": outcome, **more}
    headers = {429: {"Retry-After": "2"}, 401: {"WWW-Authenticate": "Bearer"}}.get(status)
    return JSONResponse(content, status, headers)


class Guard:
    """在读取请求内容之前检查是谁在调用；每个响应记一行日志，不含请求的内容。

    Host 必须是本机：网页把自己的域名指向 127.0.0.1（DNS 重绑定）时，带来的是它自己的 Host。
    Origin 必须是本服务的页面或已登记的；没有 Origin 的不是网页，要有 ``--no-origin``。
    """

    def __init__(self, app: ASGIApp, named: Set[str], options: argparse.Namespace) -> None:
        """``named`` 是日志里可以写出的路径，其余的可能是任何内容。"""
        self._app, self._named = app, named
        self._no_origin, self._token = options.no_origin, options.token.encode()
        self._hosts = [f"127.0.0.1:{options.port}", f"localhost:{options.port}"]
        self._origins = [*options.origin, *(f"http://{host}" for host in self._hosts)]
        self._with_cors = CORSMiddleware(
            self._with_token,
            allow_origins=self._origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", CALL_ID],
            expose_headers=[NUMBER, "Retry-After"],
        )
        self._with_cors.allow_private_network = True  # 旧版 Starlette 没有这个参数

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http, status, started = Request(scope), 0, time.perf_counter()
        origin = http.headers.get("origin")
        known = origin in self._origins

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                if known:
                    headers["Access-Control-Allow-Private-Network"] = "true"
            await send(message)

        try:
            # Response 也是 ASGI 应用
            await (self._stranger(http) or self._with_cors)(scope, receive, marked)
        except Exception as error:  # 文字和调用栈里可能有请求的内容，只记位置
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s at %s:%s", type(error).__name__, place.filename, place.lineno)
        path = scope["path"] if scope["path"] in self._named else "(other)"
        shown = origin if known else "(foreign)" if origin else "(none)"
        ms = (time.perf_counter() - started) * 1000
        log.info("%s %s %d origin=%s %.0f ms", http.method, path, status, shown, ms)

    def _stranger(self, http: Request) -> Optional[Response]:
        # Starlette 的 TrustedHostMiddleware 不看端口，有两个 Host 时只看一个
        if http.headers.getlist("host") not in ([host] for host in self._hosts):
            return problem(403, "host", "请求不是发给本机的")
        origin = http.headers.get("origin")
        if origin is not None and origin not in self._origins:
            detail = "请用 --origin 登记该网页的来源，并重新启动本机服务"
            if origin == "null":  # 任何网页都能以它为来源，不能登记
                detail = "本地文件（file://）的网页没有来源：请从 http 地址打开并登记，"
                detail += "或由程序自身而不是网页调用，并加上 --no-origin"
            return problem(403, "origin", "该网页未登记，请联系信息科", detail=detail)
        return None

    async def _with_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._refused(Request(scope)) or self._app)(scope, receive, send)

    def _refused(self, http: Request) -> Optional[Response]:
        post = http.method == "POST"
        if not http.scope["path"].startswith("/api/"):
            return None  # 只有 GET：页面和接口说明，没有秘密
        if post and not ("origin" in http.headers or self._no_origin):
            detail = "C/S 程序没有 Origin：请加上 --no-origin，并重新启动本机服务"
            return problem(403, "origin", "不允许该程序调用，请联系信息科", detail=detail)
        scheme, _, token = http.headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(token.strip().encode("latin-1"), self._token)
        if scheme.lower() != "bearer" or not right:
            return problem(401, "token", "令牌不正确，请联系信息科")
        length = http.headers.get("content-length", "")
        if post and ("transfer-encoding" in http.headers or not length.isdigit()):
            return problem(411, "length", "请求必须有 Content-Length，不能用 Transfer-Encoding")
        if post and int(length) > BODY_LIMIT:
            return problem(413, "length", "请求过大，请换小一些的照片")
        return None
