"""The dictionaries of §6 and the return codes of §7.1, one line for each row.

A member is the code that goes over the wire
(``str(BusinessType.HOSPITAL_REGISTRATION)`` is ``"01101"``), and its ``label`` is the
standard's own text. Later editions and provinces extend the lists of §6, so a field
also accepts a code that is not listed, and keeps it as a plain ``str`` (a return code
as an ``int``).

The docstring under each member repeats its label, because editors show docstrings. A
test compares the two.
"""

from enum import Enum, IntEnum
from typing import Dict, Optional

from .language import _


class Code(str, Enum):
    """A code of §6, with its name in the standard as ``label``."""

    _value_: str
    label: str

    def __new__(cls, code: str, label: str) -> "Code":
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member

    @classmethod
    def _missing_(cls, code: object) -> Optional["Code"]:
        """Accept an int with the digits of a code: some platforms send 1 for "1"."""
        if type(code) is not int:
            return None
        return next((member for member in cls if member == str(code)), None)

    # Python versions format an enum with a mixed-in type differently. Always use the
    # code.
    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]


_HOSPITAL, _PHARMACY, _APP, _COUNTER = "医院", "药店", "医疗类APP", "柜台"


class BusinessType(Code):
    """用码业务类型 (§6.1): what the voucher is used for.

    A code consists of the first level's code and the second level's. ``label`` is
    第二级名称, ``first_level`` is 第一级名称, ``remark`` is 第二级说明.
    """

    first_level: str
    remark: str

    def __new__(
        cls, code: str, first_level: str, label: str, remark: str
    ) -> "BusinessType":
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        member.first_level = first_level
        member.remark = remark
        return member

    # fmt: off
    HOSPITAL_REGISTRATION = "01101", _HOSPITAL, "挂号", "替代社保卡（预约挂号，现场挂号，取号候诊）"
    """挂号"""
    HOSPITAL_INPATIENT_FILE = "01102", _HOSPITAL, "住院建档", "替代身份证、社保卡"
    """住院建档"""
    HOSPITAL_ADMISSION = "01103", _HOSPITAL, "入院登记", "替代社保卡"
    """入院登记"""
    HOSPITAL_PREPAYMENT = "01104", _HOSPITAL, "缴纳预缴金", "替代住院押金卡"
    """缴纳预缴金"""
    HOSPITAL_CONSULTATION = "01201", _HOSPITAL, "问诊", "替代挂号条、社保卡"
    """问诊"""
    HOSPITAL_EXAMINATION_BOOKING = "01202", _HOSPITAL, "预约检查", "替代检查凭条、社保卡"
    """预约检查"""
    HOSPITAL_EXAMINATION = "01203", _HOSPITAL, "检查", "替代检查凭条、社保卡"
    """检查"""
    HOSPITAL_TREATMENT = "01204", _HOSPITAL, "治疗", "替代挂号条、社保卡"
    """治疗"""
    HOSPITAL_SETTLEMENT = "01301", _HOSPITAL, "结算", "替代社保卡（门诊结算，出院结算）"
    """结算"""
    HOSPITAL_DRUG_PICKUP = "01302", _HOSPITAL, "取药", "替代取药凭条、社保卡（门诊取药，出院带药）"
    """取药"""
    HOSPITAL_REPORT_PICKUP = "01303", _HOSPITAL, "取报告", "替代取报告凭条"
    """取报告"""
    HOSPITAL_INVOICE_PRINTING = "01304", _HOSPITAL, "打印票据和清单", "替代挂号条、社保卡（打印收费清单，票据清单，结算单，异地就医结算单）"
    """打印票据和清单"""
    HOSPITAL_RECORD_COPYING = "01305", _HOSPITAL, "病历材料复印", "替代身份证、社保卡（门诊和住院各类材料复印）"
    """病历材料复印"""
    HOSPITAL_IDENTITY_CHECK = "01306", _HOSPITAL, "诊间核验身份", "替代身份证、社保卡"
    """诊间核验身份"""
    PHARMACY_PURCHASE = "02121", _PHARMACY, "药店购药", "替代社保卡"
    """药店购药"""
    PHARMACY_PRESCRIPTION_DOWNLOAD = "02122", _PHARMACY, "下载外购处方", "替代社保卡、身份证"
    """下载外购处方"""
    PHARMACY_SPECIAL_OUTPATIENT = "02123", _PHARMACY, "特殊门诊", "替代社保卡"
    """特殊门诊"""
    PHARMACY_PRESCRIPTION_REVIEW = "02124", _PHARMACY, "药师审核处方", "替代社保卡、身份证"
    """药师审核处方"""
    APP_IDENTITY_CHECK = "03131", _APP, "医疗类APP线上身份认证", "替代社保卡，目前地方医保APP都是绑定社保卡"
    """医疗类APP线上身份认证"""
    APP_SETTLEMENT = "03132", _APP, "医疗类APP线上结算", "替代社保卡，目前地方医保APP都是绑定社保卡"
    """医疗类APP线上结算"""
    COUNTER_PASSWORD_CHANGE = "05101", _COUNTER, "线下修改密码", "线下经办柜台修改/重置医保电子凭证密码"
    """线下修改密码"""
    COUNTER_INSURANCE_BUSINESS = "05151", _COUNTER, "医保业务办理", "线下经办柜台办理医保业务"
    """医保业务办理"""
    # fmt: on


