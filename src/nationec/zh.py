"""The Chinese of every text for people: English in the sources, the Chinese here."""

from typing import Dict

CHINESE: Dict[str, str] = {
    # errors
    "{what}. {then}": "{what}。{then}",
    "The outcome is unknown, but it settles nothing: it may be done again": (
        "结果未知，本次不产生费用，可重新操作"
    ),
    "The outcome is unknown: look it up by its outBizNo before it is done again": (
        "结果未知：请勿重复操作，先按业务流水号核对"
    ),
    "The outcome is unknown: find out before it is done again": (
        "结果未知：请勿重复操作，先核对是否已办理"
    ),
    " (in Python {version}, {bits}-bit: {command})": (
        "（Python {version}，{bits} 位：{command}）"
    ),
    "{value} ({words})": "{value}（{words}）",
    "; ": "；",
    "there is no such file: give {dll} the full path of the DLL ({path})": (
        "动态库文件不存在：请用 {dll} 指定完整路径（{path}）"
    ),
    "this is a folder: give {dll} the full path of the DLL in it ({path})": (
        "这是文件夹，不是动态库：请用 {dll} 指定动态库的完整路径（{path}）"
    ),
    "{name} was not found, and the current directory's is never taken: "
    "give {dll} its full path, or set NATIONEC_DLL to it": (
        "找不到 {name}（为防 DLL 劫持，不加载当前目录下的）："
        "请用 {dll} 或环境变量 NATIONEC_DLL 指定完整路径"
    ),
    ". Looked in: {places}": "。已查找：{places}",
    "the DLL cannot be read as a library: "
    "it is damaged, for another processor, or not readable "
    "for this user. Install it anew ({path}: {detail})": (
        "动态库无法读取（文件损坏、CPU 架构不符或无读取权限）："
        "请重新安装（{path}：{detail}）"
    ),
    "the DLL is for {system} and this Python is for {own_system}: "
    "give {python} the command of a {width}-bit Python for {system} ({path})": (
        "这是 {system} 的动态库，当前 Python 运行在 {own_system} 上："
        "请用 {python} 指定 {system} 的 {width} 位 Python（{path}）"
    ),
    "the DLL is {width}-bit and this Python is {own_width}-bit: "
    "give {python} the path of a {width}-bit Python ({path})": (
        "位数不符，动态库是 {width} 位，当前 Python 是 {own_width} 位："
        "请用 {python} 指定 {width} 位的 Python（{path}）"
    ),
    "a library that the DLL needs is missing or does not fit: install it ({detail})": (
        "动态库依赖的库缺失或版本不符：请安装该库（{detail}）"
    ),
    "a library that the DLL needs is missing or does not fit: "
    "put all that came with the "
    "DLL (libeay32.dll, ssleay32.dll, ...) into its folder, and install its Visual C++ "
    "runtime; nationec doctor says which one ({path}: {detail})": (
        "动态库依赖的文件缺失或版本不符："
        "请把随动态库提供的文件（libeay32.dll、ssleay32.dll 等）"
        "都放进它的文件夹，并安装 Visual C++ 运行库；"
        "缺哪个请看 nationec doctor（{path}：{detail}）"
    ),
    "this DLL has no NationEcTrans: give {dll} the path of NationECCode.dll ({path})": (
        "该动态库没有 NationEcTrans 函数：请用 {dll} 指定 NationECCode.dll（{path}）"
    ),
    "the current directory cannot be changed: "
    "check that the folder exists and may be entered ({path}: {detail})": (
        "无法切换到该工作目录：请检查文件夹是否存在、有无权限（{path}：{detail}）"
    ),
    "{command} does not start: give {python} the command of a Python ({detail})": (
        "{command} 无法启动：请用 {python} 指定可用的 Python（{detail}）"
    ),
    "{command} did not start within {seconds:g} s: "
    "give {python} a CPython from 3.8 on": (
        "{command} 在 {seconds:g} 秒内未能启动："
        "请用 {python} 指定 CPython 3.8 或更高版本"
    ),
    "{command} ended as it started: give {python} a CPython from 3.8 on ({detail})": (
        "{command} 启动后退出：请用 {python} 指定 CPython 3.8 或更高版本（{detail}）"
    ),
    "{command} needs the sources of nationec, and this program has none: "
    "pack them with it (see nationec guide)": (
        "{command} 需要 nationec 的源文件（.py），本程序中没有："
        "请一并打包（见 nationec guide）"
    ),
    "the start of {command} was cancelled": "已取消启动 {command}",
    "the call was cancelled": "调用已取消",
    "the DLL crashed ({detail})": "动态库崩溃（{detail}）",
    "the DLL ended its process ({detail})": "动态库导致所在进程退出（{detail}）",
    "the DLL wrote past the {size:,} bytes of OutData: "
    "give a larger {option}; a program that "
    "has loaded the DLL itself must be started anew": (
        "动态库写 OutData 时缓冲区越界（{size:,} 字节）：请调大 {option}；"
        "直接加载动态库的程序须重启"
    ),
    "the simulator was told to crash": "模拟器按设定崩溃",
    "the DLL has not answered within {seconds:g} s, and its process was ended": (
        "动态库 {seconds:g} 秒内无响应，已结束其进程"
    ),
    "no text": "空字符串",
    "0000 and more around it": "0000 及多余字符",
    "NationEcTrans returned {value}, not 0000: "
    "check the url and the network, then try again": (
        "动态库调用失败，返回 {value}："
        "请检查业务请求地址（url）、医保前置机和网络后重试"
    ),
    "{code} the platform did not finish in time": "医保平台处理超时（{code}）",
    "the platform says: {code} {message}": "医保平台提示：{message}（{code}）",
    "the platform says: {code} {message}. {advice}": (
        "医保平台提示：{message}（{code}）。{advice}"
    ),
    "the platform says no more than code {code}: ask whoever runs it what it means": (
        "医保平台返回 {code}，未说明原因：请向平台方查询"
    ),
    "the answer cannot be read: {fault}": "响应无法解析，{fault}",
    # wire
    "{setting}: there is no encoding {name} for a char*; the standard's is gb18030": (
        "{setting}：没有 {name} 这种可用于 char* 的编码，标准规定用 gb18030"
    ),
    "the url or the request holds a character that {encoding} does not have: "
    "nothing was sent": "url 或请求中有 {encoding} 无法表示的字符，未发送",
    "the request holds something that JSON cannot carry: nothing was sent": (
        "请求中有 JSON 无法表示的内容，未发送"
    ),
    "extra holds something that JSON cannot carry: nothing was sent": (
        "extra 中有 JSON 无法表示的内容，未发送"
    ),
    "extra has more than the 2,048 characters of the standard": (
        "extra 超过标准规定的 2048 个字符"
    ),
    "OutData is UTF-8 and not {encoding}: give {utf8}": (
        "OutData 是 UTF-8，不是 {encoding}：请指定 {utf8}"
    ),
    "OutData is not {encoding}: give {setting} the DLL's own, gb18030 or utf-8": (
        "OutData 不是 {encoding}："
        "请用 {setting} 指定动态库实际使用的编码（gb18030 或 utf-8）"
    ),
    "{what} is empty": "{what} 为空",
    "OutData is a web page (HTML): check the url": (
        "OutData 是网页（HTML）：请检查业务请求地址（url）"
    ),
    "OutData is not JSON (error.exchange.received has it): check the url": (
        "OutData 不是 JSON（原文见 error.exchange.received）：请检查业务请求地址（url）"
    ),
    "OutData has no code of the platform ({words}): check the url": (
        "OutData 中没有医保平台的返回码（{words}）：请检查业务请求地址（url）"
    ),
    "it is encrypted (encType, encData): have it sent unencrypted": (
        "响应已加密（encType、encData）：请联系平台方改为不加密返回"
    ),
    "{what} nests more than 200 levels deep": "{what} 嵌套超过 200 层",
    "{what} is not a JSON object": "{what} 不是 JSON 对象",
    "fields are missing: {names}": "缺少字段 {names}",
    "fields have a value of the wrong kind: {names}": "字段值类型不符 {names}",
    "a validator of {model} raised {kind}": "{model} 的校验函数抛出 {kind}",
    # transports, biz_no
    "this transport is closed: make a new one": "该 transport 已关闭，请重新创建",
    "{name} must be a number of seconds, more than 0": "{name} 必须是大于 0 的秒数",
    "this program is not a Python interpreter: give {python} the command of one": (
        "当前程序不是 Python 解释器（如已打包成 exe），请用 {python} 指定 python.exe"
    ),
    "python is empty: give the command of a Python, or leave it out": (
        "python 为空：请指定 Python 解释器，或省略该参数"
    ),
    "{name} must be a whole number, at least 1": "{name} 必须是不小于 1 的整数",
    "a C string ends at a NUL: give a url and a request without one": (
        "url 和请求不能含 NUL（\\0）字符"
    ),
    "cwd must be a folder: {path} is not one": "cwd 必须是已有的文件夹：{path}",
    "out_biz_no would have more than 64 characters (org_id has {length}): "
    "give one of your own": (
        "org_id 有 {length} 个字符，业务流水号会超过 64 个字符：请自行生成"
    ),
    # client
    "{setting} must be text of 1 to {limit} characters, "
    "without control characters and unusual blanks": (
        "{setting} 必须是 1 到 {limit} 个字符的文本，"
        "不含控制字符和特殊空格（如全角空格）"
    ),
    "url must begin with http:// or https://": "url 必须以 http:// 或 https:// 开头",
    'data_format is "object" or "string"': 'data_format 只能是 "object" 或 "string"',
    "transport makes the call: "
    "give no dll, python or timeout with it, and no out_buffer_size": (
        "已指定 transport，不能再指定 dll、python、timeout 或 out_buffer_size"
    ),
    "this client is closed: make a new one": "该 Client 已关闭，请重新创建",
    "give {name}(...), not the class": "请传入 {name}(...) 的实例，而不是类",
    "a {name} is not a request: give for example EcQueryRequest(...)": (
        "{name} 不是请求：请传入 EcQueryRequest(...) 等"
    ),
    "{name} needs a trans_type of 1 to 40 characters: set it in the class": (
        "{name} 缺少 trans_type（1 到 40 个字符）：请在类中设置"
    ),
    "{name} does not say what answers it: write class {name}(Request[ItsResponse])": (
        "{name} 没有指定响应类型：请写成 class {name}(Request[响应类])"
    ),
    # models, transactions
    "{field}: {fault}": "{field}：{fault}",
    "it must be given": "必填",
    "there is no such field": "没有这个字段",
    "give text": "必须是文本",
    "give a dict": "必须是 dict",
    "give text or bytes": "必须是文本或 bytes",
    "at most {max_length} characters": "最多 {max_length} 个字符",
    "it must not be empty": "不能为空",
    "no control characters (line end, tab, NUL)": "不能含控制字符（换行、制表符、NUL）",
    "it has an invalid character (a lone surrogate)": "含无效字符（孤立的代理项）",
    "a request cannot be changed: make another": "请求不可修改，请重新创建",
    "JSON has no such number": "JSON 无法表示该数值（NaN、无穷大）",
    "JSON has no such value": "JSON 无法表示该值",
    "this is not JSON": "不是 JSON",
    "the photo is empty: give None to send none": "照片为空：不传照片请用 None",
    "{length} characters of base64, the limit is {limit}: give a smaller image": (
        "base64 为 {length} 个字符，超过上限 {limit}：请缩小图片"
    ),
    "this is not base64 (a data URI is not either): give the bytes": (
        "不是 base64（也不能是 data URI）：请直接传图片的 bytes"
    ),
    "身份核验令牌 {token} must be given when {type} is 01A (a QR code)": (
        "{type} 为 01A（二维码）时，身份核验令牌 {token} 必填"
    ),
    # codes: the cashier hears these
    "The insured person may have walked away: do it again, "
    "then have the IT department check the fields": (
        "参保人可能中途离开，请重新操作；仍不成功请联系信息科检查参数"
    ),
    "No refusal, the outcome is unknown: what settles nothing may be done again": (
        "平台处理超时，结果未知：不产生费用的交易可重新操作，其他交易先核对业务流水号"
    ),
    "Have the IT department check what this organisation may call": (
        "请联系信息科检查本机构的接口权限"
    ),
    "Have the IT department check the address of the platform": (
        "请联系信息科检查业务请求地址"
    ),
    "The platform is busy: try again in a moment": "医保平台繁忙，请稍后重试",
    "Have the insured person refresh the QR code and scan it again": (
        "请参保人刷新二维码后重新扫码"
    ),
    "This was another QR code (payment, health card, social security card): "
    "have the insured person open the 医保码 and scan it again": (
        "这是其他二维码（付款码、电子健康卡、电子社保卡等），"
        "请参保人打开医保码（医保电子凭证）后重新扫码"
    ),
    "Have the insured person enter the password again: "
    "five wrong ones lock the account": ("请参保人重新输入密码，输错 5 次会锁定账户"),
    "Have the insured person set a password in the app first, "
    "or use another document": (
        "请参保人先在国家医保服务平台 APP 中设置密码，或改用其他凭证"
    ),
    "Use another document today: the insured person resets the password in the app, "
    "or waits 24 hours": (
        "今天请改用其他凭证；参保人可在国家医保服务平台 APP 中重置密码，或等待 24 小时"
    ),
    "Have the IT department check the organisation number": (
        "请联系信息科检查医保定点机构代码"
    ),
    "No password is needed this time: go on": "本次无需输入密码，可直接办理",
    # commands
    "usage: ": "用法：",
    "arguments": "参数",
    "options": "选项",
    "commands": "命令",
    "show this help": "显示本帮助",
    "show the version": "显示版本号",
    "医保电子凭证 through NationECCode.dll": (
        "通过 NationECCode.dll 使用医保码（医保电子凭证）"
    ),
    "the transactions on the simulator: no DLL, no network": (
        "用模拟器演示各交易：不需要动态库和网络"
    ),
    "a transaction, for a script in any language": "办理一笔交易，供任何语言的程序调用",
    "find a code, or words, in the tables (§6, §7.1)": (
        "按编码或文字查询标准的编码表（§6、§7.1）"
    ),
    "what to look at when it does not work": "调用不成功时，逐项检查",
    "the handbook, in Chinese": "使用手册",
    "copy the examples into a folder": "把示例程序复制到指定的文件夹",
    "{name}: a value must follow": "{name} 后面缺少值",
    "{name} takes no value": "{name} 后面不能有值",
    "there is no such command": "没有这个命令",
    "{fault} must be given": "缺少 {fault}",
    "unknown or superfluous arguments: {words}": "参数未知或多余：{words}",
    "give a number, more than 0": "必须是大于 0 的数",
    "cannot read {path}: check the path and that this user may read it": (
        "无法读取 {path}：请检查路径和当前用户的读取权限"
    ),
    "cannot write {path}: check the folder and that this user may write there": (
        "无法写入 {path}：请检查文件夹和当前用户的写入权限"
    ),
    "stdout: the data of the answer, as JSON in UTF-8\n"
    "exit codes: 0 success; "
    "2 usage or invalid request, nothing was sent; 3 DLL not loaded;\n"
    "4 return value not 0000; 5 refused by the platform; "
    "6 unreadable answer, or stdout did\n"
    "not take it; 7 timeout, crash or cancelled (Ctrl-C), the outcome is unknown;\n"
    "130 Ctrl-C before anything was sent": (
        "标准输出：响应的 data，JSON，UTF-8 编码\n"
        "退出码：0 成功；2 用法或请求有误，未发送；"
        "3 动态库无法加载；4 返回值不是 0000；\n"
        "5 平台返回错误；6 响应无法解析，或写入标准输出失败；\n"
        "7 超时、崩溃或已取消（Ctrl-C），结果未知；130 发送前按了 Ctrl-C"
    ),
    "交易类型; may stand in the message of --json": (
        "交易类型；--json 的报文中已有时可省略"
    ),
    "the fields, or a whole message, as JSON in UTF-8 or GB 18030; - is stdin": (
        "字段或完整报文，JSON，UTF-8 或 GB 18030 编码；- 为标准输入"
    ),
    "the DLL; looked for by default": "动态库的路径，默认自动查找",
    "another Python to run the DLL in": "在另一个 Python 中运行动态库",
    "deadline, {seconds:g} s by default": "超时时间（秒），默认 {seconds:g}",
    "the DLL's encoding, gb18030 by default": "动态库的编码，默认 gb18030",
    "that of its answers, the same by default": "响应的编码，默认与 --encoding 相同",
    "room for an answer, {size} bytes by default": "响应缓冲区的字节数，默认 {size}",
    "no DLL and no network: the standard's example patient": (
        "模拟，不需要动态库和网络：返回标准中的示例参保人"
    ),
    "print code, message, extra and outBizNo too": (
        "同时输出 code、message、extra 和 outBizNo"
    ),
    "errors on stderr as JSON in UTF-8": "错误以 JSON 写到标准错误，UTF-8 编码",
    "stdout and stderr as JSON in ASCII, with \\u escapes": (
        "标准输出和标准错误都是纯 ASCII 的 JSON（\\u 转义）"
    ),
    "write InData, return value and OutData, "
    "whether it fails or not, to a file that only "
    "this user can read: JSON, as text, else in base64": (
        "不论成败，把 InData、返回值和 OutData 写入只有当前用户能读的文件："
        "JSON，文本无法解码时为 base64"
    ),
    "give --url and --org-id, or NATIONEC_URL and NATIONEC_ORG_ID, or --simulate": (
        "请指定 --url 和 --org-id，"
        "或设置 NATIONEC_URL 和 NATIONEC_ORG_ID，或用 --simulate"
    ),
    "--keep: not all of it was written: check that there is room": (
        "--keep 的文件没有写完：请检查磁盘空间"
    ),
    "stdout did not take the answer ({kind}): check its reader and room": (
        "写入标准输出失败（{kind}）：请检查管道和磁盘空间"
    ),
    "orgId is not the same in --org-id (NATIONEC_ORG_ID), the head and data": (
        "orgId 不一致：--org-id（NATIONEC_ORG_ID）、报文头和 data 中的必须相同"
    ),
    "transType is not the same in TRANS_TYPE and --json": (
        "transType 不一致：TRANS_TYPE 和 --json 中的必须相同"
    ),
    "give TRANS_TYPE, for example {names}, or transType in --json": (
        "请指定 TRANS_TYPE（如 {names}），或在 --json 的报文中写明 transType"
    ),
    "--json: data must be an object": "--json：data 必须是对象",
    "--json: this is not a JSON object": "--json：不是 JSON 对象（字段或完整报文）",
    "--json: a message has orgId, transType, data and extra, no more": (
        "--json：报文只能有 orgId、transType、data、extra，且必须有 data"
    ),
    "--json: it is neither UTF-8 nor GB 18030": "--json：既不是 UTF-8，也不是 GB 18030",
    "{name} is not listed: is it {near}?": "标准中没有字段 {name}：是否应为 {near}？",
    "nothing was sent, the request is invalid: {faults}": "请求有误，未发送：{faults}",
    "a code, or words that must all be there; without one, all codes": (
        "编码，或必须同时出现的文字；省略则列出全部"
    ),
    "not in the standard of 2021-11-12: a province or a later one may have it": (
        "标准（2021-11-12 版）未收录，可能是地方扩展或新版标准的编码"
    ),
    "asked": "请求",
    "sent": "发送",
    "returned": "返回",
    "received": "响应",
    "error": "错误",
    "result": "结果",
    "ok": "正常",
    "warning": "注意",
    "failed": "失败",
    "system": "系统",
    "width": "位数",
    "version": "版本",
    "imports": "依赖",
    "folder": "目录",
    "log": "日志",
    "loads": "加载",
    "user": "权限",
    "session": "会话",
    "{version}, {width}-bit, {path}": "{version}，{width} 位，{path}",
    "not elevated: if the DLL needs it, run the program as administrator": (
        "非管理员：如果动态库要求，请以管理员身份运行程序"
    ),
    "elevated (administrator)": "管理员",
    "0, a service's: nobody sees a window of the DLL, run it in the user's session": (
        "0（服务）：看不到动态库弹出的窗口，请在收款员登录后的桌面上运行"
    ),
    "{width}-bit, for Windows": "{width} 位，Windows",
    "version and imports not looked at: pip install nationec[doctor]": (
        "未检查版本和依赖：请安装可选依赖 nationec[doctor]"
    ),
    "all there": "齐全",
    "{names} not beside the DLL: see that the Windows it runs on has them": (
        "{names} 不在动态库的文件夹中：请确认运行动态库的 Windows 上有"
    ),
    "{names} not found: put what came with the DLL into its folder, and install the "
    "Visual C++ runtime": (
        "缺少 {names}："
        "请把随动态库提供的文件都放进它的文件夹，并安装所需的 Visual C++ 运行库"
    ),
    "can be written to": "可写",
    "cannot be written to: the DLL keeps its settings and log there, "
    "let this user write to {folder}": (
        "不可写，动态库要在这里写配置和日志：请给当前用户写权限（{folder}）"
    ),
    "no dlllog(Nation) yet: the DLL writes it": (
        "还没有 dlllog(Nation)：首次调用后由动态库生成"
    ),
    "in {python}": "已在 {python} 中加载",
    "no address: give it as http://HOST:PORT/PATH": (
        "地址格式不对：请写成 http://主机:端口/路径"
    ),
    "{host} port {port} does not accept a connection: "
    "check address, network and firewall ({kind})": (
        "无法连接 {host} 的端口 {port}：请检查地址、网络和防火墙（{kind}）"
    ),
    "{host} port {port} accepts a connection": "{host} 的端口 {port} 可以连接",
    "print the chapters with this in their heading; without it, list the headings": (
        "显示标题含此文字的章节；省略则列出标题"
    ),
    "print where the handbook is": "显示手册文件的位置",
    "no chapter has that in its heading, there are: {headings}": (
        "没有这一章，请从中选择：{headings}"
    ),
    "where to copy them; a file that is there already is never overwritten": (
        "目标文件夹；已有的文件不会被覆盖"
    ),
    "nothing was copied, give another folder: there is already {names}": (
        "文件已存在，未复制：请换一个文件夹（{names}）"
    ),
}
