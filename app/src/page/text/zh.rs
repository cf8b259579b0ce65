//! 简体中文。

use super::{Language, Texts};
use crate::page::writing::answer::Unquoted;
use crate::protocol::{Failure, MANY_READERS, Role, Says, SignerProblem, Stage, Status, Unfit};

pub(super) static TEXTS: Texts = Texts {
    language: Language::Chinese,
    brand: "印信",
    brand_small: "SEALPOST",
    starting: "正在打开您的邮箱……",
    skip_to_list: "跳到邮件列表",
    skip_to_message: "跳到邮件正文",

    sign_in_title: "登录",
    sign_in_lead: "每封信都在您的浏览器中密封并签名，途中任何人都无法偷看或伪造。",
    username: "邮箱地址",
    password: "密码",
    sign_in: "登录",
    signing_in: "正在登录……",
    sign_out: "退出登录",

    enrol_title: |name| format!("您好，{name}"),
    enrol_lead: "正在为您刻制印章，只需几秒。它始终只由您掌握。",
    enrol_progress: "正在准备您的邮箱",
    try_again: "重试",
    reload: "重新载入",

    elsewhere_title: "您的密钥在另一个浏览器中",
    elsewhere_lead: "您已登录，但打开邮件所需的密钥不在这个浏览器中。输入恢复码即可把密钥带到这里。",
    recovery_code: "恢复码",
    recovery_hint: "恢复码是您在原来的浏览器的“设置”中生成的。空格、连字符和大小写均不影响。",
    recover: "打开我的邮箱",
    afresh_title: "没有恢复码？",
    afresh_means: [
        "将为您生成新的密钥，新来的邮件可以在这里打开。",
        "现有的邮件在这个浏览器中将无法打开；在保有旧密钥的地方仍可阅读。",
        "此操作无法撤销。",
    ],
    afresh_confirm: "我明白旧邮件将无法在这里打开。",
    afresh: "重新开始",

    trust_title: "邮件服务的身份已变更",
    trust_lead: "为这里的用户作担保的机构与此浏览器所知的不同。在您确认之前，不会发送或打开任何邮件。请向邮件服务的管理方核实，并比对指纹。",
    trust_prints: "新的指纹",
    trust_confirm: "我已通过可信的途径核对。",
    trust_accept: "接受新的身份",

    mailboxes: "文件夹",
    role,
    unread: |n| format!("{n} 封未读"),
    menu: "文件夹菜单",
    close_menu: "关闭菜单",
    settings: "设置",

    messages: "邮件",
    message_count: |n| if n == 0 { "没有邮件".into() } else { format!("{n} 封邮件") },
    find: "在此文件夹中查找",
    found: |found, of| format!("已查找 {of} 封，找到 {found} 封"),
    finding: "正在查找……",
    empty_mailbox: |role| match role {
        Some(Role::Inbox) => "没有邮件。新邮件会自动出现在这里。",
        Some(Role::Drafts) => "没有草稿。您动笔写的内容会加密保存在这里。",
        Some(Role::Sent) => "还没有发送过邮件。",
        Some(Role::Trash) => "废件箱是空的。",
        Some(Role::Archive | Role::Junk) | None => "这里没有邮件。",
    },
    nothing_found: "没有符合的邮件。",
    no_subject: "（无主题）",
    no_sender: "（未知发件人）",
    no_recipient: "（尚无收件人）",
    to_short: "致：",
    sealed_row: "已密封，打开即可阅读",
    closed_row: "所需密钥不在此浏览器中",
    damaged_row: "途中受损",
    mark_unread: "未读",
    mark_flagged: "已标旗",
    mark_answered: "已回复",
    mark_attachment: "有附件",
    new_mail: |n| format!("收到 {n} 封新邮件"),

    choose_message: "请选择一封邮件阅读",
    shortcuts_hint: "按 ? 查看键盘快捷键",
    opening: "正在打开邮件",
    message_actions: "邮件操作",
    back: "返回列表",
    reply: "回复",
    reply_all: "回复全部",
    forward: "转发",
    archive: "归档",
    trash: "移到废件箱",
    destroy: "永久删除",
    destroy_confirm: "要永久删除这封邮件吗？此操作无法撤销。",
    to_inbox: "移到收件箱",
    as_unread: "标为未读",
    flag: "标旗",
    unflag: "取消标旗",
    from: "发件人",
    to: "收件人",
    cc: "抄送",
    bcc: "密送",
    on_behalf_of: "代表",
    name_given: "（发件人自称）",
    list_comma: "、",
    show_more: |n| format!("显示其余 {n} 项"),
    several_authors: "信内写了多位发件人，无法证实这封信出自其中哪一位。",
    claimed_from: |who| format!("信内自称来自 {who}，但无法证实。"),
    body_frame: "邮件正文",
    no_text: "这封邮件没有正文。",
    remote_removed: "来自外部的图片未载入，发件人因此无从得知您何时阅读。",
    text_cut: "正文过长，无法全部显示，这里只有开头部分。",
    attachments: "附件",
    download: |name| format!("下载 {name}"),
    risky_file: "此类文件可能会运行程序。除非是您预期收到的，否则请勿打开。",

    status,
    status_short: |status| match status {
        Status::Confidential => "密封并签名",
        Status::Verified => "已签名",
        Status::EncryptedUnverified => "已密封，发件人不明",
        Status::Unprotected => "未受保护",
    },
    status_means: |status| match status {
        Status::Confidential => "只有收件人能打开这封信；出自何人之手、未经改动，均已得到证实。",
        Status::Verified => "这封信出自何人之手、未经改动，均已得到证实；但途中并未密封，可能已被他人看到。",
        Status::EncryptedUnverified => "这封信在途中是密封的，但无法证实由谁所写。",
        Status::Unprotected => "无法证实这封信由谁所写，途中也可能已被他人看到或改动。",
    },
    message_status: "邮件保护状态",
    signed_by: |who| format!("由 {who} 签名"),
    status_details: "保护详情",
    at_door: "这封信寄到时未密封，您的邮箱在存储之前已将其密封。",
    domain: |name, says| match says {
        Says::Sent => format!("{name} 确认此信由其发出，但写信人的身份未经证实。"),
        Says::Unconfirmed => format!("{name} 未确认此信由其发出，写信人的身份也未经证实。"),
        Says::Denied => format!("{name} 否认发出过此信，发件人可能另有其人。"),
        Says::Nothing => format!("{name} 没有说明哪些以其名义发出的信是真的。"),
    },
    weak: "加密方式已经过时，不再具有保护作用。",
    signer: "签名人",
    signer_addresses: "地址",
    vouched_by: "担保机构",
    signed_at: "签名时间",
    proven_at: "时间证明",
    stamped: |time, authority| format!("{time}，时间戳出自 {authority}"),
    not_stamped: "没有时间戳，时间仅为签名人自述",
    fingerprint: "指纹",
    does_not_count: |who, why| format!("不作数的签名：{who}，{why}。"),
    signer_problem,
    revocation: "撤销情况",
    not_revoked: "签名时未被撤销（以签发机构的名单为准）",
    revocation_unknown: " · 未能查明证书是否已撤销",
    revocation_means: "未能查明：没有可用的最新撤销名单",
    technical: "技术细节",
    layer_encrypted: |cipher, recipients, weak| {
        let weak = if weak { "，过弱，不具保护作用" } else { "" };
        format!("以 {cipher} 加密给 {recipients} 把密钥{weak}")
    },
    layer_signed_clear: "已签名，无 S/MIME 也可阅读（multipart/signed）",
    layer_signed_opaque: "已签名（application/pkcs7-mime）",
    layer_compressed: "已压缩",
    layer_door: "寄到时未密封，由您的邮箱密封",
    layer_errant: |media_type| format!("{media_type}，所处位置使其不作数"),
    signature: "签名",
    signature_holds: "有效",
    certificate_of: "证书",
    certificate_issuer: "签发机构",
    certificate_key: "密钥",
    certificate_validity: "有效期",
    label: "密级标签",
    classification: |class| match class {
        0 => "未标密级".into(),
        1 => "非密".into(),
        2 => "限制".into(),
        3 => "秘密（Confidential）".into(),
        4 => "机密（Secret）".into(),
        5 => "绝密（Top secret）".into(),
        other => format!("密级 {other}"),
    },
    label_policy: |policy| format!("依据策略 {policy}"),
    label_categories: |categories| format!("类别 {categories}"),
    label_unreadable: "这封信带有无法读取的密级标签，请按机密对待。",
    label_conflict: "签名人给这封信标注的密级不一致，请按机密对待。",
    receipt: "回执",
    receipt_ask: "要求回执",
    receipt_ask_means: "请收件人在打开这封信后，寄回签名的回执",
    receipt_wanted: |to| format!("发件人希望您寄回签名的回执，表明您已打开这封信。回执将寄给 {to}。"),
    receipt_give: "寄出回执",
    receipt_refuse: "不寄",
    receipt_given: "您已为这封信寄出签名的回执。",
    receipt_refused: "您没有为这封信寄出回执。",
    receipt_none_yet: "您要求了回执，目前尚未收到。",
    receipt_opened: |who, when, stamped| match when {
        Some(when) if stamped => format!("{who} 已于 {when} 打开"),
        Some(when) => format!("{who} 已打开（自称于 {when}）"),
        None => format!("{who} 已打开"),
    },
    receipt_more: |n| {
        if n < MANY_READERS {
            format!("另有 {n} 人已打开")
        } else {
            format!("另有 {n} 人或更多人已打开")
        }
    },
    receipt_for: |subject| if subject.is_empty() { "回执".into() } else { format!("回执：{subject}") },
    receipt_letter: "您的信",
    receipt_unknown: "在您要求过回执的信中，没有找到这份回执所指的信。",
    receipt_other: "这份回执不能证明什么：它所指的不是您寄出的内容，或并非来自收件人。",
    receipt_unsigned: |why| format!("这份回执不能证明什么：{why}。"),

    new_message: "写信",
    write_title: "写信",
    reply_title: "回复",
    forward_title: "转发",
    draft_title: "草稿",
    subject: "主题",
    message: "正文",
    add_cc: "添加抄送",
    add_bcc: "添加密送",
    send: "发送",
    send_clear: "不密封发送",
    cancel: "取消",
    close: "关闭",
    discard: "舍弃草稿",
    attach: "添加附件",
    drop_here: "松开即可添加附件",
    remove: |name| format!("移除 {name}"),
    saving: "正在保存……",
    saved: "草稿已加密保存",
    not_saved: "草稿未能保存",
    too_large: |limit| format!("附件总共不能超过 {limit}。请移除一些，或分开发送。"),
    will_seal: "将密封并签名",
    will_not_seal: "无法为所有收件人密封",
    no_one_yet: "发送时自动签名并密封",
    checking: "正在核对",
    chip_sealed: |authority| format!("可以密封；由 {authority} 担保"),
    chip_open: |why| format!("无法密封：{why}"),
    no_certificate: |why| match why {
        None => "没有对方的证书",
        Some(Unfit::Expired) => "对方的证书已过期",
        Some(Unfit::NotYetValid) => "对方的证书尚未生效",
        Some(Unfit::Revoked) => "对方的证书已被撤销",
        Some(Unfit::WrongUsage) => "对方的证书不能用于接收密封邮件",
        Some(Unfit::UnsupportedKey) => "印信尚不能向此类证书密封",
        Some(Unfit::UnknownAuthority) => "没有此处所知的机构为对方的证书担保",
        Some(Unfit::UnsupportedSignature) => "印信无法核对对方证书的签名方式",
        Some(Unfit::TooCostly) => "核对对方的证书费时过多",
        Some(Unfit::Broken) => "对方的证书未通过核对",
    },
    chip_wrong: "这不是邮箱地址",
    suggestions: "建议",
    suggestion_open: "无法密封",
    caution_title: |n| format!("有 {n} 位收件人无法接收密封邮件"),
    caution_means: "此处没有他们能通过核对的证书，这封信只能不密封寄出，途中任何人都可能看到；但仍会签名。未经您确认，不会发送任何内容。",
    caution_repeats: "信中引用了密封寄给您的内容，这些内容也会变得可读。如需保密，请先删去。",
    caution_confirm: "不密封，发送给所有收件人。我知道他人可能看到内容。",
    caution_remove: "移除这些收件人",
    sending: "正在发送",
    stage,
    sent: "邮件已密封、签名并发送",
    sent_clear: "邮件已发送（未密封）",
    partly_refused: |addresses| format!("已发送，但未被以下地址接收：{addresses}"),
    cancelled: "未发送，内容仍在这里。",
    discarded: "草稿已舍弃",
    wrote: |when, who| format!("{who} 于 {when} 写道："),
    forwarded: "转发的邮件",
    date: "日期",
    not_quoted: |why| match why {
        Unquoted::Weak => "未引用原信：其加密方式已经过时，引用可能使内容落入截取过它的人手中。",
        Unquoted::Unsigned => "未引用原信：无法证实由谁所写，引用可能使内容落入截取过它的人手中。",
    },
    outside: "以下地址写在密封之外，途中任何人都可能改写，因此不会回复给他们：",
    outside_add: "一并回复",
    reply_prefix: "回复：",
    forward_prefix: "转发：",

    archived: |n| if n == 1 { "邮件已归档".into() } else { format!("{n} 封邮件已归档") },
    trashed: |n| {
        if n == 1 { "邮件已移到废件箱".into() } else { format!("{n} 封邮件已移到废件箱") }
    },
    moved: |n| if n == 1 { "邮件已移动".into() } else { format!("{n} 封邮件已移动") },
    destroyed: |n| if n == 1 { "邮件已删除".into() } else { format!("{n} 封邮件已删除") },
    undo: "撤销",
    dismiss: "关闭提示",
    failure,
    offline: "无法连接邮件服务。已保存的内容不会丢失；请不要关闭此页面，恢复后将自动重新连接。",
    ending: |day| {
        format!(
            "您的证书有效期至{day}。到期后您无法签名和加密发送，他人也无法给您发送加密邮件；已有的邮件仍可阅读。请联系邮件服务的管理员。"
        )
    },
    ended: |day| {
        format!(
            "您的证书已于{day}到期。您无法签名和加密发送，他人也无法给您发送加密邮件；已有的邮件仍可阅读。请联系邮件服务的管理员。"
        )
    },
    put_off: "明天再提醒",
    not_found_title: "这个地址没有内容",
    cannot_open_title: "无法打开这封邮件",

    language_title: "语言",
    theme_title: "外观",
    theme_system: "跟随系统",
    theme_light: "浅色",
    theme_dark: "深色",
    recovery_title: "恢复码",
    recovery_lead: "您的密钥保存在这个浏览器中。有了恢复码，您可以在其他浏览器中，或在此浏览器丢失之后，继续打开邮件。届时没有其他人能帮您，请生成一个并抄写在纸上保管。",
    recovery_make: "生成恢复码",
    recovery_keep: "请立即抄写：它只显示这一次。它取代之前的恢复码，请将旧码销毁。",
    copy: "复制",
    copied: "已复制",
    account: "账户",
    shortcuts: "键盘快捷键",
    shortcut_names: [
        "下一封",
        "上一封",
        "打开邮件",
        "写信",
        "回复",
        "回复全部",
        "转发",
        "归档",
        "移到废件箱",
        "查找",
    ],

    yesterday: "昨天",
    weekdays: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
    tab_title: |unread, place| {
        if unread == 0 { format!("{place} · 印信") } else { format!("({unread}) {place} · 印信") }
    },
};

