/** The retention periods of docs/storage.md in the other languages of the privacy policy. */

type Translation = Readonly<{ ru: string; zh: string }>;

export const RETENTIONS: Readonly<Record<string, Translation>> = {
  'while the account exists, then for the accounting period': {
    ru: 'пока существует аккаунт, затем срок хранения бухгалтерских данных',
    zh: '账户存续期间，之后为会计保存期',
  },
  'until the account is deleted': { ru: 'до удаления аккаунта', zh: '直到账户被删除' },
  'until verified, or 60 minutes': {
    ru: 'до подтверждения или 60 минут',
    zh: '直到验证，或 60 分钟',
  },
  'until used, or 30 minutes': { ru: 'до использования или 30 минут', zh: '直到使用，或 30 分钟' },
  'until ended, 14 days without use, 90 days at most': {
    ru: 'до завершения сеанса, 14 дней без использования, самое большее 90 дней',
    zh: '直到会话结束；14 天未使用；最长 90 天',
  },
  'until the next sign-in replaces it, or 365 days': {
    ru: 'до следующего входа, который её заменит, или 365 дней',
    zh: '直到下次登录将其替换，或 365 天',
  },
  'until used, or 10 minutes': { ru: 'до использования или 10 минут', zh: '直到使用，或 10 分钟' },
  'until removed; 1 day if never confirmed': {
    ru: 'до удаления; 1 день, если фактор не подтверждён',
    zh: '直到移除；未确认则为 1 天',
  },
  'until removed': { ru: 'до удаления', zh: '直到移除' },
  'until answered, or 5 minutes': { ru: 'до ответа или 5 минут', zh: '直到应答，或 5 分钟' },
  'until used, replaced, or the last factor is removed': {
    ru: 'до использования, замены или удаления последнего фактора',
    zh: '直到使用、被替换，或最后一个验证因素被移除',
  },
  'until the window ends: a minute to a day': {
    ru: 'до конца окна: от минуты до суток',
    zh: '直到时间窗口结束：一分钟到一天',
  },
  '90 days, or until the account is deleted': {
    ru: '90 дней или до удаления аккаунта',
    zh: '90 天，或直到账户被删除',
  },
  'until the account or the webhook is deleted': {
    ru: 'до удаления аккаунта или вебхука',
    zh: '直到账户或 Webhook 被删除',
  },
  '30 days, or until the account or the webhook is deleted': {
    ru: '30 дней или до удаления аккаунта или вебхука',
    zh: '30 天，或直到账户或 Webhook 被删除',
  },
  "as long as the email's row": {
    ru: 'столько же, сколько запись о письме',
    zh: '与该邮件的记录相同',
  },
  'permanently, so that we never email it again by mistake': {
    ru: 'бессрочно, чтобы по ошибке не написать на этот адрес снова',
    zh: '永久，以免误向该地址再次发信',
  },
  'accounting period': { ru: 'срок хранения бухгалтерских данных', zh: '会计保存期' },
  'permanently; a reason must not name a user': {
    ru: 'бессрочно; причина не должна называть пользователя',
    zh: '永久；原因中不得出现用户姓名',
  },
  'permanently: bills name them': {
    ru: 'бессрочно: на них ссылаются счета',
    zh: '永久：账单会引用它们',
  },
  'permanently; shown for 90 days': {
    ru: 'бессрочно; показывается 90 дней',
    zh: '永久；公开显示 90 天',
  },
  '7 days, at most 2,000 rows': { ru: '7 дней, не более 2000 записей', zh: '7 天，最多 2,000 条' },
  permanently: { ru: 'бессрочно', zh: '永久' },
  'permanently: money sent there later must still be found': {
    ru: 'бессрочно: деньги, отправленные туда позже, нужно найти',
    zh: '永久：之后汇入该地址的款项仍须能够找到',
  },
  'while the account exists, then a tombstone': {
    ru: 'пока существует аккаунт, затем только отметка об удалении',
    zh: '账户存续期间，之后仅保留删除标记',
  },
  'while the account exists': { ru: 'пока существует аккаунт', zh: '账户存续期间' },
  'until the next rotation or the account is closed; each is valid for a day at most': {
    ru: 'до следующей замены или закрытия аккаунта; каждый действует не больше суток',
    zh: '直到下次轮换或账户关闭；每个最多有效一天',
  },
  'until the queue has them': { ru: 'пока их не примет очередь', zh: '直到进入队列' },
  "charges 30 days after Postgres has them; credits and adjustments permanently (in the tombstone without the operator's reason), so that none counts twice":
    {
      ru: 'списания — 30 дней после записи в Postgres; пополнения и корректировки бессрочно (после удаления аккаунта без указанной оператором причины), чтобы ничего не было зачтено дважды',
      zh: '扣费在写入 Postgres 后保留 30 天；充值与调整永久保留（账户删除后不含运营人员填写的原因），以免重复计算',
    },
  'permanently, so that none is paid twice': {
    ru: 'бессрочно, чтобы ничего не было выплачено дважды',
    zh: '永久，以免重复付款',
  },
  'permanently, so that a credit to a wrong account is detected': {
    ru: 'бессрочно, чтобы обнаружить зачисление не на тот аккаунт',
    zh: '永久，以便发现记入错误账户的款项',
  },
};
