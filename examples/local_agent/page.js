"use strict";
// All text is set as text: nothing that comes over the wire is ever read as HTML.
const $ = id => document.getElementById(id);
function h(tag, given, ...children) { // given: its properties, or its class
  const properties = typeof given === "string" ? { className: given } : given;
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.flat(Infinity).filter(Boolean));
  return made;
}

// Fields: in the settings, folded away in a result, taken over by a password check.
const WINDOW = ["operatorId", "operatorName", "officeId", "officeName"];
const ASIDE = ["ecToken", "ecIndexNo", "extra", "email", "nationality", "pwdFlag", "userName"];
const TAKEN = ["idNo", "idType", "userName", "ecToken"];
const TRANS_TYPE = { description: "交易类型：如 cn.nhsa.cert.get" };
const DATA = { description: "data（JSON）", type: "object" };
const ANY = { properties: { transType: TRANS_TYPE, data: DATA }, required: ["transType", "data"] };
const UNSENT = { kind: "connection", outcome: "none", message: "本机服务没有运行，本次未发送：请联系信息科启动后重试" };
const LOST = { kind: "connection", outcome: "unknown", message: "与本机服务的连接中断，结果未知，请勿重复操作，请联系信息科核对" };

let api, status = {}, current, busy = false;
let values = {}; // of each form: a patient's data is only here, and "清除" clears it

let kept = {}, session = {}; // of a page that may store nothing, as long as it is open
try { [kept, session] = [localStorage, sessionStorage]; } catch (error) { /* it may not */ }

const tabOf = type => [...$("tabs").children].find(tab => tab.value === type);
const nameOf = type => tabOf(type)?.textContent ?? type;
const hintOf = type => tabOf(type)?.title ?? "";

const model = schema => api.components.schemas[schema.$ref?.split("/").pop()] ?? schema;
const schemaOf = ({ content }) => content["application/json"].schema;
const types = () => Object.keys(api.paths).map(path => path.slice(5));
const post = type => api.paths["/api/" + type]?.post;
const requestOf = type => type === "any" ? ANY : schemaOf(post(type).requestBody);
const answerOf = type => post(type) ? schemaOf(post(type).responses["200"]) : { properties: {} };
const rowsOf = schema => Object.keys(schema.properties).map(name => read(schema, name));

function read(schema, name) { // a row of the standard's tables
  const field = schema.properties[name] ?? {}, kinds = field.anyOf ?? [field];
  const [title, ...remark] = (field.description ?? name).split("\n")[0].split("：");
  const listed = kinds.map(model).find(kind => kind.enum) ?? { enum: [] };
  return {
    name,
    title,
    remark: remark.join("："),
    required: (schema.required ?? []).includes(name),
    codes: new Map(listed.enum.map((code, n) => [code, listed["x-enum-descriptions"]?.[n] ?? ""])),
    object: kinds.some(kind => kind.type === "object"),
    maxLength: Math.max(...kinds.map(kind => kind.maxLength ?? 0)),
  };
}

function fieldsOf(type) {
  const settings = type === "settings", hidden = ["orgId", "photoData"];
  return rowsOf(requestOf(settings ? "ec.query" : type))
    .filter(({ name }) => !hidden.includes(name) && WINDOW.includes(name) === settings);
}

function initial(type) { // the first values of a form
  if (type === "settings") return kept;
  if (type !== "any") return { businessType: kept[type + ".businessType"] };
  const data = { ...kept, outBizNo: "", businessType: kept["ec.query.businessType"] };
  return { data: JSON.stringify(data, ["outBizNo", "businessType", ...WINDOW], 2) };
}

function control(type, { name, title, remark, required, codes, object, maxLength }) {
  const mine = values[type], id = "f-" + name, whole = () => mine[name] || "";
  const tag = object ? "textarea" : codes.size ? "select" : "input";
  const listed = codes.size ? new Set(["", ...codes.keys(), whole()]) : []; // an unlisted one too
  const option = code => new Option(code ? code + "　" + (codes.get(code) ?? "") : "请选择", code);
  const input = h(tag, { id, name, required, spellcheck: false }, [...listed].map(option));
  const hint = h("small", { id: id + "-hint" });
  const write = text => {
    mine[name] = text;
    const longer = maxLength && text.length > maxLength;
    hint.textContent = longer ? "超过标准规定的 " + maxLength + " 个字符，仍会发送" : remark;
  };
  input.setAttribute("aria-describedby", hint.id + " " + id + "-fault");
  input.onfocus = () => { input.value = whole(); };
  input.onblur = () => { input.value = name === "idNo" ? mask(whole()) : whole(); };
  input.oninput = input.onchange = () => write(input.value);
  input.onblur();
  write(whole());
  return h("label", { className: object ? "wide" : "", id: "row-" + name },
    h("span", { title }, title, required && h("b", {}, " *")), input, hint,
    h("small", { className: "fault", id: id + "-fault" }));
}

