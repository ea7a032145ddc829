/**
 * The summaries and descriptions of docs/openapi.json in the other languages of the API reference,
 * by their English text. A test lists the texts of the document that are missing here and those that
 * the document no longer has. A status' list of codes is left out: codes are the same everywhere.
 */

export type Translation = Readonly<{ ru: string; zh: string }>;
type Translations = Readonly<Record<string, Translation>>;

const FRAME: Translations = {
  "A prepaid gateway to AI models. Errors are written in the caller's dialect: Anthropic's shape on /v1/messages and for requests with an anthropic-version header, Google's on its paths and for requests with an x-goog-api-key header, OpenAI's shape otherwise. `code` comes from the same closed list in all of them. A path with another method answers 405 (method_not_allowed), and one that does not exist 404 (not_found). Every answer can be read by any web page (CORS).":
    {
      ru: 'Шлюз к моделям ИИ с предоплатой. Ошибки приходят в диалекте клиента: в форме Anthropic на /v1/messages и для запросов с заголовком anthropic-version, в форме Google на её путях и для запросов с заголовком x-goog-api-key, иначе в форме OpenAI. `code` везде из одного закрытого списка. Другой метод на том же пути даёт 405 (method_not_allowed), несуществующий путь — 404 (not_found). Любой ответ может прочитать любая веб-страница (CORS).',
      zh: '通往 AI 模型的预付网关。错误以调用方的方言返回：/v1/messages 以及带 anthropic-version 请求头的请求用 Anthropic 的格式，Google 的路径以及带 x-goog-api-key 请求头的请求用 Google 的格式，其余用 OpenAI 的格式。各格式中的 `code` 都来自同一个封闭列表。路径存在但方法不对时返回 405 (method_not_allowed)，路径不存在时返回 404 (not_found)。任何网页都可以读取任何响应 (CORS)。',
    },
  Conversations: { ru: 'Диалоги', zh: '对话' },
  Operations: { ru: 'Операции', zh: '操作' },
  Models: { ru: 'Модели', zh: '模型' },
  Account: { ru: 'Аккаунт', zh: '账户' },
  'Dialects of conversations, each as its provider documents it.': {
    ru: 'Диалекты для диалогов, каждый — как в документации своего провайдера.',
    zh: '对话的各种方言，均与其提供商的文档一致。',
  },
  'Endpoints that are no conversation.': {
    ru: 'Эндпоинты, которые не являются диалогом.',
    zh: '不属于对话的端点。',
  },
  'The models on offer, with prices and limits.': {
    ru: 'Доступные модели с ценами и пределами.',
    zh: '可用的模型及其价格和限制。',
  },
  'What calls cost, the balance, and the key.': {
    ru: 'Стоимость вызовов, баланс и ключ.',
    zh: '调用费用、余额和密钥。',
  },
};

