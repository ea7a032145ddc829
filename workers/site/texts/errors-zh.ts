/** Why each error code happens and what its reader can do, in Chinese; Markdown. */
import type { ErrorExplanations } from './errors-en.ts';

const AUTHENTICATION = {
  missing_api_key: {
    cause: '请求中没有 API 密钥。',
    remedy:
      '以 `Authorization: Bearer fbx_...`、`x-api-key`（Anthropic 的 SDK）或 `x-goog-api-key`（Google 的 SDK）发送。请确认发起调用的进程中已设置环境变量。',
  },
  invalid_api_key: {
    cause: '这不是本服务的密钥：校验和或签名不对，或密钥不存在。',
    remedy: '重新复制密钥，不要带空格或引号。密钥只显示一次；如已丢失，请在控制台新建一个。',
  },
  api_key_in_url: {
    cause: '密钥出现在地址中 (`?key=`)，日志和代理会保存它。',
    remedy: '请放在请求头中发送，并轮换该密钥：应视为已泄露。',
  },
  key_revoked: {
    cause: '所有者已撤销此密钥，或它被发现公开在外而被撤销。',
    remedy: '在控制台新建密钥。',
  },
  key_expired: { cause: '密钥已过有效期。', remedy: '在控制台新建密钥。' },
  key_paused: {
    cause: '此密钥今天的花费远超平常，因此暂停到 UTC 午夜。',
    remedy: '如果这些花费在预料之中，由所有者在控制台的“API 密钥”中恢复。',
  },
  https_required: {
    cause: '请求通过普通 HTTP 到达，密钥在途中可被读取。',
    remedy: '使用 https，并轮换密钥。',
  },
  model_not_allowed: {
    cause: '密钥的模型列表中没有这个模型。',
    remedy: '调用其他模型，或在控制台更改密钥的模型。',
  },
  model_too_expensive: {
    cause: '该模型每个输出 token 的价格超过密钥允许的上限。',
    remedy: '调用更便宜的模型，或在控制台提高密钥的最高输出价格。',
  },
  account_frozen: { cause: '运营人员冻结了账户。', remedy: '请联系客服；余额未受影响。' },
  account_closed: { cause: '账户已删除。', remedy: '已删除的账户无法再使用。' },
};

const REQUEST = {
  not_found: { cause: '没有这个端点。', remedy: '请对照 [API 参考](/docs/api) 检查路径。' },
  wrong_base_url: {
    cause: '基础 URL 重复或缺少一部分，例如 `/v1/v1/messages`。',
    remedy:
      'OpenAI 的 SDK 的基础 URL 以 `/v1` 结尾；Anthropic 和 Google 的则不是。错误消息会指出正确的端点。',
  },
  answer_not_stored: {
    cause: '请求要读取已存储的响应，而 Farebox 不存储响应。',
    remedy: '每次请求都发送到目前为止的全部对话，与 `store: false` 时相同。',
  },
  generation_not_found: {
    cause: '此账户没有这个 id 的调用。',
    remedy: '使用同一账户的密钥所收到的响应中的 `x-request-id`。',
  },
  method_not_allowed: {
    cause: '端点存在，但不支持这个 HTTP 方法。',
    remedy: '使用响应头 `Allow` 中的方法。',
  },
  model_not_found: {
    cause: '没有这个名称的模型。',
    remedy: '使用 `GET /v1/models` 中的名称，或错误消息中的建议。提供商已下线的模型不再提供。',
  },
  model_not_supported_on_endpoint: {
    cause: '该模型的提供商不支持此端点的方言。',
    remedy: '调用错误消息中列出的端点，或选择其他模型。',
  },
  websocket_not_supported: {
    cause: '该模型的提供商不支持通过 WebSocket 使用 Responses。',
    remedy: '用 HTTP 发送同一请求。',
  },
  body_too_large: {
    cause: '请求体解压后超过了错误消息中的上限。',
    remedy: '减小内容：更小的图片，或更少的消息。',
  },
  incomplete_body: {
    cause: '请求体在达到 `Content-Length` 之前结束，或到达得太慢。',
    remedy: '在稳定的连接上重新发送。',
  },
  unsupported_media_type: {
    cause: '该端点不接受这种 `Content-Type`。',
    remedy: '使用错误消息中列出的类型。',
  },
  unsupported_content_encoding: {
    cause: '请求体的压缩方式不受支持。',
    remedy: '使用 gzip、deflate、br 或 zstd，或不压缩。',
  },
  invalid_content_encoding: {
    cause: '请求体与其 `Content-Encoding` 不符。',
    remedy: '只压缩一次，或去掉该请求头。',
  },
  invalid_json: {
    cause: '请求体不是有效的 UTF-8 JSON。',
    remedy: '检查引号；shell 常会改变写在命令行中的请求体的引号。',
  },
  not_an_object: { cause: '请求体是 JSON，但不是对象。', remedy: '请发送一个对象。' },
  nesting_too_deep: { cause: '请求体嵌套过深。', remedy: '减少嵌套层数。' },
  duplicate_field: {
    cause: '同一对象中某个字段出现两次，不同解析器的取值不同。',
    remedy: '每个字段只发送一次。',
  },
  missing_field: { cause: '缺少必需的字段。', remedy: '补上错误消息中指出的字段。' },
  invalid_field: {
    cause: '某个字段的值不被该端点接受。',
    remedy: '更正 `param` 指出的字段。',
  },
  wrong_dialect: {
    cause: '某个字段属于另一种方言，与端点不符。',
    remedy: '把请求体发送到错误消息中指出的端点。',
  },
  unsupported_feature: {
    cause: '请求要求的功能在这里无法定价或限定费用。',
    remedy: '错误消息会说明是什么以及原因。各端点接受的内容见 [方言](/docs/dialects)。',
  },
};