function fault(name, text) {
  const input = $("f-" + name), details = input?.closest("details");
  if (!input) return;
  input.setAttribute("aria-invalid", Boolean(text));
  $(input.id + "-fault").textContent = text;
  if (text && details) details.open = true;
}

const missing = () => document.querySelector("#left :required:invalid");
const wrong = () => document.querySelector("#left [aria-invalid=true]");
const focus = () => (wrong() ?? missing() ?? $("go") ?? document.body).focus();

function show(type) {
  const unset = Boolean(post(type)) && !WINDOW.every(name => kept[name]);
  if (unset) type = "settings";
  if (type !== current && !busy) idle();
  current = type;
  $("note").textContent = unset ? "请先填写本窗口的设置" : "";
  $("result").hidden = type === "docs";
  values[type] = { ...initial(type), ...values[type] };
  for (const tab of $("tabs").children) tab.setAttribute("aria-current", tab.value === type);
  const body = type === "docs" ? documentation() : form(type);
  $("left").replaceChildren(h("h2", {}, nameOf(type)), h("p", "lead", hintOf(type)), body);
  focus();
}

function form(type) {
  const shown = ({ name, required }) => required || values[type][name];
  const fields = fieldsOf(type), rows = some => some.map(field => control(type, field));
  const rest = rows(fields.filter(field => !shown(field)));
  const go = busy ? "办理中…" : type === "settings" ? "保存" : nameOf(type);
  const onsubmit = event => {
    event.preventDefault();
    const said = !busy && gather(type);
    if (!said) return;
    if (type !== "settings") return call(said, type);
    Object.assign(kept, said);
    clear("ec.query");
  };
  const properties = { noValidate: true, autocomplete: "off", onkeydown: enter, onsubmit };
  return h("form", properties, rows(fields.filter(shown)),
    rest.length > 0 && folded("选填", h("div", "fields", rest)),
    h("button", { className: "main", id: "go", disabled: busy }, go));
}

function enter(event) { // goes on to the next field that is empty and must be given, else submits
  if (event.key !== "Enter" || !event.target.matches("input, select")) return;
  event.preventDefault();
  if (missing()) missing().focus();
  else event.currentTarget.requestSubmit();
}

function clear(type) {
  values = {};
  idle();
  show(type);
}

function parsed(text) { // null unless it is a JSON object
  try { return text.startsWith("{") ? JSON.parse(text) : null; } catch (error) { return null; }
}

function gather(type) { // what a form says; null, with the faults marked, if something is wrong
  const said = {};
  for (const { name, required, object } of fieldsOf(type)) {
    const value = (values[type][name] || "").trim();
    if (value) said[name] = object ? parsed(value) : value;
    fault(name, value ? (said[name] ? "" : "不是 JSON 对象") : required ? "必填" : "");
  }
  if (said.mdtrtCertType === "01A" && !said.ecToken) fault("ecToken", "必填：请先扫码，再核验密码");
  if (!wrong()) return said;
  idle();
  focus();
  return null;
}

async function ask(path, body, id = "") {
  const headers = { Authorization: "Bearer " + session.token, "X-Call-Id": id };
  const post = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { ...post, headers });
  return { answer, content: await answer.json() };
}

