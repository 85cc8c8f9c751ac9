"""examples/local_agent: a real server in its own process, and the page in a real browser."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import ON_WIRE as COMMON
from .conftest import answer, hexed, on_linux

pytest.importorskip("starlette")  # pip install -r examples/local_agent/requirements.txt
pytest.importorskip("uvicorn")

AGENT = Path(__file__).parents[1] / "examples" / "local_agent" / "agent.py"
TOKEN = "token-of-this-test-0123456789"
HIS = "https://his.hospital.example"
CODE = "28C3F7A1E09B4D52A6\r"
FOREIGN = [f"{HIS}.evil.example", f"{HIS}:8443", HIS.replace("https", "http"), "null", ""]
PATIENT = {"idNo": "533222199909090123", "idType": "01", "userName": "张三"}
NO_REQUESTS = [b"", b"[]", b'{"a":' * 50_000, b"\xff\xfeSECRET", b'{"SECRET": NaN}']
NO_REQUESTS += [b'{"a": "\\ud800SECRET"}', {"orgId": "SECRET"}]
MADE = r"20\d{12}\w{3}35020319001"


class Agent:
    def __init__(self, folder, *options, program=(str(AGENT),)):
        (folder / "token").write_text(TOKEN + "\n", "utf-8")
        self._log = folder / "agent.log"
        options = ["--port=0", f"--origin={HIS}", "--token-file=token", *options]
        command = [sys.executable, "-Xutf8", *program, *options]
        with self._log.open("wb") as log:
            pipes = {"stdout": subprocess.PIPE, "stderr": log}
            self._process = subprocess.Popen(command, cwd=folder, **pipes)
        self.url = self._process.stdout.readline().decode().strip()
        if not self.url:
            self.close()
            raise ValueError(self._log.read_text("utf-8"))
        self.host = self.url.split("/")[2]
        self.port = int(self.host.partition(":")[2])

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        self._process.stdout.close()

    @property
    def log(self):
        self.ask("GET", "/api/status")  # an answer is there a moment before its line in the log
        return self._log.read_text("utf-8")

    def ask(self, method, path, body=None, timeout=30, **headers):
        """Status, headers and body, asked as the HIS's page would; ``None`` leaves a header out."""
        sent = {"Host": self.host, "Origin": HIS, "Authorization": f"Bearer {TOKEN}"}
        sent["Content_Type"] = "application/json"
        sent.update(headers)
        sent = {name.replace("_", "-"): value for name, value in sent.items() if value is not None}
        body = json.dumps(body) if isinstance(body, dict) else body
        with closing(http.client.HTTPConnection(self.host, timeout=timeout)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        return answer.status, answer.headers, json.loads(text) if text.startswith("{") else text

    def call(self, trans_type="ec.query", body=COMMON, **headers):
        return self.ask("POST", f"/api/{trans_type}", body, **headers)


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with closing(Agent(tmp_path_factory.mktemp("agent"), "--simulate")) as agent:
        yield agent


@pytest.fixture
def start(tmp_path_factory, request):
    """Starts further agents, which end with the test."""

    def start(*options, **program):
        agent = Agent(tmp_path_factory.mktemp("agent"), *options, **program)
        request.addfinalizer(agent.close)
        return agent

    return start


@pytest.fixture
def real(start, standin):
    """Starts agents with the C stand-in as their DLL: see standin.c for the modes."""

    def real(mode, *options):
        return start(f"--url=http://h/{mode}", "--org-id=35020319001", f"--dll={standin}", *options)

    return real


class TestTheTransactions:
    @pytest.mark.parametrize(
        ("trans_type", "fields", "answered", "number"),
        [
            ("ec.query", {"gainWay": "MOBILE"}, PATIENT, ""),
            ("cn.nhsa.qrcode.get", {}, PATIENT, MADE),
            ("cn.nhsa.qrcode.get", {"outBizNo": "HIS0001"}, PATIENT, "HIS0001"),
            ("cn.nhsa.auth.check", {"authNo": "A1"}, {**PATIENT, "authNo": "A1"}, MADE),
            ("cn.nhsa.ec.auth", {}, {"authNo": "A0001"}, MADE),
            ("cn.nhsa.ec.pwd", {**PATIENT, "mdtrtCertType": "02A"}, {"pwdFlag": "1"}, ""),
            ("cn.nhsa.cert.get", {"outBizNo": ""}, PATIENT, MADE),
            ("cn.nhsa.cert.get", {"outBizNo": 5}, PATIENT, "5"),
            ("cn.nhsa.cert.get", {}, PATIENT, ""),
            ("cn.nhsa.cert.get", {"outBizNo": "张"}, PATIENT, ""),  # fits no header
            ("cn.nhsa.cert.get", {"outBizNo": "a\r\nb: c"}, PATIENT, ""),
        ],
    )
    def test_each_answers_with_data_and_number(self, agent, trans_type, fields, answered, number):
        status, headers, told = agent.call(trans_type, {**COMMON, **fields})
        assert status == 200
        assert told.items() >= answered.items()
        assert re.fullmatch(number, headers.get("X-Out-Biz-No", ""))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_the_body_is_read_in_both_encodings_whatever_its_content_type(self, agent, encoding):
        raw = json.dumps({**COMMON, "authNo": "欧阳"}, ensure_ascii=False).encode(encoding)
        odd = {"Content_Type": "text/plain; charset=x"}
        status, _, told = agent.call("cn.nhsa.auth.check", raw, **odd)
        assert (status, told["authNo"]) == (200, "欧阳")


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("mode", "status", "kind", "outcome", "code"),
        [
            (answer({"code": -2}), 409, "refused", "refused", -2),
            ("return=" + hexed("网络不通"), 502, "protocol", "none", None),
            ("fill=5", 502, "unreadable", "unknown", None),
            ("sleep=600000", 504, "timeout", "unknown", None),
            (answer({"code": -3}), 504, "timeout", "unknown", -3),
            ("abort", 500, "dll-crash", "unknown", None),
        ],
    )
    def test_a_call_that_fails(self, real, mode, status, kind, outcome, code):
        agent = real(mode, "--timeout", "0.5")
        got, headers, told = agent.call("cn.nhsa.qrcode.get", {**COMMON, "outBizNo": "X1"})
        shown = got, told["kind"], told["outcome"], told["outBizNo"], told.get("code")
        assert shown == (status, kind, outcome, "X1", code)
        assert told["repeatable"]
        assert re.search("[一-龥]", told["message"])
        assert headers["Access-Control-Allow-Origin"] == HIS  # or the page could not read it

    def test_503_without_the_dll(self, start, tmp_path):
        agent = start("--url=http://h", "--org-id=1", f"--dll={tmp_path / 'none.dll'}")
        status, _, told = agent.call()
        assert (status, told["kind"], told["outcome"]) == (503, "dll-load", "none")
        assert "no such file: give --dll the full path" in told["detail"]
        assert agent.ask("GET", "/api/status")[2]["loadError"] == told["detail"]

    def test_422_says_in_chinese_which_fields_and_never_their_values(self, start, monkeypatch):
        monkeypatch.delenv("NATIONEC_LANG")  # Chinese unless it says otherwise
        wrong = {"operatorName": "SECRET\n", "photoData": "U0VDUkVU" * 13_000}
        status, _, told = start("--simulate").call(body={**COMMON, **wrong})
        assert (status, told["kind"], told["outcome"]) == (422, "invalid", "none")
        name, photo = told["fields"]["operatorName"], told["fields"]["photoData"]
        assert name.startswith("收款员姓名 operatorName：不能含控制字符")
        assert "102400" in photo
        assert told["message"] == f"填写有误：{name}；{photo}"
        assert not re.search("SECRET|U0VDUkVU", str(told))

    @pytest.mark.parametrize("trans_type", ["ec.query", "cn.nhsa.cert.get"])
    @pytest.mark.parametrize("body", NO_REQUESTS, ids=repr)
    def test_422_a_body_that_is_no_request(self, agent, body, trans_type):
        status, _, told = agent.call(trans_type, body)
        assert (status, told["kind"], told["outcome"]) == (422, "invalid", "none")
        assert told["message"].startswith("填写有误：")
        assert "SECRET" not in str(told)

    def test_a_path_that_is_no_endpoint_and_a_body_of_unknown_length_or_too_long(self, agent):
        for path in ("/api/nosuch", "/api/%E5%BC%A0.x", "/api/a.b/c", "/api/A1.b", "/nosuch"):
            assert agent.ask("POST", path, {})[0] == 404
        assert agent.ask("GET", "/api/ec.query")[0] == 405
        for length in (None, "5"):
            chunked = {"Transfer_Encoding": "chunked", "Content_Length": length}
            assert agent.call(body=b"0\r\n\r\n", **chunked)[0] == 411
        assert agent.call(body={"photoData": "x" * 300_000})[0] == 413