class IdType(Code):
    """证件类型 (§6.2): the kind of document whose number is ``id_no``."""

    RESIDENT_ID = "01", "居民身份证（户口簿）"
    """居民身份证（户口簿）"""
    MILITARY_OFFICER = "02", "中国人民解放军军官证"
    """中国人民解放军军官证"""
    ARMED_POLICE_OFFICER = "03", "中国人民武装警察警官证"
    """中国人民武装警察警官证"""
    HONG_KONG_PASSPORT_OR_PERMIT = "04", "香港特区护照/港澳居民来往内地通行证"
    """香港特区护照/港澳居民来往内地通行证"""
    MACAO_PASSPORT_OR_PERMIT = "05", "澳门特区护照/港澳居民来往内地通行证"
    """澳门特区护照/港澳居民来往内地通行证"""
    TAIWAN_TRAVEL_PERMIT = "06", "台湾居民来往大陆通行证"
    """台湾居民来往大陆通行证"""
    FOREIGN_PERMANENT_RESIDENT = "07", "外国人永久居留证"
    """外国人永久居留证"""
    FOREIGN_PASSPORT = "08", "外国人护照"
    """外国人护照"""
    FOREIGN_EMPLOYMENT_PERMIT = "11", "外国人就业证"
    """外国人就业证"""
    FOREIGN_EXPERT = "12", "外国专家证"
    """外国专家证"""
    FOREIGN_CORRESPONDENT = "13", "外国人常驻记者证"
    """外国人常驻记者证"""
    TAIWAN_HONG_KONG_MACAO_EMPLOYMENT_PERMIT = "14", "台港澳人员就业证"
    """台港澳人员就业证"""
    RETURNED_EXPERT = "15", "回国（来华）定居专家证"
    """回国（来华）定居专家证"""
    CHINESE_PASSPORT = "16", "中国护照"
    """中国护照"""
    HONG_KONG_MACAO_TAIWAN_RESIDENCE_PERMIT = "17", "港澳台居民居住证"
    """港澳台居民居住证"""
    OTHER = "99", "其他身份证件"
    """其他身份证件"""


class OrderStatus(Code):
    """ordStas 订单状态 (§6.3). No table of §5 has it; the transactions of other standards answer it."""

    SAVED = "0", "已保存"
    """已保存"""
    PRE_SETTLED = "1", "预结算完成"
    """预结算完成"""
    SETTLING = "2", "结算中"
    """结算中"""
    SELF_PAY_DONE = "3", "自费完成"
    """自费完成"""
    INSURANCE_PAY_DONE = "4", "医保支付完成"
    """医保支付完成"""
    HOSPITAL_SETTLED = "5", "院内结算完成"
    """院内结算完成"""
    SETTLED = "6", "结算完成"
    """结算完成"""
    REFUNDED = "7", "已退款"
    """已退款"""
    INSURANCE_FULLY_REFUNDED = "8", "已医保全部退款"
    """已医保全部退款"""
    SELF_PAY_FULLY_REFUNDED = "9", "仅自费全部退款"
    """仅自费全部退款"""
    SELF_PAY_PARTLY_REFUNDED = "10", "仅自费部分退款"
    """仅自费部分退款"""
    INSURANCE_FULLY_SELF_PAY_PARTLY_REFUNDED = "11", "医保全部退自费部分退款"
    """医保全部退自费部分退款"""
    CANCELLED = "12", "已撤销"
    """已撤销"""
    INSURANCE_CANCELLED = "13", "医保已撤销"
    """医保已撤销"""
    ABNORMAL = "14", "异常"
    """异常"""
    SETTLEMENT_FAILED = "15", "结算失败"
    """结算失败"""
    INSURANCE_FAILED_SELF_PAY_REVERSAL_FAILED = "16", "医保结算失败自费冲正失败"
    """医保结算失败自费冲正失败"""