async function call(said, tab) {
  for (const name of WINDOW) if (requestOf(tab).properties[name]) said[name] = kept[name];
  if (said.businessType) kept[tab + ".businessType"] = said.businessType;
  const [type, body] = tab === "any" ? [said.transType, said.data] : [tab, said];
  const started = Date.now(), id = started + "-" + Math.random();
  const seconds = h("span", {}, "0"), tick = () => Math.round((Date.now() - started) / 1000);
  const clock = setInterval(() => { seconds.textContent = tick(); }, 500);
  const limit = status.timeout && "，最长 " + status.timeout + " 秒";
  const state = h("p", {}, status.simulated && "模拟时不能取消");
  const cancel = async () => {
    state.textContent = "正在取消…";
    const { cancelled } = (await ask("/api/cancel", {}, id)).content;
    if (!cancelled) state.textContent = "暂时不能取消：尚在排队，或已经办完";
  };
  busy = true;
  show(tab);
  result(type, "busy", h("p", "say", hintOf(type).replace(/^.*?，/, "") || "办理中"), h("progress"),
    h("p", {}, "已等待 ", seconds, " 秒", limit, "，请勿刷新或关闭本页"), state,
    !status.simulated && h("button", { id: "cancel", onclick: cancel }, "取消"));
  let answer, content = UNSENT;
  try {
    await ask("/api/status"); // whether it runs at all
    content = LOST;
    ({ answer, content } = await ask("/api/" + encodeURIComponent(type), body, id));
  } catch (error) { /* content tells how far it came */ }
  const ms = Date.now() - started;
  clearInterval(clock);
  busy = false;
  show(current);
  if (answer?.ok) succeeded(type, body, content, answer.headers.get("X-Out-Biz-No"), ms);
  else failed(type, content);
}

// A result names its transaction and time. Without a type it is the page's message.
function result(type, kind, ...children) {
  const about = type && h("p", {}, nameOf(type) + " · " + new Date().toLocaleTimeString("zh-CN"));
  $("result").className = "card " + kind;
  $("result").replaceChildren(...[about, ...children].filter(Boolean));
}

const idle = () => result(null, "", h("p", "say", "等待办理"), h("p", {}, "结果将显示在这里"));
const folded = (title, ...inside) => h("details", {}, h("summary", {}, title), inside);
const pair = (title, text) => [h("dt", {}, title), h("dd", {}, text)];
const wipe = () => h("button", { id: "wipe", onclick: () => clear(current) }, "清除参保人信息");
const stars = text => text.length < 11 ? /(?<=.).(?=..)/g : /(?<=.{6}).(?=.{4})/g;
const mask = text => text.replace(stars(text), "*");

function succeeded(type, body, data, number, ms) {
  const schema = answerOf(type), asked = "pwdFlag" in data, refused = asked && data.pwdFlag !== "1";
  const there = Object.entries(data).filter(([, value]) => value !== null && value !== "");
  const main = ([name]) => !ASIDE.includes(name) && (!post(type) || schema.properties[name]);
  const aside = there.filter(entry => !main(entry));
  const term = ([name, value]) => {
    const { title, codes } = read(schema, name);
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    const hidden = h("details", {}, h("summary", { title: "显示" }, mask(text)), text);
    const label = codes.has(value) ? codes.get(value) + "（" + value + "）" : text;
    return pair(title, name === "idNo" ? hidden : label);
  };
  const next = (to, more) => h("button", { className: "main", onclick: () => {
    values[to] = { ...values[to], businessType: body.businessType, ...more };
    show(to);
  } }, "转到" + nameOf(to));
  const taken = Object.fromEntries(TAKEN.map(name => [name, String(data[name])]));
  taken.mdtrtCertType = type === "cn.nhsa.auth.check" ? "04A" : "01A";
  const checked = refused ? "密码核验未通过" : "密码核验通过，可以结算";
  result(type, refused ? "bad" : "good", h("p", "word", refused ? "不能结算" : "成功"),
    h("p", "big", asked ? checked : data.userName || nameOf(type) + "完成"),
    h("dl", {}, asked && pair("参保人", body.userName + "　" + mask(String(body.idNo))),
      there.filter(main).map(term)),
    aside.length > 0 && folded("其他返回内容", h("dl", {}, aside.map(term))),
    h("div", "tail",
      type === "cn.nhsa.ec.auth" && next("cn.nhsa.auth.check", { authNo: data.authNo }),
      data.ecToken && data.idNo && next("cn.nhsa.ec.pwd", taken), wipe()),
    h("p", "foot", number && "业务流水号 " + number + "　", "用时 " + (ms / 1000).toFixed(1) + " 秒"));
}