fn role(role: Role) -> &'static str {
    match role {
        Role::Inbox => "收件箱",
        Role::Drafts => "草稿箱",
        Role::Sent => "已发送",
        Role::Archive => "归档",
        Role::Junk => "垃圾邮件",
        Role::Trash => "废件箱",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Confidential => "密封并签名",
        Status::Verified => "已签名",
        Status::EncryptedUnverified => "已密封，发件人不明",
        Status::Unprotected => "未受保护",
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Keys => "正在生成您的密钥",
        Stage::Vault => "正在将密封副本存入保险箱",
        Stage::Certificates => "正在为您的密钥取得认证",
        Stage::Resealing => "正在重新密封先前的邮件",
        Stage::Reading => "正在读取附件",
        Stage::Sealing => "正在签名并密封",
        Stage::Timestamp => "正在取得时间戳",
        Stage::Uploading => "正在发送",
        Stage::Submitting => "正在交付",
        Stage::Downloading => "正在取信",
        Stage::Opening => "正在启封",
    }
}

fn signer_problem(problem: &SignerProblem) -> String {
    let said = match problem {
        SignerProblem::Algorithm { name, weak: true } => return format!("所用的 {name} 过弱"),
        SignerProblem::Algorithm { name, weak: false } => return format!("所用的 {name} 不受支持"),
        SignerProblem::RevocationUnknown => "无法查明证书是否已被撤销",
        SignerProblem::CertificateAlgorithm => "证书所用的算法过弱或不受支持",
        SignerProblem::ContentChanged => "签名之后内容被改动过",
        SignerProblem::BadSignature => "签名与签名人的证书不符",
        SignerProblem::OutsideValidity => "当时证书不在有效期内",
        SignerProblem::UnknownAuthority => "没有此处所知的机构为签名人担保",
        SignerProblem::Revoked => "证书已被撤销",
        SignerProblem::WrongUsage => "证书不是用于签署邮件的",
        SignerProblem::NotTheSender => "签名人不是这封信的发件人",
        SignerProblem::OutsideEncryption => "签名在加密层之外，签名人未必知道其中的内容",
        SignerProblem::Malformed => "签名无法读取",
        SignerProblem::NoCertificate => "缺少签名人的证书",
    };
    said.into()
}

fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Offline => "无法连接邮件服务。请检查网络后重试。".into(),
        Failure::SessionExpired => "您已退出登录，请重新登录。".into(),
        Failure::WrongPassword => "邮箱地址或密码不正确。".into(),
        Failure::AnotherAddress { address } => {
            format!("邮件服务让您登录的是 {address}，而不是您输入的地址。请不要继续，并告知服务的管理方。")
        }
        Failure::TooManyAttempts { retry_after: Some(seconds) } => {
            format!("尝试次数过多，请等待 {seconds} 秒。")
        }
        Failure::TooManyAttempts { retry_after: None } => "尝试次数过多，请几分钟后再试。".into(),
        Failure::RelayFailed { reason } => format!("邮件服务未能正常答复（{reason}），请稍后再试。"),
        Failure::RelayRefused { reason } => format!("邮件服务拒绝了此操作（{reason}），未作任何改动。"),
        Failure::NotFound => "这封邮件已不在这里，可能已被移动或删除。".into(),
        Failure::TooLarge { limit } => too_large(*limit),
        Failure::NotARecipient => "打开这封信所需的密钥不在此浏览器中。".into(),
        Failure::Damaged => "这封信在途中受损或被改动，因此不显示任何内容。请发件人重新发送。".into(),
        Failure::Unsupported => "这封信的密封方式目前无法在这里打开。".into(),
        Failure::SendingUnknown => {
            "邮件服务没有回应，信可能已经发出。请再按一次发送，对方不会收到两封。".into()
        }
        Failure::NoRecipients => "请先填写收件人。".into(),
        Failure::NotAnAddress { addresses } => format!("不是邮箱地址：{}", addresses.join("、")),
        Failure::RecipientWithoutCertificate { addresses } => {
            format!("未发送任何内容：无法为 {} 密封。", addresses.join("、"))
        }
        Failure::SealingFailed => "这封信未能在此处密封，因此没有发送或保存。".into(),
        Failure::TimestampRefused => "未发送任何内容：未能为签名取得时间戳，请重试。".into(),
        Failure::TrustChanged { .. } => "邮件服务的身份发生了变化，请重新载入并核对。".into(),
        Failure::NoKeys => "所需的密钥不在此浏览器中。".into(),
        Failure::CertificateRefused => {
            "邮件服务认证的并不是您的密钥，邮箱未能设立。请告知服务的管理方。".into()
        }
        Failure::WrongCode => "恢复码不正确，请检查有无输入错误。".into(),
        Failure::VaultClosed => {
            "您的密钥打不开邮件服务中的保险箱：它已损坏或被改动。其中内容未被覆盖，请告知服务的管理方。"
                .into()
        }
        Failure::VaultFull => {
            "您重新开始的次数过多，再次重新开始将销毁最早丢失的密钥。未做任何更改。请找出一个恢复码。".into()
        }
        Failure::VaultChanged => "另一个浏览器同时更改了您的保险箱，请重试。".into(),
        Failure::StorageUnavailable => "此浏览器不允许保存您的密钥。请退出无痕浏览或腾出空间后重试。".into(),
        Failure::StorageNewer => "此浏览器曾使用过更新版本的印信，请重新载入。".into(),
        Failure::FileUnreadable { name } => format!("无法读取“{name}”，请重新添加。"),
        Failure::Cancelled => "已取消。".into(),
        Failure::EngineLost => "印信已停止运行。请重新载入页面；已保存的内容不会丢失。".into(),
    }
}

fn too_large(limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("内容过大，上限为 {}。", super::size(limit)),
        None => "内容过大，邮件服务未予接收。".into(),
    }
}