class TestWhoMayAsk:
    @pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
    @pytest.mark.parametrize("path", ["/", "/openapi.json", "/api/ec.query"])
    def test_403_a_name_that_is_not_this_machines(self, agent, host, path):
        """DNS rebinding: the page's own name points here, so the browser sees one origin."""
        host = host.format(port=agent.port)
        status, headers, told = agent.ask("GET", path, Host=host, Origin=None)
        assert (status, told["kind"]) == (403, "host")
        assert "Access-Control-Allow-Origin" not in headers
        assert agent.call(Host=host, Origin=f"http://{host}")[2]["kind"] == "host"

    def test_localhost_is_this_machine_too(self, agent):
        host = f"localhost:{agent.port}"
        assert agent.call(Host=host, Origin=f"http://{host}")[0] == 200

    @pytest.mark.parametrize("origin", [*FOREIGN, None])
    def test_403_an_origin_that_is_not_registered_or_missing(self, agent, origin):
        status, headers, told = agent.call(Origin=origin)
        assert (status, told["kind"]) == (403, "origin")
        assert "Access-Control-Allow-Origin" not in headers
        assert ("file://" in told["detail"]) == (origin == "null")  # a page from there
        assert ("--no-origin" in told["detail"]) == (origin in ("null", None))

    def test_a_program_without_an_origin_may_where_it_is_told_to(self, start):
        agent = start("--simulate", "--no-origin")
        assert agent.call(Origin=None)[0] == 200
        assert agent.call(Origin=None, Authorization=None)[2]["kind"] == "token"
        assert agent.call(Origin=None, Host="evil.example")[2]["kind"] == "host"
        for origin in FOREIGN:
            assert agent.call(Origin=origin)[2]["kind"] == "origin"

    def test_a_registered_page_may_call_and_read_the_number_and_a_foreign_one_may_not(self, agent):
        asks = {
            "Authorization": None,
            "Access_Control_Request_Method": "POST",
            "Access_Control_Request_Headers": "authorization, content-type, x-call-id",
            "Access_Control_Request_Private_Network": "true",
        }
        path = "/api/ec.query"
        assert agent.ask("OPTIONS", path, Origin="https://evil.example", **asks)[0] == 403
        status, headers, _ = agent.ask("OPTIONS", path, **asks)
        assert (status, headers["Access-Control-Allow-Origin"]) == (200, HIS)
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
        assert headers["Access-Control-Allow-Private-Network"] == "true"
        assert "X-Out-Biz-No" in agent.call()[1]["Access-Control-Expose-Headers"]

    @pytest.mark.parametrize("header", ["Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}é", None])
    def test_401_without_the_token(self, agent, header):
        status, headers, told = agent.call(Authorization=header)
        assert (status, told["kind"], headers["WWW-Authenticate"]) == (401, "token", "Bearer")
        assert agent.ask("GET", "/api/status", Authorization=header)[0] == 401

    @on_linux
    def test_it_listens_on_this_machine_only(self, agent):
        with pytest.raises(ConnectionRefusedError):  # of 0.0.0.0 this address is one
            socket.create_connection(("127.0.0.2", agent.port), timeout=9)

    def test_without_a_token_file_one_is_made(self, start):
        assert len(start("--simulate", "--token-file=").url.partition("#token=")[2]) >= 32

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--simulate", "--origin=*"], r"--origin \*"),
            (["--simulate", f"--origin={HIS}/"], "--origin"),
            (["--simulate", "--token-file=none"], "none"),
            (["--url=http://h"], "--org-id"),
            (["--url=http://h", "--org-id= "], "--org-id"),
        ],
    )
    def test_a_configuration_that_cannot_be_right_is_refused(self, start, options, words):
        with pytest.raises(ValueError, match=f"agent.py: error: .*{words}"):
            start(*options)