function failed(type, { kind, outcome, message, code, repeatable, outBizNo, detail, fields = {} }) {
  const unknown = outcome === "unknown", cancelled = kind === "cancelled", free = code === 500320;
  const again = unknown ? (repeatable ? "可以重新办理" : "请勿重复操作") : "可以重试";
  const ends = { unknown: "未收到结果 · " + again, refused: "未成功", none: "未办理 · " + again };
  const told = cancelled ? "已取消 · " + again : ends[outcome];
  const word = free ? "无需密码 · 可以结算" : kind === "token" ? "需要令牌" : told;
  result(type, unknown ? "unknown" : free ? "good" : "bad",
    h("p", "word", word || "本机服务没有响应"),
    h("p", "say", cancelled && !unknown ? "已取消，本次没有办理" : message),
    outBizNo && h("dl", {}, pair("业务流水号", outBizNo)),
    detail && folded("技术说明（供信息科）", h("p", "foot", detail)),
    type && h("div", "tail", wipe()),
    !word && h("button", { onclick: () => location.reload() }, "重试"),
    h("p", "foot", kind));
  for (const [name, text] of Object.entries(fields)) fault(name, text);
  focus();
  if (kind === "token") $("ask").showModal();
}

function documentation() { // /openapi.json for people
  const row = (tag, cells) => h("tr", {}, cells.map(cell => h(tag, {}, cell)));
  const line = ({ name, title, maxLength, required, remark, codes }) => {
    const about = [remark, ...[...codes].map(code => code.join(" "))].filter(Boolean).join("；");
    return row("td", [h("code", {}, name), title, maxLength, required && "必填", about]);
  };
  const head = ["字段", "名称", "长度", "必填", "说明"];
  const table = schema => h("table", {}, row("th", head), rowsOf(schema).map(line));
  const path = type => h("code", {}, "POST /api/" + type);
  return h("div", {}, h("p", {}, "请求头 Authorization: Bearer 令牌，请求与响应均为 JSON。"),
    h("p", {}, "状态与错误的含义见 README.md，供程序读取的是 /openapi.json。"),
    types().map(type => [h("h3", {}, post(type).summary + "　", path(type)),
      h("h3", {}, "请求"), table(requestOf(type)), h("h3", {}, "响应 200"), table(answerOf(type))]),
    h("h3", {}, "其他交易：字段原样发送，返回 data 的全部字段　", path("交易类型")));
}

// A scanner types into whatever has the focus, quickly, and ends with Enter: undo it.
let burst = {};
addEventListener("keydown", event => {
  const { target, key, timeStamp } = event;
  if (!(timeStamp - burst.last < 50)) burst = { count: 0, target, value: target.value };
  burst.last = timeStamp;
  if (key.length === 1) burst.count += 1;
  if (key !== "Enter" || burst.count < 8) return;
  event.preventDefault();
  event.stopPropagation();
  burst.target.value = burst.value;
  burst.target.dispatchEvent(new Event("input"));
  const during = "扫码内容输到了本页：请点一下医保扫码窗口，再重新扫码";
  $("note").textContent = busy ? during : "请先点“扫码”，再扫";
}, true);
addEventListener("beforeunload", event => { if (busy) event.preventDefault(); });

async function begin() {
  idle();
  try {
    api = api ?? (await ask("/openapi.json")).content;
    const added = types().filter(type => !tabOf(type)); // a province's
    tabOf("any").before(...added.map(type => h("button", { value: type }, post(type).summary)));
    $("tabs").onclick = event => { if (event.target.value) show(event.target.value); };
    show("ec.query");
    if (!session.token) return failed(null, { kind: "token", message: "请输入本机令牌" });
    const { answer, content } = await ask("/api/status");
    if (!answer.ok) return failed(null, content);
    status = content;
    $("simulated").hidden = !status.simulated;
    $("about").textContent = "机构 " + status.orgId + "　nationec " + status.version;
    const message = "医保动态库无法加载，请联系信息科", detail = status.loadError;
    if (detail) failed(null, { kind: "dll-load", outcome: "none", message, detail });
  } catch (error) {
    failed(null, { kind: "/openapi.json", message: "页面无法显示，请联系信息科检查本机服务" });
  }
}

$("ask").firstElementChild.onsubmit = () => {
  session.token = $("token").value.trim();
  begin();
};
session.token = new URLSearchParams(location.hash.slice(1)).get("token") || session.token || "";
history.replaceState(null, "", location.pathname); // not in the address, nor in the history
begin();