const CONVERSATIONS: Translations = {
  'Create a chat completion': { ru: 'Создать chat completion', zh: '创建 chat completion' },
  'Name a model as provider/model or by the provider’s own id.': {
    ru: 'Модель указывается как provider/model или под собственным именем у провайдера.',
    zh: '模型可写作 provider/model，也可用提供商自己的 id。',
  },
  'States the cost in the answer too: as the member cost beside usage in a document; in a stream as a comment (true, comment) or an event (event) before the last word. It has usd, nano_usd, reason and price_rule and, where the platform has a margin, margin_percent and nano_usd_at_provider_prices. Without it the answer is the provider’s, byte for byte.':
    {
      ru: 'Добавляет стоимость в ответ: в документе — поле cost рядом с usage, в потоке — комментарий (true, comment) или событие (event) перед последним словом. В нём usd, nano_usd, reason и price_rule, а если у платформы есть наценка — ещё margin_percent и nano_usd_at_provider_prices. Без этого заголовка ответ побайтно совпадает с ответом провайдера.',
      zh: '在响应中同时给出费用：单个文档里是 usage 旁的 cost 字段；流里是最后一条之前的注释 (true, comment) 或事件 (event)。其中有 usd、nano_usd、reason 和 price_rule；平台有加价时还有 margin_percent 和 nano_usd_at_provider_prices。不带此请求头时，响应与提供商的响应逐字节相同。',
    },
  'The request body as the provider documents it.': {
    ru: 'Тело запроса, как в документации провайдера.',
    zh: '请求体，与提供商的文档一致。',
  },
  'The provider’s own response, byte for byte.': {
    ru: 'Ответ провайдера, байт в байт.',
    zh: '提供商的原始响应，逐字节相同。',
  },
  'Another answer by which the provider rejected the request, with its own status.': {
    ru: 'Другой ответ, которым провайдер отклонил запрос, с его собственным статусом.',
    zh: '提供商拒绝请求的其他响应，使用其自己的状态码。',
  },
  'Create a message': { ru: 'Создать message', zh: '创建 message' },
  'The headers anthropic-version and anthropic-beta and the query string are forwarded.': {
    ru: 'Заголовки anthropic-version и anthropic-beta и строка запроса передаются дальше.',
    zh: '请求头 anthropic-version、anthropic-beta 和查询字符串会被转发。',
  },
  'Count tokens': { ru: 'Посчитать токены', zh: '计算 token 数' },
  'Free of charge.': { ru: 'Бесплатно.', zh: '免费。' },
  'The provider’s own count, byte for byte, or our estimate for a model whose provider has none for this endpoint.':
    {
      ru: 'Счёт самого провайдера, байт в байт, или наша оценка, если у провайдера модели для этого эндпоинта счётчика нет.',
      zh: '提供商自己的计数，逐字节相同；如果该模型的提供商在此端点没有计数功能，则为我们的估算。',
    },
  'Create a response': { ru: 'Создать response', zh: '创建 response' },
  'OpenAI’s Responses, at the providers that speak it. Responses are not stored: a request without store is sent with store false, and previous_response_id, conversation, prompt and background are refused. Tools that a provider runs are accepted where a price bounds them.':
    {
      ru: 'Responses от OpenAI у провайдеров, которые его поддерживают. Ответы не хранятся: запрос без store отправляется со store false, а previous_response_id, conversation, prompt и background отклоняются. Инструменты на стороне провайдера принимаются там, где их стоимость ограничена ценой.',
      zh: 'OpenAI 的 Responses，适用于支持它的提供商。响应不会被存储：没有 store 的请求以 store false 发送，previous_response_id、conversation、prompt 和 background 会被拒绝。由提供商执行的工具，只有在价格能限定其费用时才接受。',
    },
  'Open a WebSocket for responses': {
    ru: 'Открыть WebSocket для Responses',
    zh: '为 Responses 打开 WebSocket',
  },
  'With Upgrade: websocket. Each event response.create of the client has the fields of POST /v1/responses and is a call with a hold and a bill of its own; previous_response_id names a response that was made on the same connection. Calls are made one after another; up to eight messages, one of them above 64 KB, may be in line. The first call has the id of the handshake’s x-request-id, each further one the next number (both as hexadecimal numbers of 32 digits); a call that was declined has used up its number. The provider’s connection, and with it what previous_response_id may name, ends after an error and after ten minutes without a call; this one ends after an hour without a message (1001), and where far too much was sent that was not read (1009). An account may have 100 of them at a time. An error that ends no call is an event of the type error with a status.':
    {
      ru: 'С заголовком Upgrade: websocket. Каждое событие клиента response.create имеет поля POST /v1/responses и является отдельным вызовом со своим резервом и своим счётом; previous_response_id называет ответ, полученный на этом же соединении. Вызовы идут один за другим; в очереди может быть до восьми сообщений, из них одно больше 64 КБ. Первый вызов имеет id из x-request-id рукопожатия, каждый следующий — следующее число (шестнадцатеричные числа из 32 цифр); отклонённый вызов тоже занимает номер. Соединение с провайдером, а с ним и то, на что может ссылаться previous_response_id, заканчивается после ошибки и после десяти минут без вызовов; само соединение — после часа без сообщений (1001) и если отправлено слишком много непрочитанного (1009). У аккаунта может быть 100 соединений одновременно. Ошибка, которая не завершает вызов, приходит событием типа error со статусом.',
      zh: '需带 Upgrade: websocket。客户端的每个 response.create 事件具有 POST /v1/responses 的字段，是一次有自己的预留和账单的调用；previous_response_id 指同一连接上产生的响应。调用依次进行；最多可有八条消息排队，其中一条可超过 64 KB。第一次调用的 id 是握手的 x-request-id，之后每次为下一个数（均为 32 位十六进制数）；被拒绝的调用也占用一个编号。与提供商的连接（以及 previous_response_id 可引用的内容）在出错后或十分钟没有调用后结束；本连接在一小时没有消息后 (1001)、或未被读取的数据过多时 (1009) 结束。一个账户同时最多 100 个连接。不终止调用的错误是类型为 error、带状态码的事件。',
    },
  'The connection is open.': { ru: 'Соединение открыто.', zh: '连接已打开。' },
  'Compact a conversation': { ru: 'Сжать диалог', zh: '压缩对话' },
  'A call like any other: its tokens are billed.': {
    ru: 'Обычный вызов: его токены оплачиваются.',
    zh: '与其他调用一样，按 token 计费。',
  },
  'Count the tokens of a response': {
    ru: 'Посчитать токены для Responses',
    zh: '计算 Responses 请求的 token 数',
  },
  'Gemini’s methods of a model': { ru: 'Методы Gemini для модели', zh: '模型的 Gemini 方法' },
  'The body and the answer are Google’s (https://ai.google.dev/api). streamGenerateContent answers with server-sent events where the query has alt=sse, else with one JSON array in pieces. countTokens is free; for a model of another provider it is our estimate, with estimated: true. Of the query only alt is read; a key in it is refused (api_key_in_url): send it in x-goog-api-key. Errors have Google’s shape.':
    {
      ru: 'Тело и ответ — как у Google (https://ai.google.dev/api). streamGenerateContent отвечает событиями SSE, если в запросе есть alt=sse, иначе одним массивом JSON по частям. countTokens бесплатен; для модели другого провайдера это наша оценка с estimated: true. Из строки запроса читается только alt; ключ в ней отклоняется (api_key_in_url): передавайте его в x-goog-api-key. Ошибки имеют форму Google.',
      zh: '请求体和响应与 Google 一致 (https://ai.google.dev/api)。查询中有 alt=sse 时，streamGenerateContent 以服务器发送事件响应，否则以分段的一个 JSON 数组响应。countTokens 免费；对其他提供商的模型为我们的估算，带 estimated: true。查询中只读取 alt；其中的密钥会被拒绝 (api_key_in_url)，请放在 x-goog-api-key 中。错误使用 Google 的格式。',
    },
  'The model, a colon, and generateContent, streamGenerateContent, countTokens, embedContent or batchEmbedContents.':
    {
      ru: 'Модель, двоеточие и generateContent, streamGenerateContent, countTokens, embedContent или batchEmbedContents.',
      zh: '模型、冒号，以及 generateContent、streamGenerateContent、countTokens、embedContent 或 batchEmbedContents。',
    },
};