class TestTheQueue:
    def test_one_call_at_a_time_and_429_after_waiting_long_enough(self, real):
        agent = real("sleep=800", "--patience", "0.4")
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda _: agent.call(), range(4)))
        busy = [headers for _, headers, told in answers if told.get("kind") == "busy"]
        assert [int(headers["Retry-After"]) for headers in busy] == [2, 2, 2]

    def test_a_call_that_nobody_waits_for_any_more_is_not_made(self, real):
        agent = real("sleep=1000")
        for _ in range(2):  # the second waits for the first
            with pytest.raises(OSError, match="timed out"):
                agent.call(timeout=0.3)
        assert agent.call()[0] == 200
        assert re.findall(r"ec\.query (\d+)", agent.log) == ["200", "429", "200"]

    def test_a_call_can_be_cancelled_by_who_made_it(self, real):
        agent = real("sleep=600000")
        with ThreadPoolExecutor() as pool:
            call = pool.submit(agent.call, X_Call_Id="mine")
            while not call.done():  # until it has begun there is nothing to cancel
                time.sleep(0.3)
                assert not agent.call("cancel", {}, X_Call_Id="another")[2]["cancelled"]
                agent.call("cancel", {}, X_Call_Id="mine")
        status, _, told = call.result()
        assert (status, told["kind"], told["outcome"]) == (500, "cancelled", "unknown")


