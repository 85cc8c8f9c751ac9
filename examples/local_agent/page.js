"use strict";
// All text is set as text: nothing that comes over the wire is ever read as HTML.
const $ = id => document.getElementById(id);
function h(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.flat(Infinity).filter(Boolean));
  return made;
}

const WINDOW = ["operatorId", "operatorName", "officeId", "officeName"]; // in the settings, not in each form
const ASIDE = ["ecToken", "ecIndexNo", "extra", "email", "nationality", "pwdFlag", "userName"]; // in the headline, or rarely needed
const TAKEN = ["idNo", "idType", "userName", "ecToken"]; // from a decoded voucher to its password
const ANY = { // a transaction without a form of its own: its name, and its data as JSON
  properties: { transType: { description: "交易类型：如 cn.nhsa.cert.get" }, data: { description: "data（JSON）", type: "object" } },
  required: ["transType", "data"],
};
const NOT_SENT = "本机服务没有运行，本次未发送：请联系信息科启动后重试";
const BROKEN_OFF = "与本机服务的连接中断，结果未知，请勿重复操作，请联系信息科核对";
const NOT_LOADED = "医保动态库无法加载，请联系信息科";

let api, status = {}, current, busy = false;
let values = {}; // of each form, by transaction: a patient's data is only here, and "清除" clears it

function storage(name) { // a page that may store nothing remembers as long as it is open
  try { return window[name] || {}; } catch (error) { return {}; }
}
const kept = storage("localStorage"), session = storage("sessionStorage");

const tabOf = type => [...$("tabs").children].find(tab => tab.value === type);
const nameOf = type => tabOf(type) ? tabOf(type).textContent : type;
const hintOf = type => tabOf(type) ? tabOf(type).title : "";

const model = schema => schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
const schemaOf = content => model(content.content["application/json"].schema);
const types = () => Object.keys(api.paths).map(path => path.slice(5));
const post = type => (api.paths["/api/" + type] || {}).post;
const requestOf = type => type === "any" ? ANY : schemaOf(post(type === "settings" ? "ec.query" : type).requestBody);
const answerOf = type => post(type) ? schemaOf(post(type).responses["200"]) : { properties: {} };

function read(schema, name) { // a row of the standard's tables
  const field = schema.properties[name] || {}, kinds = field.anyOf || [field];
  const [title, ...remark] = (field.description || name).split("\n")[0].split("："); // "机构 ID：医保定点机构代码"
  const { enum: codes = [], "x-enum-descriptions": labels = [] } = kinds.map(model).find(kind => kind.enum) || {};
  return {
    name,
    title,
    remark: remark.join("："),
    required: (schema.required || []).includes(name),
    codes: new Map(codes.map((code, n) => [code, labels[n] || ""])),
    object: kinds.some(kind => kind.type === "object"),
    maxLength: Math.max(0, ...kinds.map(kind => kind.maxLength || 0)),
  };
}

const fieldsOf = type => Object.keys(requestOf(type).properties)
  .filter(name => name !== "orgId" && name !== "photoData" && WINDOW.includes(name) === (type === "settings"))
  .map(name => read(requestOf(type), name));

function initial(type) { // the first values of a form
  const mine = Object.fromEntries(WINDOW.map(name => [name, kept[name]]));
  if (type === "settings") return mine;
  if (type !== "any") return { businessType: kept[type + ".businessType"] };
  return { data: JSON.stringify({ outBizNo: "", businessType: kept["ec.query.businessType"], ...mine }, null, 2) };
}

function control(type, { name, title, remark, required, codes, object, maxLength }) {
  const mine = values[type], id = "f-" + name;
  const shown = () => name === "idNo" ? mask(mine[name] || "") : mine[name] || ""; // whole only while it has the focus
  const input = h(object ? "textarea" : codes.size ? "select" : "input", { id, name, required, spellcheck: false });
  const hint = h("small", { id: id + "-hint" });
  const hinted = () => {
    const longer = maxLength && input.value.length > maxLength;
    hint.textContent = longer ? "超过标准规定的 " + maxLength + " 个字符，仍会发送" : remark;
  };
  for (const code of codes.size ? new Set(["", ...codes.keys(), mine[name] || ""]) : []) { // an unlisted one too
    input.append(h("option", { value: code }, code ? code + "　" + (codes.get(code) || "") : "请选择"));
  }
  input.setAttribute("aria-describedby", hint.id + " " + id + "-fault");
  input.value = shown();
  input.onfocus = () => { input.value = mine[name] || ""; };
  input.onblur = () => { input.value = shown(); };
  input.oninput = input.onchange = () => {
    mine[name] = input.value;
    hinted();
  };
  hinted();
  return h("label", { className: object ? "wide" : "", id: "row-" + name },
    h("span", { title }, title, required && h("b", {}, " *")), input, hint, h("small", { className: "fault", id: id + "-fault" }));
}