const OPERATIONS: Translations = {
  'Create embeddings': { ru: 'Создать эмбеддинги', zh: '创建嵌入向量' },
  'Billed by the tokens that the provider reports; where it reports none, by their estimate.': {
    ru: 'Оплата по токенам, которые сообщает провайдер; если он их не сообщает — по их оценке.',
    zh: '按提供商报告的 token 计费；未报告时按估算计费。',
  },
  'Create images': { ru: 'Создать изображения', zh: '生成图像' },
  'Billed by the tokens that the provider reports, or by the image at its size and quality.': {
    ru: 'Оплата по токенам, которые сообщает провайдер, или за изображение по размеру и качеству.',
    zh: '按提供商报告的 token 计费，或按图像的尺寸和质量逐张计费。',
  },
  'Edit images': { ru: 'Изменить изображения', zh: '编辑图像' },
  'As images that are created; pictures that are read are billed too.': {
    ru: 'Как создание изображений; прочитанные изображения тоже оплачиваются.',
    zh: '与生成图像相同；读取的图片也计费。',
  },
  'The form as the provider documents it. Each field once; the file has a file name.': {
    ru: 'Форма, как в документации провайдера. Каждое поле один раз; у файла есть имя.',
    zh: '表单，与提供商的文档一致。每个字段一次；文件须有文件名。',
  },
  'Speak a text': { ru: 'Озвучить текст', zh: '朗读文本' },
  'Billed by the character, or by the tokens that the last event of a stream reports; without a stream those of models with tokens are counted by the length of the recording.':
    {
      ru: 'Оплата за символ или по токенам из последнего события потока; без потока токены таких моделей считаются по длине записи.',
      zh: '按字符计费，或按流的最后一个事件报告的 token 计费；不使用流时，按 token 计费的模型以录音时长折算。',
    },
  'Transcribe a recording': { ru: 'Расшифровать запись', zh: '转写录音' },
  'Billed by the seconds or the tokens that the provider reports; subtitles and plain text by the length of the recording.':
    {
      ru: 'Оплата по секундам или токенам, которые сообщает провайдер; субтитры и простой текст — по длине записи.',
      zh: '按提供商报告的秒数或 token 计费；字幕和纯文本按录音时长计费。',
    },
  'Translate a recording into English': {
    ru: 'Перевести запись на английский',
    zh: '将录音翻译成英文',
  },
  'Billed as a transcription.': { ru: 'Оплата как за расшифровку.', zh: '与转写相同计费。' },
  'Check a text or an image': { ru: 'Проверить текст или изображение', zh: '审核文本或图像' },
  'Free of charge. A request that names no model gets omni-moderation-latest.': {
    ru: 'Бесплатно. Запрос без модели получает omni-moderation-latest.',
    zh: '免费。未指定模型的请求使用 omni-moderation-latest。',
  },
  'Rank documents': { ru: 'Упорядочить документы', zh: '对文档排序' },
  'Billed by the search units, or the tokens, that the provider reports; where it reports none, one unit for a query and up to 100 documents of 500 tokens.':
    {
      ru: 'Оплата по единицам поиска или токенам, которые сообщает провайдер; если он их не сообщает — одна единица за запрос и до 100 документов по 500 токенов.',
      zh: '按提供商报告的搜索单位或 token 计费；未报告时，一次查询加最多 100 个 500 token 的文档计一个单位。',
    },
};