def test_500_for_what_nobody_has_thought_of_and_its_text_stays_inside(start):
    """Such an error may hold what was sent: as a program that makes one shows."""
    program = (
        f"import sys; sys.path.insert(0, {str(AGENT.parent)!r}); import agent\n"
        "agent.nationec.Simulator.exchange = lambda *_: {}['SECRET']; sys.exit(agent.main())"
    )
    agent = start("--simulate", program=("-c", program))
    status, headers, told = agent.call()
    assert (status, told["kind"], told["outcome"]) == (500, "internal", "unknown")
    assert headers["Access-Control-Allow-Origin"] == HIS
    assert "KeyError at " in agent.log
    assert "SECRET" not in agent.log + str(told)


def test_neither_the_logs_nor_the_errors_name_a_patient(real):
    id_no, name, key = "110101198001019999", "欧阳无名", "TOKENTOKEN0123456789"
    secret = {"idNo": id_no, "userName": name, "ecToken": key}
    photo = "cGhvdG8gb2YgdGhlIHBhdGllbnQ="
    body = {**COMMON, **secret, "idType": "01", "mdtrtCertType": "01A", "extData": secret}
    unlisted = {**COMMON, id_no: 1, name: 1, "photoData": photo + "!", "operatorId": id_no * 3}
    told = answer({"code": 0, "data": {**secret, "idType": "01"}})
    for mode in (told, told[:-10], answer({"code": 500004, "data": secret})):
        agent = real(mode)
        answers = [
            agent.call("cn.nhsa.ec.pwd", body),
            agent.call("cn.nhsa.ec.pwd", {**body, "idNo": id_no * 9, "userName": [name]}),
            agent.call("cn.nhsa.auth.check", {**COMMON, "authNo": key, "photoData": photo}),
            agent.call("ec.query", unlisted),
            agent.ask("POST", f"/api/ec.query?idNo={id_no}", secret),
            agent.ask("POST", f"/api/{id_no}", secret),
            agent.call("cn.nhsa.cert.get", {**secret, "orgId": id_no}),
            agent.ask("GET", f"/{id_no}?{key}", Origin=f"http://{key}.example"),
            agent.call(Authorization=f"Bearer {key}"),
        ]
        assert all(status >= 400 for status, _, _ in answers)
        said = f"{[told for _, _, told in answers]} {agent.log}".lower()
        for value in (*secret.values(), photo, TOKEN, "TEST"):
            assert value.lower() not in said