function fault(name, text) {
  const input = $("f-" + name);
  if (!input) return;
  input.setAttribute("aria-invalid", Boolean(text));
  $(input.id + "-fault").textContent = text;
  if (text && input.closest("details")) input.closest("details").open = true;
}

const missing = () => document.querySelector("#left :required:invalid");
const wrong = () => document.querySelector("#left [aria-invalid=true]");
const focus = () => (wrong() || missing() || $("go") || document.body).focus();

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
  $("left").replaceChildren(h("h2", {}, nameOf(type)), h("p", { className: "lead" }, hintOf(type)), body);
  focus();
}

function form(type) {
  const fields = fieldsOf(type), open = ({ name, required }) => required || values[type][name];
  const rows = some => some.map(field => control(type, field)), rest = rows(fields.filter(field => !open(field)));
  const onsubmit = event => {
    event.preventDefault();
    if (type === "settings") save();
    else if (!busy) call(type);
  };
  return h("form", { noValidate: true, autocomplete: "off", onkeydown: enter, onsubmit }, rows(fields.filter(open)),
    rest.length > 0 && h("details", {}, h("summary", {}, "选填"), h("div", { className: "fields" }, rest)),
    h("button", { className: "main", id: "go", disabled: busy }, busy ? "办理中…" : type === "settings" ? "保存" : nameOf(type)));
}

function enter(event) { // goes on to the next field that is empty and must be given, else submits
  if (event.key !== "Enter" || !event.target.matches("input, select")) return;
  event.preventDefault();
  if (missing()) missing().focus();
  else event.currentTarget.requestSubmit();
}

function save() {
  const said = gather("settings");
  if (!said) return;
  for (const name of WINDOW) kept[name] = said[name];
  values = {};
  show("ec.query");
}

function clear() {
  values = {};
  idle();
  show(current);
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
  const headers = { "Content-Type": "application/json", Authorization: "Bearer " + session.token, "X-Call-Id": id };
  const answer = await fetch(path, { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers, cache: "no-store" });
  return { answer, content: await answer.json() };
}

async function call(tab) {
  const said = gather(tab);
  if (!said) return;
  for (const name of WINDOW) if (requestOf(tab).properties[name]) said[name] = kept[name];
  if (said.businessType) kept[tab + ".businessType"] = said.businessType;
  const [type, body] = tab === "any" ? [said.transType, said.data] : [tab, said];
  const started = Date.now(), id = started + "-" + Math.random();
  const seconds = h("span", {}, "0"), state = h("p", {}, status.simulated && "模拟时不能取消");
  const clock = setInterval(() => { seconds.textContent = Math.round((Date.now() - started) / 1000); }, 500);
  const cancel = async () => {
    state.textContent = "正在取消…";
    const { cancelled } = (await ask("/api/cancel", {}, id)).content;
    if (!cancelled) state.textContent = "暂时不能取消：尚在排队，或已经办完";
  };
  busy = true;
  show(tab);
  result(type, "busy", h("p", { className: "say" }, hintOf(type).replace(/^.*?，/, "") || "办理中"), h("progress"),
    h("p", {}, "已等待 ", seconds, " 秒", status.timeout && "，最长 " + status.timeout + " 秒", "，请勿刷新或关闭本页"), state,
    !status.simulated && h("button", { id: "cancel", onclick: cancel }, "取消"));
  let draw = () => failed(type, { kind: "connection", outcome: "none", message: NOT_SENT });
  try {
    await ask("/api/status"); // whether it runs at all: nothing has been sent yet
    draw = () => failed(type, { kind: "connection", outcome: "unknown", message: BROKEN_OFF });
    const { answer, content } = await ask("/api/" + encodeURIComponent(type), body, id);
    const ms = Date.now() - started;
    const number = answer.headers.get("X-Out-Biz-No");
    draw = () => answer.ok ? succeeded(type, body, content, number, ms) : failed(type, content);
  } catch (error) { /* draw tells how far it came */ }
  clearInterval(clock);
  busy = false;
  show(current);
  draw();
}

// A result names its transaction and time. Without a type it is the page's message.
function result(type, kind, ...children) {
  const about = type && h("p", {}, nameOf(type) + " · " + new Date().toLocaleTimeString("zh-CN"));
  $("result").className = "card " + kind;
  $("result").replaceChildren(...[about, ...children].filter(Boolean));
}

function idle() { result(null, "", h("p", { className: "say" }, "等待办理"), h("p", {}, "结果将显示在这里")); }

const mask = text => text.replace(text.length < 11 ? /(?<=.).(?=..)/g : /(?<=.{6}).(?=.{4})/g, "*");
const wipe = () => h("button", { id: "wipe", onclick: clear }, "清除参保人信息");