const MODELS: Translations = {
  'List models': { ru: 'Список моделей', zh: '列出模型' },
  'Models per page, for requests with an anthropic-version header.': {
    ru: 'Моделей на странице, для запросов с заголовком anthropic-version.',
    zh: '每页的模型数，用于带 anthropic-version 请求头的请求。',
  },
  'The page after this model, for requests with an anthropic-version header.': {
    ru: 'Страница после этой модели, для запросов с заголовком anthropic-version.',
    zh: '此模型之后的一页，用于带 anthropic-version 请求头的请求。',
  },
  'The page before this model, for requests with an anthropic-version header.': {
    ru: 'Страница перед этой моделью, для запросов с заголовком anthropic-version.',
    zh: '此模型之前的一页，用于带 anthropic-version 请求头的请求。',
  },
  'OpenAI’s list of every model; for requests with an anthropic-version header, Anthropic’s pages of the models that /v1/messages can call, the newest first.':
    {
      ru: 'Список всех моделей в форме OpenAI; для запросов с заголовком anthropic-version — страницы в форме Anthropic с моделями для /v1/messages, новые первыми.',
      zh: 'OpenAI 格式的全部模型列表；带 anthropic-version 请求头时，为 Anthropic 格式的分页，只含 /v1/messages 可调用的模型，最新的在前。',
    },
  'The date of the price list.': { ru: 'Дата прайс-листа.', zh: '价目表的日期。' },
  'Of a page; Anthropic’s list.': {
    ru: 'Страницы; список Anthropic.',
    zh: '分页用；Anthropic 格式。',
  },
  'Whether a page follows; Anthropic’s list.': {
    ru: 'Есть ли следующая страница; список Anthropic.',
    zh: '是否还有下一页；Anthropic 格式。',
  },
  'Retrieve a model': { ru: 'Получить модель', zh: '获取模型' },
  'Takes every name that calls accept: aliases, dated names, models/... and the suffix [1m].': {
    ru: 'Принимает все имена, которые принимают вызовы: псевдонимы, имена с датой, models/... и суффикс [1m].',
    zh: '接受调用所接受的所有名称：别名、带日期的名称、models/... 以及后缀 [1m]。',
  },
  'The model.': { ru: 'Модель.', zh: '模型。' },
  'List the models of Gemini’s API': {
    ru: 'Список моделей в форме API Gemini',
    zh: '以 Gemini API 的格式列出模型',
  },
  'In Google’s shape and pages (pageSize, pageToken): only models that generateContent serves. GET /v1/models answers the same to a key in x-goog-api-key.':
    {
      ru: 'В форме и страницах Google (pageSize, pageToken): только модели для generateContent. GET /v1/models отвечает так же на ключ в x-goog-api-key.',
      zh: '采用 Google 的格式和分页 (pageSize, pageToken)：只含 generateContent 可用的模型。密钥放在 x-goog-api-key 时，GET /v1/models 的响应相同。',
    },
  'A page of models.': { ru: 'Страница моделей.', zh: '一页模型。' },
  'Retrieve a model in Google’s shape': {
    ru: 'Получить модель в форме Google',
    zh: '以 Google 的格式获取模型',
  },
  'Null for a model whose answers have no tokens, such as embeddings.': {
    ru: 'null у модели, ответы которой не состоят из токенов, например эмбеддинги.',
    zh: '响应没有 token 的模型（如嵌入）为 null。',
  },
  "The largest output limit, Anthropic's name of max_output_tokens.": {
    ru: 'Наибольший предел вывода; так max_output_tokens называется у Anthropic.',
    zh: '最大输出上限；Anthropic 对 max_output_tokens 的叫法。',
  },
  'By capability; one that no source states is absent.': {
    ru: 'По возможностям; та, о которой не говорит ни один источник, отсутствует.',
    zh: '按能力列出；没有来源说明的能力不出现。',
  },
  'Retired models are not listed; a call to one is passed on.': {
    ru: 'Отключённых моделей нет в списке; вызов такой модели передаётся дальше.',
    zh: '已下线的模型不列出；对它的调用仍会转发。',
  },
  'The model that the provider recommends instead.': {
    ru: 'Модель, которую провайдер советует вместо этой.',
    zh: '提供商推荐的替代模型。',
  },
  "OpenRouter's pricing: the price outside every window and size, then overrides. Of the overrides whose conditions all hold, the last one wins per key.":
    {
      ru: 'Цены в форме OpenRouter: цена вне всех окон и размеров, затем исключения. Из исключений, все условия которых выполнены, по каждому ключу действует последнее.',
      zh: 'OpenRouter 格式的价格：先是不受时段和大小影响的价格，然后是例外。在条件全部成立的例外中，每个键以最后一个为准。',
    },
  'min_prompt_tokens (more input tokens than this), utc_days, utc_start and utc_end (HHMM, the end exclusive), except_dates and only_dates (UTC days such as public holidays on which it does not hold, or alone holds), and prices.':
    {
      ru: 'min_prompt_tokens (входных токенов больше этого числа), utc_days, utc_start и utc_end (HHMM, конец не включается), except_dates и only_dates (дни UTC, например праздники, когда исключение не действует или действует только тогда) и цены.',
      zh: 'min_prompt_tokens（输入 token 超过此数）、utc_days、utc_start 与 utc_end（HHMM，不含结束时刻）、except_dates 与 only_dates（不适用或仅适用的 UTC 日期，如公共假日）以及价格。',
    },
  'Prices of the other service tiers, by tier.': {
    ru: 'Цены других уровней обслуживания, по уровню.',
    zh: '其他服务档的价格，按档列出。',
  },
  "USD per unit as decimal text, by OpenRouter's keys: per token, and web_search per search.": {
    ru: 'Доллары за единицу десятичным текстом, по ключам OpenRouter: за токен, web_search — за поиск.',
    zh: '每单位美元，十进制文本，键与 OpenRouter 相同：按 token，web_search 按次。',
  },
  'Prices of the other speeds, by speed.': {
    ru: 'Цены других скоростей, по скорости.',
    zh: '其他速度的价格，按速度列出。',
  },
  'Prices of inference kept in a region, by region.': {
    ru: 'Цены обработки в пределах региона, по региону.',
    zh: '限定在某地区内推理的价格，按地区列出。',
  },
  'Prices that hold from a known moment on.': {
    ru: 'Цены, которые начнут действовать с известного момента.',
    zh: '从某个已知时刻起生效的价格。',
  },
  "The provider's own prices, in the shape of pricing; absent where the platform has no margin.": {
    ru: 'Собственные цены провайдера в форме pricing; нет, если у платформы нет наценки.',
    zh: '提供商原价，格式同 pricing；平台不加价时不出现。',
  },
  "The platform's margin on the provider's price.": {
    ru: 'Наценка платформы на цену провайдера.',
    zh: '平台在提供商价格上的加价。',
  },
  'The rule of the price list that holds now: version of the list, a slash, the rule. Bills name theirs.':
    {
      ru: 'Правило прайс-листа, которое действует сейчас: версия списка, косая черта, правило. В счетах названо своё.',
      zh: '当前生效的价目表规则：版本、斜杠、规则。账单会写明各自的规则。',
    },
  "The day on which the provider's own page was seen to state the price.": {
    ru: 'День, когда эта цена была замечена на странице самого провайдера.',
    zh: '在提供商自己的页面上确认此价格的日期。',
  },
  "Sources differ; the price is the one of the provider's page.": {
    ru: 'Источники расходятся; взята цена со страницы провайдера.',
    zh: '各来源不一致；以提供商页面的价格为准。',
  },
};

