"""四个交易的 HTTP 接口，供本机的程序调用。先执行 pip install fastapi uvicorn。

    python fastapi_service.py --simulate

接口说明在 http://127.0.0.1:8000/docs（页面的脚本来自互联网），或 /openapi.json（不需要互联网）。
这里没有身份验证，所以只监听本机，并且只接受发给 HOSTS 的请求。供浏览器调用的，见 local_agent。
"""

import logging
import sys
from typing import Any, Dict, Optional, Sequence

import uvicorn
from common import connect, parse, parser
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from nationec import (
    AuthCheckRequest,
    AuthCheckResponse,
    BusinessError,
    Client,
    EcPwdRequest,
    EcPwdResponse,
    EcQueryRequest,
    EcQueryResponse,
    NationEcError,
    QrcodeGetRequest,
    QrcodeGetResponse,
)

HOSTS = ("127.0.0.1", "localhost")


def json_only(content_type: str = Header("", include_in_schema=False)) -> None:
    """别的网站的网页未经许可不能发送 JSON 类型的请求；较早的 FastAPI 不检查没有类型的。"""
    if not content_type.startswith("application/json"):
        raise HTTPException(415, "Content-Type 应为 application/json")


def make_app(client: Client) -> FastAPI:
    app = FastAPI(title="医保码（医保电子凭证）", dependencies=[Depends(json_only)])
    # 恶意网页可以把自己的域名解析到 127.0.0.1（DNS 重绑定），但 Host 仍是它的域名
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    # 用 def 而不用 async def：FastAPI 在线程中运行，等待动态库时不影响其他请求
    @app.post("/ec.query", summary="扫码枪解码")
    def ec_query(request: EcQueryRequest) -> EcQueryResponse:
        return client.call(request)

    @app.post("/cn.nhsa.qrcode.get", summary="终端扫码解码")
    def qrcode_get(request: QrcodeGetRequest) -> QrcodeGetResponse:
        return client.call(request)

    @app.post("/cn.nhsa.auth.check", summary="刷脸授权")
    def auth_check(request: AuthCheckRequest) -> AuthCheckResponse:
        return client.call(request)

    @app.post("/cn.nhsa.ec.pwd", summary="密码核验")
    def ec_pwd(request: EcPwdRequest) -> EcPwdResponse:
        return client.call(request)

    @app.exception_handler(NationEcError)
    def failed(request: Request, error: NationEcError) -> JSONResponse:
        logging.warning("%s", error)
        answer: Dict[str, Any] = {
            "message": error.for_operator,
            "outcomeUnknown": error.outcome_unknown,
            "repeatable": error.repeatable,
            "outBizNo": error.out_biz_no,
            "code": getattr(error, "code", None),  # 医保平台的返回码
        }
        return JSONResponse(answer, 409 if isinstance(error, BusinessError) else 502)

    return app


def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parser("四个交易的 HTTP 接口")
    arguments.add_argument("--port", type=int, default=8000, help="端口")
    options = parse(arguments, argv)
    try:
        with connect(options) as client:
            uvicorn.run(make_app(client), host="127.0.0.1", port=options.port)
    except NationEcError as error:  # 动态库无法加载
        print(error.for_operator)
        logging.warning("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