class MdtrtCertType(Code):
    """就诊凭证类型 (§6.5): what the patient identified themselves with."""

    EC_QRCODE = "01A", "医保电子凭证"
    """医保电子凭证"""
    RESIDENT_ID = "02A", "居民身份证"
    """居民身份证"""
    SOCIAL_SECURITY_CARD = "03A", "社会保障卡"
    """社会保障卡"""
    FACE = "04A", "医保刷脸"
    """医保刷脸"""


class PwdFlag(Code):
    """密码核验结果 (§5.6.4)."""

    VALID = "1", "有效"
    """有效"""
    INVALID = "0", "无效"
    """无效"""


_SYSTEM, _EC_CENTRE = "系统级", "电子凭证中心"


class ReturnCode(IntEnum):
    """返回码 (§7.1): the ``code`` of an answer. ``scope`` is 使用范围, ``label`` is 说明.

    500006 and 500040 have one description in the standard: two members, one text.
    """

    _value_: int
    scope: str
    label: str

    def __new__(cls, code: int, scope: str = "", label: str = "") -> "ReturnCode":
        member = int.__new__(cls, code)
        member._value_ = code
        member.scope = scope
        member.label = label
        return member

    @classmethod
    def listed(cls, code: int) -> Optional["ReturnCode"]:
        """Return the member for ``code``, ``None`` if §7.1 does not list it."""
        try:
            return cls(code)
        except ValueError:
            return None

    @property
    def advice(self) -> Optional[str]:
        """What the operator should do, in the reader's language; mostly ``None``."""
        return _(ADVICE[self]) if self in ADVICE else None

    __str__ = int.__repr__
    __format__ = int.__format__  # type: ignore[assignment]

    # fmt: off
    SUCCESS = 0, _SYSTEM, "成功"
    """成功"""
    UNKNOWN_ERROR = -1, _SYSTEM, "未知异常"
    """未知异常"""
    INVALID_PARAMETER = -2, _SYSTEM, "请求参数异常"
    """请求参数异常"""
    SERVER_TIMEOUT = -3, _SYSTEM, "服务端请求超时"
    """服务端请求超时"""
    PERMISSION_DENIED = -4, _SYSTEM, "权限校验异常"
    """权限校验异常"""
    INVALID_URL = -5, _SYSTEM, "无效的请求地址"
    """无效的请求地址"""
    RATE_LIMITED = -6, _SYSTEM, "触发限流"
    """触发限流"""
    QRCODE_TOKEN_EXPIRED = 501001, _EC_CENTRE, "二维码 Token 失效"
    """二维码 Token 失效"""
    EC_NOT_FOUND = 500001, _EC_CENTRE, "该电子凭证不存在"
    """该电子凭证不存在"""
    EC_UPDATE_FAILED = 500002, _EC_CENTRE, "更新电子凭证出现异常"
    """更新电子凭证出现异常"""
    EC_CHANNEL_NOT_AUTHORIZED = 500003, _EC_CENTRE, "该电子凭证应用渠道未授权"
    """该电子凭证应用渠道未授权"""
    EC_PASSWORD_WRONG = 500004, _EC_CENTRE, "电子凭证密码错误"
    """电子凭证密码错误"""
    DISPLAY_ID_EXPIRED = 500005, _EC_CENTRE, "展码 id 失效或已过期"
    """展码 id 失效或已过期"""
    EC_CHANNEL_AUTHORIZATION_NOT_FOUND = 500006, _EC_CENTRE, "该电子凭证应用渠道授权记录不存在"
    """该电子凭证应用渠道授权记录不存在"""
    CHANNEL_NOT_AUTHORIZED = 500007, _EC_CENTRE, "该应用渠道未授权"
    """该应用渠道未授权"""
    INVALID_AUTH_NO = 500008, _EC_CENTRE, "非法授权码"
    """非法授权码"""
    AUTHORIZATION_ALREADY_EXISTS = 500009, _EC_CENTRE, "该授权记录已存在"
    """该授权记录已存在"""
    CHANNEL_NOT_FOUND = 500012, _EC_CENTRE, "该应用渠道不存在"
    """该应用渠道不存在"""
    CHANNEL_NOT_APPROVED = 500013, _EC_CENTRE, "该应用渠道未通过审核"
    """该应用渠道未通过审核"""
    INVALID_HANDLING_NO = 500014, _EC_CENTRE, "非法经办流水号"
    """非法经办流水号"""
    SMS_CODE_WRONG = 500015, _EC_CENTRE, "短信验证码错误"
    """短信验证码错误"""
    UNKNOWN_TRANSACTION = 500021, _EC_CENTRE, "未知交易"
    """未知交易"""
    USER_NOT_AUTHORIZED = 500022, _EC_CENTRE, "用户未授权或已过期，请重新进入"
    """用户未授权或已过期，请重新进入"""
    CACHE_EXPIRED = 500023, _EC_CENTRE, "缓存已过期，请重新进入"
    """缓存已过期，请重新进入"""
    LINK_TYPE_NOT_FOUND = 500024, _EC_CENTRE, "需要生成的链接类型为不存在"
    """需要生成的链接类型为不存在"""
    PHONE_NUMBER_FAILED = 500027, _EC_CENTRE, "获取手机号出错"
    """获取手机号出错"""
    REAL_NAME_FAILED = 500028, _EC_CENTRE, "获取实名信息出错"
    """获取实名信息出错"""
    VERIFICATION_CODE_EXPIRED = 500030, _EC_CENTRE, "验证码已过期，请重新获取"
    """验证码已过期，请重新获取"""
    REQUEST_CONFIGURATION_MISSING = 500032, _EC_CENTRE, "请求缺少关键性配置"
    """请求缺少关键性配置"""
    NATIONAL_EC_REQUEST_FAILED = 500033, _EC_CENTRE, "请求国家电子凭证出错"
    """请求国家电子凭证出错"""
    SIGNING_FAILED = 500036, _EC_CENTRE, "签名出错"
    """签名出错"""
    INVALID_REAL_PERSON_AUTH_NO = 500037, _EC_CENTRE, "非法实人认证流水号"
    """非法实人认证流水号"""
    EC_CHANNEL_AUTHORIZATION_NOT_FOUND_2 = 500040, _EC_CENTRE, "该电子凭证应用渠道授权记录不存在"
    """该电子凭证应用渠道授权记录不存在"""
    EC_SAVE_FAILED = 500041, _EC_CENTRE, "保存电子凭证数据失败"
    """保存电子凭证数据失败"""
    EC_PASSWORD_NOT_SET = 500042, _EC_CENTRE, "电子凭证密码未设置"
    """电子凭证密码未设置"""
    QRCODE_INVALID = 500049, _EC_CENTRE, "电子凭证二维码无效"
    """电子凭证二维码无效"""
    USER_IDENTITY_EMPTY = 500050, _EC_CENTRE, "用户身份信息为空，查询人员基础 Id 失败"
    """用户身份信息为空，查询人员基础 Id 失败"""
    BUSINESS_FLOW_EXPIRED = 500051, _EC_CENTRE, "业务流水已过期，请重新进行业务办理"
    """业务流水已过期，请重新进行业务办理"""
    LOCAL_SERVICE_CONFIGURATION_MISSING = 500053, _EC_CENTRE, "缺少请求地方服务配置"
    """缺少请求地方服务配置"""
    INSURED_AREA_EMPTY = 500054, _EC_CENTRE, "参保地为空"
    """参保地为空"""
    CHANNEL_RELEASE_FAILED = 500056, _EC_CENTRE, "解除应用渠道失败"
    """解除应用渠道失败"""
    ORG_NOT_FOUND = 500057, _EC_CENTRE, "接入机构不存在"
    """接入机构不存在"""
    ORG_NOT_APPROVED = 500058, _EC_CENTRE, "接入机构审核未通过"
    """接入机构审核未通过"""
    HANDLING_NO_CHANNEL_MISMATCH = 500059, _EC_CENTRE, "经办流水号对应授权渠道不一致"
    """经办流水号对应授权渠道不一致"""
    CODE_NOT_FOUND_OR_EXPIRED = 500062, _EC_CENTRE, "code 不存在或已失效"
    """code 不存在或已失效"""
    EC_PASSWORD_LOCKED = 500079, _EC_CENTRE, "输入密码错误次数已达 5 次，账户已锁定，24 小时后将自动解锁或前往重置密码后手动解锁"
    """输入密码错误次数已达 5 次，账户已锁定，24 小时后将自动解锁或前往重置密码后手动解锁"""
    BUSINESS_TYPE_WRONG = 500142, _EC_CENTRE, "用码业务类型传输错误，请调整"
    """用码业务类型传输错误，请调整"""
    EC_QRCODE_REQUIRED = 500159, _EC_CENTRE, "请使用医保电子凭证二维码"
    """请使用医保电子凭证二维码"""
    ORG_ID_EMPTY = 500169, _EC_CENTRE, "医保定点机构代码不允许为空"
    """医保定点机构代码不允许为空"""
    ORG_ID_NONCONFORMING = 500228, _EC_CENTRE, "医保定点机构代码不符合标准规范，请调整"
    """医保定点机构代码不符合标准规范，请调整"""
    ORG_ID_WRONG = 500316, _EC_CENTRE, "医保定点机构代码传输错误，请调整"
    """医保定点机构代码传输错误，请调整"""
    PASSWORD_CHECK_FAILED = 500319, _EC_CENTRE, "通知渠道为参保人发起密码核验认证服务失败，请重试或采用线下密码核验认证"
    """通知渠道为参保人发起密码核验认证服务失败，请重试或采用线下密码核验认证"""
    PASSWORD_NOT_NEEDED = 500320, _EC_CENTRE, "该笔结算业务无需参保人输入密码，可直接办理"
    """该笔结算业务无需参保人输入密码，可直接办理"""
    PASSWORD_CHECK_CHANNEL_UNSUPPORTED = 500321, _EC_CENTRE, "通知渠道为参保人发起密码核验认证服务失败，该渠道暂不支持医保结算业务办理"
    """通知渠道为参保人发起密码核验认证服务失败，该渠道暂不支持医保结算业务办理"""
    # fmt: on