const ACCOUNT: Translations = {
  'Estimate the cost of a request': {
    ru: 'Оценить стоимость запроса',
    zh: '估算请求的费用',
  },
  'Takes the body of any endpoint; holds, sends and charges nothing.': {
    ru: 'Принимает тело любого эндпоинта; ничего не резервирует, не отправляет и не списывает.',
    zh: '接受任何端点的请求体；不预留、不发送、不扣费。',
  },
  'The form of an operation that takes one.': {
    ru: 'Форма операции, которая принимает форму.',
    zh: '接受表单的操作所用的表单。',
  },
  'The estimate.': { ru: 'Оценка.', zh: '估算结果。' },
  'List the public keys of statements': {
    ru: 'Открытые ключи для выписок',
    zh: '列出对账单的公钥',
  },
  'A JSON Web Key Set (RFC 7517) of Ed25519 keys. Needs no API key.': {
    ru: 'Набор JSON Web Key (RFC 7517) с ключами Ed25519. API-ключ не нужен.',
    zh: 'Ed25519 密钥的 JSON Web Key Set (RFC 7517)。不需要 API 密钥。',
  },
  'The keys.': { ru: 'Ключи.', zh: '公钥。' },
  'Retrieve the bill of a call': { ru: 'Получить счёт вызова', zh: '获取一次调用的账单' },
  'Returns 404 if no call was admitted under this id, or if it belongs to another account.': {
    ru: 'Отвечает 404, если под этим id не было принятого вызова или он принадлежит другому аккаунту.',
    zh: '如果此 id 下没有被接受的调用，或它属于其他账户，则返回 404。',
  },
  'The bill.': { ru: 'Счёт.', zh: '账单。' },
  'Retrieve the balance': { ru: 'Получить баланс', zh: '获取余额' },
  'The balance.': { ru: 'Баланс.', zh: '余额。' },
  'An amount in nano-USD, an integer as a string.': {
    ru: 'Сумма в нано-USD (миллиардная доля доллара), целое число строкой.',
    zh: '金额，单位为 nano-USD（十亿分之一美元），以字符串表示的整数。',
  },
  'Retrieve the API key’s limits and usage': {
    ru: 'Получить пределы и расход API-ключа',
    zh: '获取 API 密钥的限制与用量',
  },
  'The key’s limits and usage.': { ru: 'Пределы и расход ключа.', zh: '密钥的限制与用量。' },
  'Included in `output`.': { ru: 'Входит в `output`.', zh: '已包含在 `output` 中。' },
  'A price in nano-USD per million tokens, an integer as a string.': {
    ru: 'Цена в нано-USD за миллион токенов, целое число строкой.',
    zh: '价格，单位为 nano-USD/百万 token，以字符串表示的整数。',
  },
  'What gave the prices: `<version of the price list>/<rule>`, with the applied factors (a service tier, a speed, a region) after `+`. Null for calls before 2026-12.':
    {
      ru: 'Откуда взяты цены: `<версия прайс-листа>/<правило>`, после `+` — применённые множители (уровень обслуживания, скорость, регион). null у вызовов до 2026-12.',
      zh: '价格的来源：`<价目表版本>/<规则>`，`+` 之后是所用系数（服务档、速度、地区）。2026-12 之前的调用为 null。',
    },
  'What the provider itself says that the call cost (xAI, OpenRouter), in nano-USD, an integer as a string. The bill does not follow from it. Null where the provider says nothing, and for calls before 2026-12.':
    {
      ru: 'Стоимость вызова по словам самого провайдера (xAI, OpenRouter), в нано-USD, целое число строкой. Счёт из неё не выводится. null, если провайдер её не сообщает, и у вызовов до 2026-12.',
      zh: '提供商自己报告的调用费用（xAI、OpenRouter），单位 nano-USD，以字符串表示的整数。账单不以它为依据。提供商未报告时、以及 2026-12 之前的调用为 null。',
    },
  "The platform's margin on the provider's prices, which prices and cost contain. Null until the bill is made, and for calls before 2026-12.":
    {
      ru: 'Наценка платформы на цены провайдера, входящая в prices и cost. null, пока счёт не составлен, и у вызовов до 2026-12.',
      zh: '平台在提供商价格上的加价，已包含在 prices 和 cost 中。账单生成之前、以及 2026-12 之前的调用为 null。',
    },
  "The provider's own prices: `prices` without the margin, in nano-USD per million tokens, integers as strings.":
    {
      ru: 'Собственные цены провайдера: `prices` без наценки, в нано-USD за миллион токенов, целые числа строками.',
      zh: '提供商原价：不含加价的 `prices`，单位 nano-USD/百万 token，以字符串表示的整数。',
    },
  "The cost and shortfall at the provider's own prices, in nano-USD, an integer as a string. Null where margin_percent is.":
    {
      ru: 'Стоимость вместе с недостачей по ценам провайдера, в нано-USD, целое число строкой. null там же, где margin_percent.',
      zh: '按提供商原价计算的费用与差额，单位 nano-USD，以字符串表示的整数。margin_percent 为 null 时也为 null。',
    },
  "The same at the provider's own price.": {
    ru: 'То же по цене провайдера.',
    zh: '按提供商原价计算的同一金额。',
  },
  'A decimal number as a string.': {
    ru: 'Десятичное число строкой.',
    zh: '以字符串表示的十进制数。',
  },
  'The part of the cost that the balance did not cover. Farebox absorbs it; it is never charged later.':
    {
      ru: 'Часть стоимости, которую не покрыл баланс. Её берёт на себя Farebox; позже она не списывается.',
      zh: '余额未能覆盖的那部分费用。由 Farebox 承担，以后不会再扣。',
    },
  'Milliseconds from the arrival of the request to the first output of a streamed answer. Null of other answers, and where none came.':
    {
      ru: 'Миллисекунды от прихода запроса до первого вывода потокового ответа. null у других ответов и если вывода не было.',
      zh: '从请求到达至流式响应首个输出的毫秒数。其他响应、或没有输出时为 null。',
    },
  'Milliseconds from the arrival of the request to the end of its answer. Null until the bill is made, and of calls from before it was kept.':
    {
      ru: 'Миллисекунды от прихода запроса до конца ответа. null, пока счёт не составлен, и у вызовов, сделанных до появления этого поля.',
      zh: '从请求到达至响应结束的毫秒数。账单生成之前、以及尚未记录此值的早期调用为 null。',
    },
  'The budgets that renew, in UTC: each day, each Monday, and on the first of each month. A call must fit each of them.':
    {
      ru: 'Бюджеты, которые обновляются по UTC: каждый день, каждый понедельник и первого числа месяца. Вызов должен укладываться в каждый.',
      zh: '按 UTC 重置的预算：每天、每周一、每月一日。每次调用必须都在其内。',
    },
  'What was charged in the period, in nano-USD; below zero where late settlements gave back more.':
    {
      ru: 'Сколько списано за период, в нано-USD; меньше нуля, если поздние расчёты вернули больше.',
      zh: '该周期内的扣费，单位 nano-USD；如果较晚的结算退回更多，则小于零。',
    },
  'What calls can still reserve, in nano-USD: the budget without what was charged and what open calls reserve.':
    {
      ru: 'Сколько ещё могут зарезервировать вызовы, в нано-USD: бюджет без списанного и без резервов открытых вызовов.',
      zh: '调用还可预留的金额，单位 nano-USD：预算减去已扣费和进行中调用的预留。',
    },
  "The least of the available balance, what is left of the budget and what is left of each period's budget, in nano-USD.":
    {
      ru: 'Наименьшее из доступного баланса, остатка бюджета и остатков бюджетов по периодам, в нано-USD.',
      zh: '可用余额、预算余额和各周期预算余额中的最小值，单位 nano-USD。',
    },
  'The highest price of a model that the key may call, in nano-USD per million output tokens.': {
    ru: 'Наибольшая цена модели, которую может вызвать ключ, в нано-USD за миллион выходных токенов.',
    zh: '此密钥可调用的模型的最高价格，单位 nano-USD/百万输出 token。',
  },
  'How many times the output limit may be used up: once for each choice, for each turn of a loop that the provider runs over its own tools, and for each compaction. The hold covers all of them.':
    {
      ru: 'Сколько раз может быть исчерпан предел вывода: по разу на каждый вариант ответа, на каждый ход цикла инструментов провайдера и на каждое сжатие. Резерв покрывает все.',
      zh: '输出上限可能被用满的次数：每个候选、提供商自有工具循环的每一轮、每次压缩各一次。预留会覆盖全部。',
    },
  "The provider's own prices, without the platform's margin.": {
    ru: 'Цены провайдера без наценки платформы.',
    zh: '提供商原价，不含平台加价。',
  },
  "The platform's margin on the provider's prices, which prices and amounts contain.": {
    ru: 'Наценка платформы на цены провайдера, входящая в цены и суммы.',
    zh: '平台在提供商价格上的加价，已包含在价格和金额中。',
  },
  'What the input alone is likely to cost, in nano-USD, an integer as a string.': {
    ru: 'Сколько, вероятно, будет стоить один вход, в нано-USD, целое число строкой.',
    zh: '仅输入部分可能的费用，单位 nano-USD，以字符串表示的整数。',
  },
  "What the whole call is likely to cost, in nano-USD, an integer as a string. Absent for a conversation, whose output can't be foreseen.":
    {
      ru: 'Сколько, вероятно, будет стоить весь вызов, в нано-USD, целое число строкой. Для диалога поля нет: его вывод предсказать нельзя.',
      zh: '整次调用可能的费用，单位 nano-USD，以字符串表示的整数。对话的输出无法预知，因此没有此字段。',
    },
  'What an operation is expected to use beside tokens in buckets: images, seconds, characters, searches. Absent for a conversation.':
    {
      ru: 'Что операция, как ожидается, израсходует кроме токенов: изображения, секунды, символы, поиски. Для диалога поля нет.',
      zh: '操作预计使用的 token 以外的用量：图像、秒、字符、搜索。对话没有此字段。',
    },
};