def test_the_page_needs_nothing_from_elsewhere_and_reads_no_text_as_html(agent):
    for path in ("/", "/page.css", "/page.js"):
        status, headers, text = agent.ask("GET", path, Origin=None, Authorization=None)
        assert status == 200
        assert headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert not re.search("innerHTML|insertAdjacentHTML|https?:|@import|" + TOKEN, text)


class Browser:
    def __init__(self, driver):
        self._driver = driver
        self.load = driver.get
        self.run = driver.execute_script
        self.tell = driver.execute_cdp_cmd

    def go(self, url):
        self.load("about:blank")  # a fragment alone loads nothing anew
        self.load(url)
        self.find("#about:not(:empty)")

    def find(self, selector):
        """Waits until it is there: see ``timeouts``."""
        return self._driver.find_element("css selector", selector)

    def write(self, selector, text):
        self.find(selector).clear()
        self.find(selector).send_keys(text)

    def value(self, selector):
        return self.find(selector).get_property("value")

    def focused(self):
        return self.run("return document.activeElement.id")

    def stored(self):
        return self.run("return JSON.stringify({...localStorage})")

    def type(self, text, pause=1):
        """Types into whatever has the focus: as a scanner does, or with pauses (ms) a person.

        Each key has its time, by which the page judges, however slow this machine is.
        """
        now = time.time()
        for number, character in enumerate(text):
            enter = {"key": "Enter", "windowsVirtualKeyCode": 13}
            key = enter if character == "\r" else {"key": character}
            key["timestamp"] = now + number * pause / 1000
            self.tell("Input.dispatchKeyEvent", {"type": "keyDown", "text": character, **key})

    def sit_down(self, agent):
        """As a cashier does once."""
        self.go(f"{agent.url}#token={TOKEN}")
        self.choose("settings")
        for name in ("operatorId", "operatorName", "officeId", "officeName"):
            self.write(f"#f-{name}", COMMON[name])
        self.find("#go").click()
        self.choose("ec.query", "01101")

    def choose(self, tab, business_type=None):
        self.find(f"nav button[value='{tab}']").click()
        if business_type:
            self.find(f"#f-businessType option[value='{business_type}']").click()

    def choose_any(self):
        self.choose("any")
        self.write("#f-transType", "cn.nhsa.cert.get")

    def press(self):
        self.find("#go").click()
        return self.find("#result:is(.good, .bad, .unknown)").text


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install it")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not driver or not chromium:
        pytest.skip("no Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.timeouts = {"pageLoad": 20_000, "implicit": 20_000}
    for argument in (
        *("--headless", "--no-sandbox", "--window-size=400,860"),
        *("--no-proxy-server", "--disable-component-update"),  # it looks for nobody but the agent
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as driver:
        yield Browser(driver)


@pytest.fixture
def page(browser, agent):
    browser.sit_down(agent)
    return browser


FITS = """return document.documentElement.scrollWidth <= document.documentElement.clientWidth
    && ![...document.querySelectorAll("label span")].some((one) => one.offsetHeight > 40)
    && ![...document.querySelectorAll("nav button")].some((one) => one.offsetHeight > 60)"""
IDLE = "等待办理\n结果将显示在这里"
NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("SecurityError"); } });"""


class TestThePageInABrowser:
    def test_a_cashier_decodes_a_code_and_has_the_password_checked(self, page):
        assert "token" not in page.run("return location.href")
        assert "模拟" in page.find("header").text
        shown = page.press()
        assert shown.startswith("扫码 · ")  # what it is the result of, and when
        assert "居民身份证（户口簿）（01）" in shown
        patient = page.find("#result")
        assert PATIENT["idNo"] not in patient.get_property("innerText")
        page.find("#result dd summary").click()
        assert PATIENT["idNo"] in patient.get_property("innerText")
        page.find("#result .main").click()
        assert page.find("#result").text == IDLE  # never beside another transaction's form
        assert page.value("#f-idNo") == "533222********0123"
        page.choose("cn.nhsa.ec.pwd", "01301")
        shown = page.press()
        assert "密码核验通过，可以结算" in shown
        assert "张三　533222********0123" in shown
        page.find("#wipe").click()
        assert page.find("#result").text == IDLE
        assert page.value("#f-idNo") == ""
        assert "张三" not in page.stored()

    def test_a_face_is_recognised_and_then_asked_for_its_identity(self, page):
        page.choose("cn.nhsa.ec.auth", "01301")
        assert "终端刷脸完成" in page.press()
        page.find("#result .main").click()
        assert page.value("#f-authNo") == "A0001"
        assert page.value("#f-businessType") == "01301"
        assert "张三" in page.press()

    def test_what_the_cashier_typed_once_is_there_for_the_next_patient(self, page, agent):
        page.press()
        page.go(f"{agent.url}#token={TOKEN}")
        assert page.focused() == "go"
        assert page.value("#f-businessType") == "01101"
        page.choose("settings")
        assert page.value("#f-officeName") == "内科"
        page.write("#f-operatorId", "0" * 36)
        assert "超过标准规定的 20 个字符，仍会发送" in page.find("#row-operatorId").text
        page.find("#go").click()
        assert "张三" in page.press()
        assert "WARNING ec.query: operatorId has 36 characters" in agent.log
        page.run("localStorage.clear()")
        page.go(f"{agent.url}#token={TOKEN}")
        assert page.focused() == "f-operatorId"  # the settings come first, and their first field

    def test_a_page_that_may_store_nothing_works_as_long_as_it_is_open(self, browser, agent):
        browser.load("about:blank")
        added = browser.tell("Page.addScriptToEvaluateOnNewDocument", {"source": NO_STORAGE})
        try:
            browser.sit_down(agent)
            assert "张三" in browser.press()
        finally:
            browser.tell("Page.removeScriptToEvaluateOnNewDocument", added)

    def test_a_field_that_is_missing_is_marked_before_anything_is_sent(self, page):
        page.press()
        page.choose("cn.nhsa.auth.check", "01301")
        page.find("#go").click()
        assert "必填" in page.find("#row-authNo").text
        page.find("#f-authNo:required[aria-invalid=true][aria-describedby~=f-authNo-fault]")
        assert page.focused() == "f-authNo"
        assert page.find("#result").text == IDLE
        page.type("A1\r", pause=60)  # nothing else is missing: it goes on
        assert "张三" in page.find("#result.good").text
        page.choose_any()
        page.write("#f-data", "[]")
        page.find("#go").click()
        assert "不是 JSON 对象" in page.find("#row-data").text

    def test_what_a_scanner_types_is_undone_and_not_stored(self, page, agent):
        before = page.stored(), agent.log.count("POST")
        for form, target in (
            ("settings", "#f-operatorId"),
            ("ec.query", "#f-businessType"),
            ("ec.query", "#go"),
            ("any", "#f-data"),
            ("ec.query", "body"),
        ):
            page.choose(form)
            page.run("document.activeElement.blur()")
            page.run(f"document.querySelector('{target}').focus()")
            value = page.value(target)
            page.type(CODE)
            assert page.find("#note").text == "请先点“扫码”，再扫"
            assert page.value(target) == value
            assert page.find("#result").text == IDLE
        assert (page.stored(), agent.log.count("POST")) == before
        page.choose("settings")
        assert page.value("#f-operatorId") == COMMON["operatorId"]
        page.write("#f-operatorId", "")
        page.type("12345678901", pause=60)  # as a person types
        assert page.value("#f-operatorId") == "12345678901"

    def test_a_call_can_be_cancelled_and_its_limit_is_shown(self, browser, real):
        browser.sit_down(real("sleep=600000", "--timeout=45"))
        browser.choose_any()  # its form keeps what is written
        for tab, word in (("ec.query", "可以重新办理"), ("any", "请勿重复操作")):
            browser.choose(tab)
            browser.find("#go").click()
            assert "最长 45 秒" in browser.find("#result.busy").text
            time.sleep(1)  # until it has begun there is nothing to cancel
            browser.find("#cancel").click()
            assert f"已取消 · {word}" in browser.find("#result.unknown").text
        assert re.search(r"业务流水号\n20\d{12}", browser.find("#result").text)

    def test_what_does_not_run_or_load_is_told_at_once(self, browser, start, tmp_path):
        agent = start("--url=http://h", "--org-id=1", f"--dll={tmp_path / 'none.dll'}")
        browser.go(f"{agent.url}#token={TOKEN}")
        assert "医保动态库无法加载" in browser.find("#result.bad").text
        browser.sit_down(agent)
        agent.close()
        assert "本机服务没有运行，本次未发送" in browser.press()
        browser.run("begin((api = null))")
        assert "/openapi.json" in browser.find("#result.bad").text

    def test_each_tab_fits_a_narrow_window_and_the_last_documents_the_interface(self, page):
        page.press()
        for number in range(1, 9):
            page.find(f"nav button:nth-child({number})").click()
            assert page.run(FITS)
        shown = page.find("#left").text
        for words in ("POST /api/cn.nhsa.ec.pwd", "mdtrtCertType 就诊凭证类型", "01A 医保电子凭证"):
            assert words in shown

    def test_a_refusal_and_a_wrong_password_are_told_and_500320_is_neither(self, browser, real):
        browser.sit_down(real(answer({"code": 500004, "message": "密码错"})))
        assert "未成功\n医保平台提示：密码错（500004），" in browser.press()
        wrong = {**PATIENT, "ecToken": "t", "insuOrg": "430000", "pwdFlag": "0"}
        browser.sit_down(real(answer({"code": 0, "data": wrong})))
        assert "不能结算\n密码核验未通过" in browser.press()
        browser.sit_down(real(answer({"code": 500320})))
        assert "无需密码 · 可以结算\n本次无需输入密码，可直接办理" in browser.press()

    def test_text_from_the_wire_stays_text(self, browser, real):
        name = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
        data = {**PATIENT, "userName": name, "ecToken": name, "insuOrg": "430000", name: name}
        browser.sit_down(real(answer({"code": 0, "data": data})))
        assert name in browser.press()
        browser.find("#result .main").click()
        assert browser.value("#f-userName") == name
        assert browser.run("return document.title") == "医保码（医保电子凭证）"
        assert browser.run("return document.querySelector('#result img, #left img')") is None

    def test_without_the_token_it_asks_for_it(self, browser, agent):
        browser.load(agent.url)
        browser.run("sessionStorage.clear(); location.reload()")
        browser.find("#ask[open]")
        assert "请输入本机令牌" in browser.find("#result").text
        assert browser.focused() == "token"
        browser.write("#token", TOKEN)
        browser.find("#ask button").click()
        assert "机构" in browser.find("#about:not(:empty)").text
        assert browser.find("#result").text == IDLE