const LIMITS = {
  insufficient_balance: {
    cause: '余额不足以支付此调用的最坏情况：输入加上全部输出上限。',
    remedy:
      '降低输出上限：`affordable_max_output_tokens` 给出合适的值。或充值：`missing_usd` 给出还差多少。',
  },
  key_limit_exceeded: {
    cause: '密钥的消费限额，或其按日、周、月的预算，不足以覆盖此调用的最坏情况。',
    remedy: '在控制台提高限额，等待预算重置，或降低输出上限。',
  },
  balance_held: {
    cause: '进行中的调用预留了此调用所需的金额；它们结算后余额就足够了。',
    remedy: '等待 `Retry-After`，减少并发调用，或降低输出上限：每次调用结束时会释放未用的预留。',
  },
  rate_limited: {
    cause: '密钥每秒或每分钟的调用次数超过允许值。',
    remedy: '等待 `Retry-After`，并把调用分散开。',
  },
  too_many_concurrent_calls: {
    cause: '密钥或账户同时打开的调用过多。',
    remedy: '等待其中一些结束。',
  },
  refused_calls_slowed: {
    cause: '提供商拒绝了此密钥最近的二十次调用。',
    remedy: '更正请求；第一次成功的调用会解除减速。',
  },
  provider_share_exceeded: {
    cause: '账户已用完其在该提供商处的速率份额（所有账户共用一个总速率）。',
    remedy: '等待 `Retry-After`，或调用其他提供商。',
  },
  refusal_limit_exceeded: {
    cause: '提供商今天拒绝了该账户过多的调用。被拒绝的调用不收费，因此有数量限制。',
    remedy: '更正请求；UTC 午夜之后会重新接受调用。',
  },
  gateway_busy: { cause: '同时到达的大请求过多。', remedy: '等待 `Retry-After` 后重试。' },
};

const SERVICE = {
  conflict: { cause: '我们这边出了问题。', remedy: '请重试。没有扣费。' },
  internal: {
    cause: '我们这边出了问题。',
    remedy: '请重试。如果一直出现，请联系客服并附上 `request_id`。',
  },
  ledger_unreachable: {
    cause: '无法访问账户，因此调用没有发出。',
    remedy: '请稍后重试。没有扣费。',
  },
  upstream_overloaded: {
    cause: '提供商目前没有该模型的余量。',
    remedy: '等待 `Retry-After` 后重试，或调用其他模型。没有扣费。',
  },
  upstream_rate_limited: {
    cause: '提供商限制了请求速率。',
    remedy: '等待 `Retry-After` 后重试。没有扣费。',
  },
  upstream_account_error: {
    cause: '提供商拒绝了 Farebox 自己的账户。',
    remedy: '已通知运营人员。请先调用其他提供商。没有扣费。',
  },
  upstream_unreachable: { cause: '无法连接到提供商。', remedy: '请重试。没有扣费。' },
  upstream_timeout: {
    cause: '提供商太久没有发送任何内容。',
    remedy: '请重试，长响应请使用流式。是否扣费见该调用的账单。',
  },
  upstream_disconnected: {
    cause: '提供商在响应完成之前关闭了连接。',
    remedy: '请重试。在此之前到达的内容会计入账单，并附[原因](/billing)。',
  },
  upstream_error: {
    cause: '提供商返回了自己的错误；消息来自提供商。',
    remedy: '请按消息处理。',
  },
  upstream_refused: {
    cause: '提供商拒绝了请求；消息是提供商自己的，如有代码也是。',
    remedy: '请按消息处理：对照提供商关于该模型的文档检查请求。没有扣费。',
  },
  upstream_invalid_response: {
    cause: '提供商发来的内容不是有效的响应。',
    remedy: '请重试。除非账单另有说明，否则没有扣费。',
  },
  call_stopped: {
    cause: '调用在进行中被停止：密钥被撤销，或账户被冻结或关闭。',
    remedy: '在此之前生成的内容会计入账单。密钥状态见控制台。',
  },
};

export const ERROR_EXPLANATIONS_ZH: ErrorExplanations = {
  ...AUTHENTICATION,
  ...REQUEST,
  ...LIMITS,
  ...SERVICE,
};