const STATUSES: Translations = {
  'The request is invalid or not supported.': {
    ru: 'Запрос неверен или не поддерживается.',
    zh: '请求无效或不受支持。',
  },
  'The API key is missing, invalid or no longer valid.': {
    ru: 'API-ключа нет, он неверен или больше не действует.',
    zh: '缺少 API 密钥，或密钥无效、已失效。',
  },
  'The balance or a budget is too small. Retry-After is set where a budget by day, week or month has too little left: until it renews, or some seconds where only calls in progress reserve the rest.':
    {
      ru: 'Баланс или бюджет слишком мал. Retry-After есть, если мало осталось в бюджете на день, неделю или месяц: до его обновления или несколько секунд, если остальное лишь зарезервировано текущими вызовами.',
      zh: '余额或预算不足。当按日、周或月的预算所剩不足时会有 Retry-After：到其重置为止；如果只是进行中的调用预留了其余部分，则为几秒。',
    },
  'The call is not allowed. A paused key (key_paused) is resumed by its owner, or at midnight UTC.':
    {
      ru: 'Вызов не разрешён. Приостановленный ключ (key_paused) включает владелец, или он включается в полночь UTC.',
      zh: '不允许此调用。被暂停的密钥 (key_paused) 由其所有者恢复，或在 UTC 午夜自动恢复。',
    },
  'The model or the call does not exist.': {
    ru: 'Такой модели или такого вызова нет.',
    zh: '模型或调用不存在。',
  },
  'The path takes another method.': { ru: 'У пути другой метод.', zh: '此路径使用其他方法。' },
  'The body is larger than 20 MB.': { ru: 'Тело больше 20 МБ.', zh: '请求体超过 20 MB。' },
  'The body is larger than 26 MB.': { ru: 'Тело больше 26 МБ.', zh: '请求体超过 26 MB。' },
  'The body is not what the endpoint takes.': {
    ru: 'Тело не того вида, который принимает эндпоинт.',
    zh: '请求体不是此端点所接受的类型。',
  },
  'No provider of the model takes WebSockets. Use POST.': {
    ru: 'Ни один провайдер модели не принимает WebSocket. Используйте POST.',
    zh: '该模型没有提供商支持 WebSocket。请使用 POST。',
  },
  'Too much at a time. Retry-After says how long to wait.': {
    ru: 'Слишком много сразу. Retry-After говорит, сколько ждать.',
    zh: '一次过多。Retry-After 说明需等待多久。',
  },
  'An error of the gateway.': { ru: 'Ошибка шлюза.', zh: '网关错误。' },
  'The provider failed.': { ru: 'Сбой у провайдера.', zh: '提供商出错。' },
  'The gateway or the provider is overloaded. Retry-After is set.': {
    ru: 'Шлюз или провайдер перегружен. Есть Retry-After.',
    zh: '网关或提供商过载。带有 Retry-After。',
  },
  'The provider timed out.': { ru: 'Провайдер не ответил вовремя.', zh: '提供商超时。' },
  'The provider is overloaded, in Anthropic’s status for it.': {
    ru: 'Провайдер перегружен; статус, принятый для этого у Anthropic.',
    zh: '提供商过载，使用 Anthropic 的对应状态码。',
  },
};