function succeeded(type, body, data, number, ms) {
  const schema = answerOf(type), there = Object.entries(data).filter(([, value]) => value !== null && value !== "");
  const main = ([name]) => !ASIDE.includes(name) && (!post(type) || schema.properties[name]);
  const aside = there.filter(entry => !main(entry));
  const asked = "pwdFlag" in data, refused = asked && data.pwdFlag !== "1";
  const term = ([name, value]) => {
    const { title, codes } = read(schema, name), text = typeof value === "object" ? JSON.stringify(value) : String(value);
    const hidden = name === "idNo" && h("details", {}, h("summary", { title: "显示" }, mask(text)), text);
    return [h("dt", {}, title), h("dd", {}, hidden || (codes.has(value) ? codes.get(value) + "（" + value + "）" : text))];
  };
  const next = (to, more) => h("button", { className: "main", onclick: () => {
    values[to] = { ...values[to], businessType: body.businessType, ...more };
    show(to);
  } }, "转到" + nameOf(to));
  const taken = Object.fromEntries(TAKEN.map(name => [name, String(data[name])]));
  taken.mdtrtCertType = type === "cn.nhsa.auth.check" ? "04A" : "01A";
  result(type, refused ? "bad" : "good", h("p", { className: "word" }, refused ? "不能结算" : "成功"),
    h("p", { className: "big" }, asked ? (refused ? "密码核验未通过" : "密码核验通过，可以结算") : data.userName || nameOf(type) + "完成"),
    h("dl", {}, asked && [h("dt", {}, "参保人"), h("dd", {}, body.userName + "　" + mask(String(body.idNo)))], there.filter(main).map(term)),
    aside.length > 0 && h("details", {}, h("summary", {}, "其他返回内容"), h("dl", {}, aside.map(term))),
    h("div", { className: "tail" }, type === "cn.nhsa.ec.auth" && next("cn.nhsa.auth.check", { authNo: data.authNo }),
      data.ecToken && data.idNo && next("cn.nhsa.ec.pwd", taken), wipe()),
    h("p", { className: "foot" }, number && "业务流水号 " + number + "　", "用时 " + (ms / 1000).toFixed(1) + " 秒"));
}

function failed(type, { kind, outcome, message, code, repeatable, outBizNo, detail, fields = {} }) {
  const unknown = outcome === "unknown", cancelled = kind === "cancelled", free = code === 500320; // a refusal that is none
  const again = unknown ? (repeatable ? "可以重新办理" : "请勿重复操作") : "可以重试";
  const words = { unknown: "未收到结果 · " + again, refused: "未成功", none: "未办理 · " + again };
  const word = free ? "无需密码 · 可以结算" : kind === "token" ? "需要令牌" : cancelled ? "已取消 · " + again : words[outcome];
  result(type, unknown ? "unknown" : free ? "good" : "bad", h("p", { className: "word" }, word || "本机服务没有响应"),
    h("p", { className: "say" }, cancelled && !unknown ? "已取消，本次没有办理" : message),
    outBizNo && h("dl", {}, h("dt", {}, "业务流水号"), h("dd", {}, outBizNo)),
    detail && h("details", {}, h("summary", {}, "技术说明（供信息科）"), h("p", { className: "foot" }, detail)),
    type && h("div", { className: "tail" }, wipe()), !word && h("button", { onclick: () => location.reload() }, "重试"),
    h("p", { className: "foot" }, kind));
  for (const [name, text] of Object.entries(fields)) fault(name, text);
  focus();
  if (kind === "token") $("ask").showModal();
}

function documentation() { // /openapi.json for people
  const row = (tag, cells) => h("tr", {}, cells.map(cell => h(tag, {}, cell)));
  const table = schema => h("table", {}, row("th", ["字段", "名称", "长度", "必填", "说明"]), Object.keys(schema.properties).map(name => {
    const { title, maxLength, required, remark, codes } = read(schema, name);
    const about = [remark, ...[...codes].map(pair => pair.join(" "))].filter(Boolean).join("；");
    return row("td", [h("code", {}, name), title, maxLength, required && "必填", about]);
  }));
  return h("div", {}, h("p", {}, "请求头 Authorization: Bearer 令牌，请求与响应均为 JSON。"),
    h("p", {}, "状态与错误的含义见 README.md，供程序读取的是 /openapi.json。"),
    types().map(type => [h("h3", {}, post(type).summary + "　", h("code", {}, "POST /api/" + type)),
      h("h3", {}, "请求"), table(requestOf(type)), h("h3", {}, "响应 200"), table(answerOf(type))]),
    h("h3", {}, "其他交易：字段原样发送，返回 data 的全部字段　", h("code", {}, "POST /api/交易类型")));
}

// A scanner types into whatever has the focus, many characters within milliseconds, and ends with Enter: undo it.
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
  burst = {};
  $("note").textContent = busy ? "扫码内容输到了本页：请点一下医保扫码窗口，再重新扫码" : "请先点“扫码”，再扫";
}, true);
addEventListener("beforeunload", event => { if (busy) event.preventDefault(); });

async function begin() {
  idle();
  try {
    api = api || (await ask("/openapi.json")).content;
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
    if (status.loadError) failed(null, { kind: "dll-load", outcome: "none", message: NOT_LOADED, detail: status.loadError });
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