_CHECK_ORG_ID = "Have the IT department check the organisation number"

# Worded for the cashier too: NationEcError.for_operator says the same in Chinese.
ADVICE: Dict[int, str] = {
    ReturnCode.INVALID_PARAMETER: "The insured person may have walked away: do it again, then have the IT department check the fields",
    ReturnCode.SERVER_TIMEOUT: "No refusal, the outcome is unknown: what settles nothing may be done again",
    ReturnCode.PERMISSION_DENIED: "Have the IT department check what this organisation may call",
    ReturnCode.INVALID_URL: "Have the IT department check the address of the platform",
    ReturnCode.RATE_LIMITED: "The platform is busy: try again in a moment",
    ReturnCode.QRCODE_TOKEN_EXPIRED: "Have the insured person refresh the QR code and scan it again",
    ReturnCode.QRCODE_INVALID: "Have the insured person refresh the QR code and scan it again",
    ReturnCode.EC_QRCODE_REQUIRED: "This was another QR code (payment, health card, social security card): have the insured person open the 医保码 and scan it again",
    ReturnCode.EC_PASSWORD_WRONG: "Have the insured person enter the password again: five wrong ones lock the account",
    ReturnCode.EC_PASSWORD_NOT_SET: "Have the insured person set a password in the app first, or use another document",
    ReturnCode.EC_PASSWORD_LOCKED: "Use another document today: the insured person resets the password in the app, or waits 24 hours",
    ReturnCode.ORG_NOT_FOUND: _CHECK_ORG_ID,
    ReturnCode.ORG_ID_NONCONFORMING: _CHECK_ORG_ID,
    ReturnCode.ORG_ID_WRONG: _CHECK_ORG_ID,
    ReturnCode.PASSWORD_NOT_NEEDED: "No password is needed this time: go on",
}
"""What the operator should do about the most frequent codes (Chinese: ``zh``)."""