const ERRORS: Translations = {
  "OpenAI's shape, or Anthropic's shape with `type: error`.": {
    ru: 'Форма OpenAI или форма Anthropic с `type: error`.',
    zh: 'OpenAI 的格式，或带 `type: error` 的 Anthropic 格式。',
  },
  'In OpenAI’s shape an error that its clients know by a code of OpenAI’s has that one: previous_response_not_found for unsupported_feature.':
    {
      ru: 'В форме OpenAI ошибка, которую её клиенты знают под кодом OpenAI, имеет его: previous_response_not_found вместо unsupported_feature.',
      zh: '在 OpenAI 的格式中，如果其客户端以 OpenAI 的代码识别某个错误，就用该代码：以 previous_response_not_found 代替 unsupported_feature。',
    },
  "With key_limit_exceeded: the budget that is too small, absent where it is the one of the key's whole life.":
    {
      ru: 'С key_limit_exceeded: бюджет, которого не хватило; нет, если это предел на всё время ключа.',
      zh: '用于 key_limit_exceeded：不足的那个预算；如果是密钥的总限额则不出现。',
    },
  'When that budget renews.': { ru: 'Когда этот бюджет обновится.', zh: '该预算重置的时间。' },
  'In Anthropic’s shape: the code by which its SDKs know the error.': {
    ru: 'В форме Anthropic: код, по которому ошибку узнают её SDK.',
    zh: '在 Anthropic 的格式中：其 SDK 用来识别错误的代码。',
  },
  "Google's shape.": { ru: 'Форма Google.', zh: 'Google 的格式。' },
  'The HTTP status.': { ru: 'HTTP-статус.', zh: 'HTTP 状态码。' },
  'The status in the words of google.rpc.Code.': {
    ru: 'Статус словами google.rpc.Code.',
    zh: '以 google.rpc.Code 表示的状态。',
  },
  'ErrorInfo has our code in capitals as its reason, RequestInfo the id of the request, RetryInfo the pause before a retry.':
    {
      ru: 'В ErrorInfo причина — наш код заглавными буквами, в RequestInfo — id запроса, в RetryInfo — пауза перед повтором.',
      zh: 'ErrorInfo 的 reason 是我们的代码（大写），RequestInfo 是请求 id，RetryInfo 是重试前的等待时间。',
    },
  "A provider's own error about the request, in the caller's dialect and without our codes.": {
    ru: 'Ошибка самого провайдера о запросе, в диалекте клиента и без наших кодов.',
    zh: '提供商自己对请求的报错，采用调用方的方言，没有我们的代码。',
  },
  'With our id of the request.': { ru: 'С нашим id запроса.', zh: '带有我们的请求 id。' },
};

