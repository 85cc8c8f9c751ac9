"""Two transactions of the terminal's standard.

《定点医药机构对接医保业务综合服务终端接口规范》 is not at hand: the tables are what the
models of a public HIS say of it (names, descriptions, lengths, 是否可空). Face (§5.5)
cannot be done without the first of them.
"""

from typing import Any, Dict, List, Optional, Type, Union

from pydantic import AfterValidator, model_validator
from pydantic_core import to_json
from typing_extensions import Annotated, Literal

from .language import _
from .models import Request, Response
from .rows import Ext, JsonText, answered, optional, required
from .transactions import OF_STANDARD, Operated


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()


_AS_TEXT = AfterValidator(_text)  # this standard has JSON as text only
_Required64 = Annotated[str, required(64)]
_Optional64 = Annotated[Optional[str], optional(64)]


class EcAuthResponse(Response):
    """刷脸获取医保用户身份授权的响应 (the terminal's standard)."""

    auth_no: Annotated[str, answered(64)]
    """实人认证业务流水号：``AuthCheckRequest`` needs it"""
    out_biz_no: Annotated[Optional[str], answered(64)] = None
    """定点医药机构本次业务流水号"""
    ext_data: JsonText = None
    """扩展参数

    Parsed where it is JSON text."""


class EcAuthRequest(Operated[EcAuthResponse]):
    """刷脸获取医保用户身份授权 (the terminal's standard): show its face screen.

    Its ``auth_no`` is what ``AuthCheckRequest`` (§5.5) needs. The table is what the
    models of a public HIS say of that standard.
    """

    trans_type = "cn.nhsa.ec.auth"

    out_biz_no: Annotated[Optional[str], required(64)] = None
    """定点医药机构本次业务流水号：不可重复

    Made with ``new_out_biz_no`` unless given."""
    ext_data: Annotated[Optional[Ext], _AS_TEXT] = None
    """扩展参数

    A ``dict`` goes out as JSON text."""


class SettleNotifyResponse(Response):
    """在终端上显示结算结果的响应 (the terminal's standard): may hold nothing."""

    out_biz_no: Annotated[Optional[str], answered(64)] = None
    """定点医药机构本次业务流水号"""
    ext_data: JsonText = None
    """扩展参数

    Parsed where it is JSON text."""


# It shows and settles nothing, but a result that is shown twice looks like two
# settlements: not repeatable.
class SettleNotifyRequest(Request[SettleNotifyResponse]):
    """在终端上显示结算结果 (the terminal's standard): show how a settlement ended.

    For a settlement that did not go through the terminal; this settles nothing itself.
    Amounts are text, in 元. The table is what the models of a public HIS say of it.
    """

    trans_type = "cn.nhsa.settle.notify"

    out_biz_no: _Required64
    """定点医药机构本次业务流水号：与之前扫码或刷脸的流水号一致"""
    medical_settle_state: Literal["SUCCESS", "FAIL"]
    """医保/自费结算状态"""
    auth_no: _Optional64 = None
    """实人认证业务流水号"""
    operator_id: Annotated[str, required(20)]
    """收款员编号"""
    operator_name: Annotated[str, required(30)]
    """收款员姓名"""
    total_fee: _Required64
    """总费用"""
    biz_type: Literal["register", "settle"]
    """业务场景"""
    id_no: _Required64
    """身份证"""
    user_name: _Required64
    """姓名"""
    setl_time: _Required64
    """结算时间"""
    hospital_name: _Required64
    """医院名称"""
    office_id: Annotated[str, required(20)]
    """医保科室编号"""
    office_name: Annotated[str, required(30)]
    """科室名称"""
    doctor_name: _Required64
    """医生"""
    # With SUCCESS these four must be given.
    medical_settle_no: _Optional64 = None
    """医保单据流水号"""
    own_amt: _Optional64 = None
    """自费费用"""
    balance: _Optional64 = None
    """帐户余额"""
    drug_list: Annotated[Union[str, List[Dict[str, str]], None], _AS_TEXT] = None
    """药品明细

    A list goes out as JSON text. An item has ``ITEM_NO`` (at most 40 characters),
    ``ITEMNAME`` (100), ``HI_ITEM`` (Y or N), ``PRIC`` (20), ``ITEM_CNT`` (10),
    ``ITEM_AMT`` (20), ``DRUG_FRQU`` (20) and ``DRUG_DOS`` (20)."""
    hif_amt: _Optional64 = None
    """医保报销费用"""
    acct_amt: _Optional64 = None
    """个人帐户支出"""
    hifp_amt: _Optional64 = None
    """统筹基金支出"""
    hifmi_amt: _Optional64 = None
    """大额医疗保险支出"""
    cvlserv_amt: _Optional64 = None
    """公务员补助"""
    ma_amt: _Optional64 = None
    """医疗救助"""
    hos_pre_amt: _Optional64 = None
    """单病种定点医疗机构垫支"""
    med_over_lmt_amt: _Optional64 = None
    """药品超标扣款金额"""
    maf_amt: _Optional64 = None
    """扶贫救助"""
    cvlserv_dedc_amt: _Optional64 = None
    """历史起付公务员返还"""

    @model_validator(mode="after")
    def _with_success(self) -> "SettleNotifyRequest":
        names = ("medical_settle_no", "own_amt", "balance", "drug_list")
        absent = [name for name in names if not getattr(self, name)]
        if self.medical_settle_state == "SUCCESS" and absent:
            text = _("{names} must be given when medical_settle_state is SUCCESS")
            raise ValueError(text.format(names=", ".join(absent)))
        return self


REQUESTS: Dict[str, Type[Request[Any]]] = {
    **OF_STANDARD,
    EcAuthRequest.trans_type: EcAuthRequest,
    SettleNotifyRequest.trans_type: SettleNotifyRequest,
}
"""Every transaction that has a class, by its transType."""