const HEADERS: Translations = {
  'The id of the call; GET /v1/generation/{id} returns its bill.': {
    ru: 'Id вызова; GET /v1/generation/{id} возвращает его счёт.',
    zh: '调用的 id；GET /v1/generation/{id} 返回其账单。',
  },
  'The same, under the name that Anthropic’s SDKs read.': {
    ru: 'То же под именем, которое читают SDK Anthropic.',
    zh: '同上，使用 Anthropic SDK 读取的名称。',
  },
  'The cost of a response of up to 256 KB that was not streamed; absent where only the account knows it (an empty answer, which is free until the day’s waivers are used up). GET /v1/generation/{id} returns what was charged; the two differ only if the balance fell short.':
    {
      ru: 'Стоимость ответа до 256 КБ без потока; нет, если её знает только аккаунт (пустой ответ бесплатен, пока не исчерпана дневная норма). GET /v1/generation/{id} возвращает списанное; они различаются, только если не хватило баланса.',
      zh: '非流式、不超过 256 KB 的响应的费用；只有账户才知道时不出现（空响应在当日减免额度用完前免费）。GET /v1/generation/{id} 返回实际扣费；仅当余额不足时两者才不同。',
    },
  'The output limit, in tokens, that was set because the request had none.': {
    ru: 'Предел вывода в токенах, установленный потому, что в запросе его не было.',
    zh: '因请求中没有而设置的输出上限，单位为 token。',
  },
  'The limit of calls of the provider’s own tools that was set because the request had none (max_tool_calls).':
    {
      ru: 'Предел вызовов инструментов провайдера, установленный потому, что в запросе его не было (max_tool_calls).',
      zh: '因请求中没有而设置的提供商自有工具调用次数上限 (max_tool_calls)。',
    },
  'false where the request had no store, and was sent with store false.': {
    ru: 'false, если в запросе не было store и он отправлен со store false.',
    zh: '请求中没有 store、因而以 store false 发送时为 false。',
  },
  'provider where the provider counted; estimated where it has no counter for this endpoint, and the answer then has estimated: true.':
    {
      ru: 'provider, если считал провайдер; estimated, если счётчика для этого эндпоинта у него нет, тогда в ответе есть estimated: true.',
      zh: '由提供商计数时为 provider；提供商在此端点没有计数功能时为 estimated，此时响应带 estimated: true。',
    },
  'Whether the same request can succeed if it is sent again; the official SDKs obey.': {
    ru: 'Может ли тот же запрос пройти при повторе; официальные SDK слушаются.',
    zh: '重发同一请求是否可能成功；官方 SDK 会遵守。',
  },
  'Seconds to wait before a retry.': {
    ru: 'Сколько секунд ждать перед повтором.',
    zh: '重试前需等待的秒数。',
  },
  'The page about the error, with rel="help" (RFC 8288); absent where the platform has no public site. An error inside a stream comes after the headers and has none.':
    {
      ru: 'Страница об ошибке, с rel="help" (RFC 8288); нет, если у платформы нет публичного сайта. Ошибка внутри потока приходит после заголовков, и у неё ссылки нет.',
      zh: '关于该错误的页面，带 rel="help" (RFC 8288)；平台没有公开网站时不出现。流中的错误在响应头之后，因此没有此头。',
    },
  'What the key’s limits leave, as draft-ietf-httpapi-ratelimit-headers has it: `"calls";r=9;t=42` of its calls per minute, and `"budget-day";r=1234567;t=3600` of a budget by day, week or month, in millionths of a US dollar. `t` is in seconds: until the oldest call of the minute counts no more, or the budget renews. Present where the key has such a limit, on calls, on their 402 and 429, and on the handshake of a WebSocket. A call that is refused before the account is asked has `"requests";r=0;t=1` (of the key) or `"free-calls";r=0;t=1` (of the account, for calls that cost nothing) in their place.':
    {
      ru: 'Остаток пределов ключа в записи draft-ietf-httpapi-ratelimit-headers: `"calls";r=9;t=42` — вызовы в минуту, `"budget-day";r=1234567;t=3600` — бюджет на день, неделю или месяц в миллионных долях доллара. `t` в секундах: пока самый старый вызов минуты не перестанет учитываться или бюджет не обновится. Есть, если у ключа есть такой предел: при вызовах, при их ответах 402 и 429 и при открытии WebSocket. У вызова, отклонённого до обращения к счёту, вместо них `"requests";r=0;t=1` (для ключа) или `"free-calls";r=0;t=1` (для счёта, если вызов бесплатный).',
      zh: '密钥限制的剩余量，按 draft-ietf-httpapi-ratelimit-headers 书写：`"calls";r=9;t=42` 为每分钟调用数，`"budget-day";r=1234567;t=3600` 为按日、周或月的预算，单位为百万分之一美元。`t` 为秒：到这一分钟内最早的调用不再计入，或预算重置为止。密钥有此类限制时才出现：在调用、其 402 和 429 响应以及 WebSocket 握手中。若调用在查询账户之前即被拒绝，则代之以 `"requests";r=0;t=1`（针对密钥）或 `"free-calls";r=0;t=1`（针对账户，用于免费的调用）。',
    },
  'The key’s limits: `"calls";q=10;w=60`, and `"budget-day";q=5000000;qu="micro-usd";w=86400`. The budget of a month states no window. Where a call is refused before the account is asked, `"requests";q=600;w=2` or `"free-calls";q=100;w=20`: what is admitted at once and the seconds in which that fills up again.':
    {
      ru: 'Пределы ключа: `"calls";q=10;w=60` и `"budget-day";q=5000000;qu="micro-usd";w=86400`. У бюджета на месяц окно не указано. Если вызов отклонён до обращения к счёту — `"requests";q=600;w=2` или `"free-calls";q=100;w=20`: сколько допускается сразу и за сколько секунд это количество восстанавливается.',
      zh: '密钥的限制：`"calls";q=10;w=60` 和 `"budget-day";q=5000000;qu="micro-usd";w=86400`。按月预算不写窗口。若调用在查询账户之前即被拒绝，则为 `"requests";q=600;w=2` 或 `"free-calls";q=100;w=20`：可立即放行的数量，以及恢复到该数量所需的秒数。',
    },
  'The content encodings that are accepted, after unsupported_content_encoding.': {
    ru: 'Принимаемые виды сжатия, после unsupported_content_encoding.',
    zh: '可接受的内容编码，出现于 unsupported_content_encoding 之后。',
  },
  'The method that the path takes.': {
    ru: 'Метод, который принимает путь.',
    zh: '此路径所用的方法。',
  },
  'How to authenticate.': { ru: 'Как подтвердить доступ.', zh: '如何进行认证。' },
};

export const API_TEXTS: Translations = {
  ...FRAME,
  ...CONVERSATIONS,
  ...OPERATIONS,
  ...MODELS,
  ...ACCOUNT,
  ...STATUSES,
  ...ERRORS,
  ...HEADERS,
};
