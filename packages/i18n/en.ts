/** English. Its keys are the shape that every other language has to fill. */

/** Joins a formatted count with its noun. */
function counted(count: string, one: string, many: string): string {
  return `${count} ${count === '1' ? one : many}`;
}

/** The values in the text of a notification. All are formatted; those a kind lacks are empty. */
type NotificationData = Readonly<{ key: string; model: string; amount: string; budget: string }>;

export const en = {
  nav: {
    overview: 'Overview',
    usage: 'Usage',
    calls: 'Calls',
    keys: 'API keys',
    topUp: 'Add credits',
    transactions: 'Statement',
    notifications: 'Alerts',
    playground: 'Playground',
    security: 'Security',
    privacy: 'Your data',
  },
  layout: {
    skipToContent: 'Skip to content',
    mainMenu: 'Main menu',
    signIn: 'Sign in',
    signUp: 'Sign up',
    signOut: 'Sign out',
    language: 'Language',
    notFound: 'Page not found',
    unexpectedError: 'Something went wrong on our end. Your request wasn’t saved.',
    save: 'Save',
    saved: 'Saved.',
    cancel: 'Cancel',
    yes: 'Yes',
    no: 'No',
    none: 'None',
    unlimited: 'Unlimited',
    optional: 'optional',
    older: 'Older',
    newest: 'Newest',
    download: 'Download CSV',
    tooManyAttempts: (seconds: number) =>
      `Too many attempts. Try again in ${counted(String(seconds), 'second', 'seconds')}.`,
  },
  landing: {
    title: 'One prepaid balance for the AI models you use',
    description:
      'Farebox is a gateway to OpenAI, Anthropic, Google, xAI, DeepSeek and other providers. You need one API key and one balance in US dollars, and you keep the SDK or coding agent you already use.',
    points: [
      'You pay in advance. Your balance never goes below zero, whatever happens to a call.',
      'Every call has an itemized cost: the provider’s own token counts at that day’s prices, and why it cost what it did.',
      'Your prompts and the models’ responses pass through and aren’t stored. We keep only the model, token counts, time and status.',
    ],
    signUp: 'Sign up',
    signIn: 'Sign in',
    endpoint: 'API endpoint',
    endpointText:
      'Use the first URL as the base URL in the OpenAI SDKs, and the second in the Anthropic SDKs:',
    firstCall: 'Your first call',
    firstCallText: 'Sign up, create an API key, put it in this example, and run it:',
    exampleMessage: 'Hello',
  },
  signUp: {
    title: 'Sign up',
    intro:
      'We’ll email you a link to verify your address. Your account is created once you open it and enter your password.',
    email: 'Email address',
    password: 'Password',
    passwordHint:
      'At least 12 characters; longer is better. Any characters work, including spaces.',
    submit: 'Sign up',
    haveAccount: 'Already have an account? Sign in',
    checkEmailTitle: 'Check your email',
    checkEmailText:
      'We sent an email to the address you entered. Open the link in it and enter your password to sign in. The link expires in 1 hour.',
    checkEmailHint:
      'Didn’t get it? Check your spam folder, or sign up again with the correct address.',
    confirmTitle: 'Verify your email',
    confirmIntro: 'Enter the password you chose when you signed up to create your account.',
    confirm: 'Verify and sign in',
    notYou: 'Didn’t sign up? You can safely ignore this page.',
    signUpAgain: 'Sign up again',
    errors: {
      email_invalid: 'Enter a valid email address, such as name@example.com.',
      language_invalid: 'Choose a language at the bottom of the page and try again.',
      password_too_short: 'This password is too short. Use at least 12 characters.',
      password_too_long: 'This password is too long. Use at most 128 characters.',
      password_breached: 'This password has appeared in a data breach. Choose a different one.',
      password_too_simple:
        'This password is too easy to guess (a keyboard pattern, a repetition, or your own email address). Choose a different one.',
      incorrect_password: 'This isn’t the password you chose when you signed up.',
      token_invalid: 'This link has expired or was already used.',
    },
  },
  signIn: {
    title: 'Sign in',
    email: 'Email address',
    password: 'Password',
    submit: 'Sign in',
    forgot: 'Forgot your password?',
    noAccount: 'No account yet? Sign up',
    wrongCredentials: 'Incorrect email or password.',
    done: {
      signed_out: 'You’re signed out.',
      password_reset:
        'Your password was changed and all sessions were ended. Sign in with your new password.',
      expired: 'Your sign-in expired, or there were too many attempts. Sign in again.',
    },
    twoFactorTitle: 'Two-factor authentication',
    twoFactorIntro: 'Enter a code or use a passkey to finish signing in.',
    code: 'Authentication code',
    codeHint: 'The six-digit code from your authenticator app.',
    codeSubmit: 'Verify',
    codeWrong: 'This code is incorrect or was already used. Wait for the next one and try again.',
    passkey: 'Use a passkey or security key',
    passkeyWrong: 'This passkey or security key wasn’t accepted.',
    passkeyTitle: 'Use your passkey or security key',
    passkeyIntro: 'Follow your browser’s prompt. If nothing appears, select “Try again”.',
    passkeyFailed: 'Your browser didn’t finish. Try again, or go back.',
    passkeyRetry: 'Try again',
    passkeyNeedsScript: 'Passkeys need JavaScript, which is turned off in your browser.',
    recovery: 'Can’t use either?',
    recoveryCode: 'Recovery code',
    recoveryHint: 'Sixteen characters, such as 7K2M-9QXT-0ABC-DEFG. Each code works once.',
    recoverySubmit: 'Use recovery code',
    recoveryWrong: 'Invalid or already used recovery code.',
    startOver: 'Start over',
    reauthTitle: 'Confirm it’s you',
    reauthIntro:
      'For your security, confirm your identity to continue. We won’t ask again for 15 minutes.',
    factorIntro:
      'This changes how your account is protected, so your password is not enough. Use a second factor or a recovery code. We won’t ask again for 15 minutes.',
    reauthSubmit: 'Continue',
    passwordWrong: 'Incorrect password.',
    rateLimitedTitle: 'Too many attempts',
    goBack: 'Go back',
    retryAfter: (minutes: number) =>
      `Try again in ${counted(String(minutes), 'minute', 'minutes')}.`,
  },
  challenge: {
    intro:
      'There are unusually many attempts right now. To keep automated ones out, your browser does a short calculation, which takes a few seconds. Fill in the form again to continue.',
    working: 'One moment: your browser is still calculating…',
    done: 'Calculation done.',
    sentLater:
      'The calculation needs JavaScript, which is turned off in your browser. Without it, we send the email about 30 minutes later.',
    sendLater: 'Continue, and send the email later',
    wait: (minutes: number) =>
      `The calculation needs JavaScript, which is turned off in your browser. Turn it on, or try again in ${counted(String(minutes), 'minute', 'minutes')}.`,
    delayed:
      'The email is on hold for about 30 minutes, because there are unusually many requests.',
  },
  recovery: {
    title: 'Reset your password',
    intro: 'Enter your email and we’ll send you a link to reset your password.',
    submit: 'Send link',
    checkEmailTitle: 'Check your email',
    checkEmailText:
      'If an account uses this address, we sent it an email with a reset link. The link expires in 30 minutes.',
    checkEmailHint:
      'Didn’t get it? Check your spam folder, and make sure you entered the address you signed up with.',
    resetTitle: 'Choose a new password',
    resetIntro:
      'All sessions on your account will be ended. You then sign in with the new password.',
    newPassword: 'New password',
    resetSubmit: 'Change password',
    resetInvalid: 'This link has expired or was already used.',
    resetRequestAgain: 'Request a new link',
    emailTitle: 'Confirm your new email address',
    emailIntro: 'Confirm to make this the email address of your account.',
    emailSubmit: 'Confirm new address',
    emailDone: 'Your email address was changed. Use it to sign in from now on.',
    emailContinue: 'Go to your account',
    emailInvalid:
      'This link has expired or was already used, or another account now uses this address.',
  },
  security: {
    title: 'Security',
    done: {
      password_changed:
        'Your password was changed. All other sessions were ended, and this one was renewed.',
      email_requested:
        'We sent a link to the new address. Your email address changes once you open the link and confirm.',
      session_ended: 'The session was ended.',
      other_sessions_ended: 'All other sessions were ended.',
      totp_removed: 'The authenticator app was removed.',
      passkey_added: 'The passkey was added.',
      passkey_removed: 'The passkey was removed.',
      totp_added: 'The authenticator app was set up.',
    },
    email: 'Email address',
    emailChange: 'Change email address',
    emailBounced: (since: string) =>
      `Our email to this address bounced on ${since}. You won’t receive security alerts until you change the address. If the address is correct, contact support.`,
    emailComplained: (since: string) =>
      `An email from us to this address was reported as spam on ${since}, so we stopped sending to it. Change the address, or contact support.`,
    password: 'Password',
    passwordChange: 'Change password',
    twoFactor: 'Two-factor authentication',
    twoFactorText:
      'You’re asked for a second factor after your password, so that a stolen password isn’t enough to sign in.',
    totp: 'Authenticator app',
    passkeys: 'Passkeys and security keys',
    codes: 'Recovery codes',
    on: 'set up',
    off: 'not set up',
    count: (count: number) => `${count}`,
    remaining: (count: number) => `${count} remaining`,
    sessions: 'Active sessions',
    sessionsText:
      'Where your account is signed in. We don’t store IP addresses or browser names, so we can only show times.',
    signedInAt: 'Signed in',
    lastActive: 'Last active',
    currentSession: 'Current session',
    endSession: 'End',
    endSessionStarted: (startedAt: string) => `End the session started on ${startedAt}`,
    endOtherSessions: 'End all other sessions',
    back: 'Back to Security',
    passwordTitle: 'Change password',
    passwordIntro:
      'All other sessions will be ended, and we’ll email you that your password was changed.',
    currentPassword: 'Current password',
    newPassword: 'New password',
    currentWrong: 'Incorrect password.',
    emailTitle: 'Change email address',
    emailIntro:
      'We’ll send a link to the new address. Your email address changes once you open the link and confirm, and we’ll notify the old address.',
    currentEmail: (email: string) => `Current address: ${email}`,
    newEmail: 'New email address',
    emailSubmit: 'Send link',
    totpTitle: 'Authenticator app',
    totpIntro: 'An authenticator app on your phone shows a new six-digit code every 30 seconds.',
    totpSetUp: 'Set up',
    totpEnabled:
      'Your authenticator app is set up. If you remove it, we’ll no longer ask for its codes.',
    totpRemove: 'Remove authenticator app',
    totpScan: 'Scan the QR code with your app',
    totpQr: 'QR code with the secret for your authenticator app',
    totpManualEntry: 'Can’t scan it? Enter this secret in the app:',
    totpOpenApp: 'Open in an app on this device',
    totpCode: 'Code from your app',
    totpConfirm: 'Verify',
    totpWrong: 'Incorrect code. Make sure the time on your phone is correct, and try again.',
    passkeysTitle: 'Passkeys and security keys',
    passkeysIntro:
      'A passkey is stored on your phone, computer or security key, or in your password manager, and works only on this site.',
    passkeysNone: 'You don’t have any passkeys yet.',
    passkeyName: 'Name',
    passkeyNameHint: 'Helps you recognize it, such as “blue key” or “phone”.',
    passkeyAdd: 'Add passkey',
    passkeyAdded: 'Added',
    passkeyUsed: 'Last used',
    passkeyNeverUsed: 'never',
    passkeyRemove: 'Remove',
    passkeyRemoveOne: (name: string) => `Remove ${name}`,
    passkeyAddTitle: 'Add a passkey',
    passkeyInvalid:
      'The passkey couldn’t be added. It may already be added, or it took too long. Try again.',
    passkeyNameTooLong: 'This name is too long. Use at most 64 characters.',
    codesTitle: 'Recovery codes',
    codesIntro:
      'Use a recovery code to sign in if you lose your device. Each works once. Generating new codes replaces the old ones.',
    codesNone: 'Set up two-factor authentication first.',
    codesGenerate: 'Generate new codes',
    codesShownTitle: 'Your recovery codes',
    codesShown:
      'These codes are shown only once. Keep them apart from your phone and computer: on paper, or in a password manager.',
    codesCopy: 'Copy',
    codesCopied: 'Copied.',
    codesDownload: 'Download as a text file',
    codesFileHeader: 'Farebox recovery codes. Each works once.',
    codesSaved: 'I’ve saved them',
  },
  overview: {
    balance: 'Balance',
    heldByCalls: (calls: string) => `Reserved for calls in progress (${calls})`,
    available: 'Available',
    dailySpend: 'Daily spend',
    dailySpendHint: 'average of the last 7 full days',
    spentToday: 'Spent today',
    runway: 'Estimated to last',
    runwayDays: (days: string) => counted(days, 'day', 'days'),
    runwayOverYear: 'more than a year',
    runwayUnknown: 'no spending in the last 7 days',
    freshness:
      'Your balance is live. Charts and lists are updated a few seconds after a call ends.',
    pendingEntries: (entries: string) =>
      `${counted(entries, 'recent transaction', 'recent transactions')} not yet shown in charts and lists.`,
    frozen: 'This account is frozen, so calls are refused. Contact support.',
    chart: 'Spend over the last 14 days (USD, days in UTC)',
    chartSummary: (total: string, highest: string, day: string) =>
      `Total ${total}. Highest day: ${highest} on ${day}. Today isn’t over yet and is shown hatched.`,
    chartEmpty: 'No spending in the last 14 days.',
    moreUsage: 'Usage by day, model and key',
    latestCalls: 'Latest calls',
    allCalls: 'View all calls',
    needsAttention: 'Needs your attention',
    keyPaused: (key: string, spent: string) =>
      `“${key}” is paused after unusual spending: ${spent} today.`,
    reviewAndResume: 'Review and resume',
    getStarted: 'Get started',
    getStartedText:
      'You haven’t made any calls yet. Create an API key, put it in this example, and run it:',
    createKey: 'Create API key',
    endpoint: 'API endpoint',
    endpointText: 'Use this base URL in the OpenAI SDKs. In the Anthropic SDKs, leave out /v1:',
  },
  usage: {
    from: 'From',
    to: 'To',
    groupBy: 'Group by',
    show: 'Show',
    day: 'Day',
    model: 'Model',
    key: 'API key',
    calls: 'Calls',
    input: 'Input tokens',
    output: 'Output tokens',
    charged: 'Charged',
    total: 'Total',
    chart: {
      day: 'Charges by day (USD)',
      model: 'Charges by model (USD)',
      key: 'Charges by API key (USD)',
    },
    chartSummary: (total: string, calls: string, largest: string, amount: string) =>
      `${total} for ${counted(calls, 'call', 'calls')}. Highest: ${largest}, ${amount}.`,
    table: (from: string, to: string) => `${from} to ${to}, days in UTC`,
    empty: 'No calls in this period.',
    invalidRange: 'Choose a valid date range of up to 366 days.',
    freshness: 'Only calls that have ended are included. They appear a few seconds after they end.',
    moreRows: (remaining: string) => `${remaining} more in the table.`,
    deletedKey: (id: string) => `key ${id}`,
  },
  calls: {
    filter: 'Filter',
    key: 'API key',
    model: 'Model',
    outcome: 'Outcome',
    all: 'All',
    succeeded: 'Succeeded',
    failed: 'Failed',
    from: 'From',
    to: 'To',
    time: 'Time',
    status: 'Status',
    tokens: 'Tokens in / out',
    cost: 'Cost',
    empty: 'No calls match these filters.',
    table: 'Calls, newest first',
    inProgress: (calls: string) =>
      `${counted(calls, 'call', 'calls')} in progress (not shown yet).`,
    export: 'Download these calls as CSV',
    exportTitle: 'Download calls as CSV',
    exportText: (max: string) => `Each file holds up to ${max} calls, newest first.`,
    downloadPart: (number: string) => `Download part ${number}`,
    nextPart: 'Next part',
    lastPart: 'This is the last part.',
    title: 'Call details',
    id: 'Request ID',
    provider: 'Provider',
    dialect: 'API',
    dialects: {
      chat: 'Chat Completions',
      messages: 'Messages',
      responses: 'Responses',
      gemini: 'Gemini API',
      embeddings: 'Embeddings',
      images: 'Image generation',
      image_edits: 'Image editing',
      speech: 'Speech',
      transcriptions: 'Transcription',
      translations: 'Translation of speech',
      moderations: 'Moderation',
      rerank: 'Reranking',
    },
    streamed: 'Streamed',
    httpStatus: 'HTTP status',
    priceRule: 'Price rule',
    providerCost: 'Provider’s stated cost',
    startedAt: 'Started',
    settledAt: 'Settled',
    chargeReason: 'How this was charged',
    costBreakdown: 'Cost breakdown',
    costTable: 'Quantity × price',
    item: 'Item',
    quantity: 'Quantity',
    price: 'USD per million',
    providerPrice: 'Provider’s price',
    atProviderPrices: 'At the provider’s own prices',
    margin: (percent: string) => `our margin on them: ${percent}%`,
    amount: 'Amount',
    buckets: {
      input_uncached: 'Input',
      cache_read: 'Cache read',
      cache_write_5m: 'Cache write (5 minutes)',
      cache_write_30m: 'Cache write (30 minutes)',
      cache_write_1h: 'Cache write (1 hour)',
      cache_write_12h: 'Cache write (12 hours)',
      output: 'Output',
    },
    reasoning: (tokens: string) => `including ${tokens} reasoning`,
    surcharges: {
      web_search: 'Web searches',
      grounded_prompt: 'Answers with search results',
      maps_grounded_prompt: 'Answers with Google Maps results',
      x_search: 'X searches',
      code_execution: 'Code executions',
      file_search: 'File searches',
      document_search: 'Document searches',
      audio_input: 'Audio input',
      audio_cache_read: 'Audio cache read',
      audio_output: 'Audio output',
      image_output: 'Image output',
      image_input: 'Image input',
      image_cache_read: 'Image cache read',
      image: 'Images',
      source_image: 'Source images',
      audio_second: 'Seconds of audio',
      speech_character: 'Characters spoken',
      rerank: 'Rankings',
      compaction_input: 'Compaction: input',
      compaction_cache_read: 'Compaction: cache read',
      compaction_cache_write: 'Compaction: cache write',
      compaction_cache_write_1h: 'Compaction: cache write (1 hour)',
      compaction_output: 'Compaction: output',
    },
    total: 'Total',
    rounded: 'rounded up once, to a billionth of a dollar',
    estimateAdjustment:
      'Adjustment: estimates stay within the amount reserved for the call and at or above the last usage update',
    charged: 'Charged',
    waived: 'Waived (balance was too low)',
    noUsage: 'No usage was recorded for this call.',
  },
  transactions: {
    intro:
      'Credits and adjustments on your balance. Charges for calls are totaled by day below, and each call has its own cost breakdown.',
    kind: 'Type',
    credit: 'Credit',
    adjustment: 'Adjustment',
    time: 'Time',
    amount: 'Amount',
    balanceAfter: 'Balance after',
    fee: (amount: string) => `fee ${amount}`,
    id: 'Reference',
    table: 'Credits and adjustments, newest first',
    empty: 'No credits yet.',
    days: 'Charges by day',
    daysTable: 'Charges in the last 31 days, in UTC',
    day: 'Day',
    calls: 'Calls',
    charged: 'Charged',
    daysEmpty: 'No charges in the last 31 days.',
    callsOnDay: (day: string) => `Calls on ${day}`,
  },
  notifications: {
    lowBalance: 'Low balance',
    lowBalanceText:
      'We’ll notify you once when your balance drops below this amount, and again if it recovers and then drops below it.',
    threshold: 'Notify me below (USD)',
    thresholdHint: 'For example, 5 or 2.50. Up to 9 decimals. Leave empty to turn off.',
    thresholdInvalid: 'Enter an amount such as 5 or 2.50, or leave the field empty.',
    emailPreferences: 'Email preferences',
    emailPreferencesText:
      'Security emails (sign-in, password, a paused or leaked key) can’t be turned off.',
    consents: {
      balance: 'Email me when my balance is low',
      keys: 'Email me when a key first uses an expensive model, its spending spikes, or a budget runs low',
    },
    turnedOn: (since: string) => `Turned on: ${since}.`,
    turnedOff: (since: string) => `Turned off: ${since}.`,
    isDefault: 'This is the default. You haven’t changed it.',
    on: 'On',
    off: 'Off',
    turnOn: 'Turn on',
    turnOff: 'Turn off',
    consentSaved: 'Saved. You’ll find a receipt under “Your data”.',
    openNotifications: 'Notifications',
    none: 'No open notifications.',
    dismiss: 'Dismiss',
    dismissed: 'Notification dismissed.',
    viewKey: 'View key',
    kinds: {
      low_balance: (data: NotificationData) => `Your balance dropped to ${data.amount}.`,
      expensive_model: (data: NotificationData) =>
        `“${data.key}” used an expensive model (${data.model}) for the first time.`,
      unusual_spending: (data: NotificationData) =>
        `“${data.key}” spent ${data.amount} in a day, far more than usual.`,
      key_paused: (data: NotificationData) =>
        `“${data.key}” was paused after spending ${data.amount} in a day.`,
      key_leaked: (data: NotificationData) =>
        `“${data.key}” was found in a public place and was revoked.`,
      budget_low: (data: NotificationData) =>
        `“${data.key}” has used 80% of its ${data.budget}: ${data.amount}.`,
      budget_reached: (data: NotificationData) =>
        `“${data.key}” has used up its ${data.budget}: ${data.amount} spent, and calls that need more are refused.`,
    },
    unknownKind: 'There is a notification about your account.',
  },
  playground: {
    intro:
      'Your browser calls the API directly. The key you enter stays on this page: it is never sent to the console and is cleared when you leave.',
    noScript: 'The playground needs JavaScript, because your browser makes the calls.',
    key: 'Your API key',
    keyHint: 'Starts with fbx_.',
    model: 'Model',
    limit: 'Maximum output tokens',
    message: 'Message',
    send: 'Send',
    stop: 'Stop',
    clear: 'Clear',
    conversation: 'Conversation',
    you: 'You',
    states: {
      cost: 'Cost of the last response: {cost} (request ID {id})',
      waiting: 'Waiting for a response…',
      writing: 'Receiving the response…',
      done: 'Done.',
      stopped: 'Stopped. You’re charged for what was generated so far.',
      failed: 'The API returned an error:',
      connectionLost: 'The connection to the API was lost.',
      noKey: 'Enter your API key first.',
      noMessage: 'Enter a message first.',
      noModels: 'The list of models couldn’t be loaded.',
    },
    viewCostBreakdown: 'View cost breakdown',
  },
  reasons: {
    provider_reported: 'You were charged for the usage the provider reported.',
    estimated_after_disconnect:
      'The call was interrupted before the provider reported usage. We counted what had been generated by then and charged for it.',
    estimated_after_upstream_cut:
      'The provider cut off its response. We counted what had arrived by then and charged for it.',
    estimated_usage_missing:
      'The provider reported no usage. We counted it ourselves and charged for that.',
    estimated_usage_implausible:
      'The provider reported more usage than this call can have had. We counted it ourselves and charged for that instead.',
    counted:
      'The provider doesn’t report usage here. You were charged by its unit, which we counted.',
    waived_empty: 'The response was empty. You weren’t charged.',
    waived_upstream_error:
      'The provider failed or turned the call away before it sent anything. You weren’t charged.',
    upstream_refused: 'The provider rejected the request. You weren’t charged.',
    refused_without_output:
      'The model refused before generating anything, and the provider doesn’t bill that. You weren’t charged.',
    not_sent: 'The call never reached a provider. You weren’t charged.',
    free: 'What you used has no price. You weren’t charged.',
    expired_unsettled: 'We never received the result of this call. You weren’t charged.',
    expired_at_checkpoint:
      'We never received the result of this call. You were charged for what had been generated by the last usage update.',
    none: 'No reason was recorded.',
  },
  emails: {
    greeting: 'Hello,',
    ignoreIfNotYou:
      'If this wasn’t you, you can ignore this email. Nothing changes unless the link is used.',
    actIfNotYou:
      'If this wasn’t you, change your password right away and review your API keys and sessions.',
    recipientReason:
      'You’re receiving this email because this address belongs to a Farebox account, or was entered to create one or to be used for one.',
    unsubscribe: 'To unsubscribe from emails of this kind, open this link:',
    confirm_sign_up: {
      subject: 'Verify your email address',
      lines: [
        'Verify your email to finish creating your Farebox account: open the link and enter the password you chose.',
        'This link expires in 1 hour and can be used once.',
      ],
      action: 'Verify email',
    },
    already_signed_up: {
      subject: 'You already have an account',
      lines: [
        'A sign-up to Farebox was requested with this address. It already has an account, so nothing was changed.',
        'You can sign in. If you forgot your password, you can reset it from the sign-in page.',
      ],
      action: 'Sign in',
    },
    reset_password: {
      subject: 'Reset your password',
      lines: [
        'A password reset was requested for your Farebox account.',
        'This link expires in 30 minutes and can be used once. All sessions are ended when you set a new password.',
      ],
      action: 'Reset password',
    },
    confirm_new_email: {
      subject: 'Confirm your new email address',
      lines: [
        'A Farebox account asked to change its email address to this one.',
        'This link expires in 30 minutes and can be used once.',
      ],
      action: 'Confirm new address',
    },
    email_changed: {
      subject: 'Your email address was changed',
      lines: (masked: string) => [
        `The email address of your Farebox account was changed to ${masked}. This address no longer receives account email.`,
        'If you didn’t make this change, reply to this email immediately.',
      ],
      action: 'Review security settings',
    },
    password_changed: {
      subject: 'Your password was changed',
      lines: (at: string) => [`The password of your Farebox account was changed on ${at}.`],
      action: 'Review security settings',
    },
    new_device: {
      subject: 'New sign-in to your account',
      lines: (at: string) => [`Your Farebox account was signed in to from a new browser on ${at}.`],
      action: 'Review sessions',
    },
    second_factor_changed: {
      subject: 'Your two-factor authentication was changed',
      lines: (at: string) => [
        `An authenticator app, a passkey or the recovery codes of your Farebox account were changed on ${at}.`,
      ],
      action: 'Review security settings',
    },
    recovery_code_used: {
      subject: 'A recovery code was used',
      lines: (remaining: number) => [
        'A recovery code was used to sign in to your Farebox account.',
        `Recovery codes remaining: ${remaining}.`,
      ],
      action: 'Generate new codes',
    },
    low_balance: {
      subject: 'Your balance is low',
      lines: (balance: string, threshold: string) => [
        `Your Farebox balance is ${balance}, below your alert threshold of ${threshold}.`,
        'When it reaches zero, calls are refused.',
      ],
      action: 'View balance',
    },
    expensive_model: {
      subject: 'An API key used an expensive model',
      lines: (keyName: string, model: string) => [
        `Your API key “${keyName}” used the model ${model} for the first time.`,
        'If this wasn’t you, revoke the key now.',
      ],
      action: 'Review API keys',
    },
    unusual_spending: {
      subject: 'Unusual spending on an API key',
      lines: (keyName: string, spent: string) => [
        `Your API key “${keyName}” has spent ${spent} today, far more than usual.`,
        'If this wasn’t you, revoke the key now.',
      ],
      action: 'Review API keys',
    },
    key_paused: {
      subject: 'An API key was paused',
      lines: (keyName: string, spent: string) => [
        `Your API key “${keyName}” was paused: it has spent ${spent} today, more than the limit at which it pauses. Its calls are refused until tomorrow (UTC), or until you resume it.`,
        'If this wasn’t you, revoke the key.',
      ],
      action: 'Review API keys',
    },
    budget_low: {
      subject: 'An API key has used 80% of a budget',
      lines: (keyName: string, spent: string, budget: string) => [
        `Your API key “${keyName}” has used 80% of its ${budget}: ${spent} so far.`,
        'When the budget is used up, the key’s calls are refused.',
      ],
      action: 'Review API keys',
    },
    budget_reached: {
      subject: 'An API key has used up a budget',
      lines: (keyName: string, spent: string, budget: string) => [
        `Your API key “${keyName}” has used up its ${budget}: it has spent ${spent}, and calls that need more are refused.`,
        'A budget by day, week or month resets by itself. You can change it at any time.',
      ],
      action: 'Review API keys',
    },
    key_leaked: {
      subject: 'An API key was found in public and revoked',
      lines: (keyName: string, last4: string) => [
        `Your API key “${keyName}”, ending in ${last4}, was found in a public place. We revoked it immediately.`,
        'Create a new key, and check your calls for any you didn’t make.',
      ],
      action: 'Review API keys',
    },
    account_deleted: {
      subject: 'Your account was deleted',
      lines: (at: string) => [
        `Your Farebox account was deleted on ${at}. Its API keys no longer work, and this address has been erased.`,
        'This is our last email to this address.',
      ],
    },
  },
  unsubscribe: {
    title: 'Email preferences',
    questions: {
      balance: 'Unsubscribe from low-balance emails?',
      keys: 'Unsubscribe from emails about expensive models, unusual spending and budgets?',
    },
    submit: 'Unsubscribe',
    done: 'You’re unsubscribed. You’ll find a receipt under “Your data”.',
    turnBackOn: 'You can turn these emails back on under “Alerts”.',
    invalid: 'This link is incomplete or invalid.',
  },
  keys: {
    intro: 'API keys let your apps spend from this balance. Each key can have its own limits.',
    none: 'You don’t have any API keys yet.',
    create: 'Create API key',
    revokedKeys: (count: string) => `Revoked keys: ${count}`,
    keySuffix: 'Key',
    created: 'Created',
    states: { active: 'Active', paused: 'Paused since', expired: 'Expired', revoked: 'Revoked' },
    spent: 'Spent',
    ofLimit: 'of',
    held: 'Reserved for calls in progress',
    spentToday: 'Spent today (UTC)',
    dailyAverage: 'Daily average',
    dailyAverageUnknown: 'not enough data yet',
    budget: 'Spending limit',
    periodBudgets: { day: 'Daily budget', week: 'Weekly budget', month: 'Monthly budget' },
    periodSpent: {
      day: 'Spent today (UTC), of the budget',
      week: 'Spent this week',
      month: 'Spent this month',
    },
    budgetNames: {
      day: 'daily budget',
      week: 'weekly budget',
      month: 'monthly budget',
      whole: 'spending limit',
    },
    budgetLeft: 'Left:',
    resetsAt: 'resets',
    maxOutputPrice: 'Models up to, per million output tokens',
    expires: 'Expires',
    never: 'never',
    models: 'Models',
    allModels: 'All models',
    onlyModels: 'Only these:',
    allModelsCleared: 'All models, and clear the selection below',
    otherModels: 'Other models',
    otherModelsHint: 'One per line, as provider/model.',
    perMinute: 'Calls per minute',
    concurrent: 'Concurrent calls',
    emptyIsNone: 'Leave empty for no limit.',
    spendGuard: 'Unusual-spending protection',
    spendGuardText:
      'Compares today’s spending with this key’s daily average, which counts as at least $2. The key is only paused once it has 3 earlier days with spending.',
    alertMultiple: 'Email me at (× daily average)',
    pauseMultiple: 'Pause key at (× daily average)',
    multipleHint: 'For example, 5. At least 1. Leave empty to turn off.',
    off: 'off',
    timesDailyAverage: (multiple: string) => `${multiple}× daily average`,
    name: 'Name',
    nameHint: 'Helps you recognize the key.',
    firstName: (number: number) => `Key ${number}`,
    budgetField: 'Spending limit (USD)',
    budgetHint:
      'Total this key can ever spend, such as 20 or 2.50. Leave empty for no limit other than your balance.',
    periodBudgetFields: {
      dayBudget: 'Daily budget (USD)',
      weekBudget: 'Weekly budget (USD)',
      monthBudget: 'Monthly budget (USD)',
    },
    periodBudgetHints: {
      dayBudget: 'Resets at midnight UTC. Leave empty for none.',
      weekBudget: 'Resets on Monday at midnight UTC. Leave empty for none.',
      monthBudget: 'Resets on the first of each month at midnight UTC. Leave empty for none.',
    },
    maxOutputPriceField: 'Highest model price (USD per million output tokens)',
    maxOutputPriceHint:
      'The key can’t call models that cost more than this at the time of the call. Leave empty for any model.',
    expiresField: 'Expires (UTC)',
    expiresHint: 'Leave empty for no expiration.',
    newTitle: 'Create API key',
    keyCreated: 'API key created.',
    newKeyTitle: 'Your API key',
    newKeyText:
      'The key is shown only once: we store only a hash of it. Copy it to where your app reads it, and never put it in a public place.',
    copy: 'Copy',
    copied: 'Copied.',
    keySaved: 'I’ve saved my key',
    newKeyLimits: 'What this key can do',
    readAccess:
      'Every key can also read this account’s balance and the details of its calls (models, tokens and costs, never content). Keep this in mind when you give a key to someone else.',
    alreadySubmittedTitle: 'This form can’t be submitted again',
    alreadySubmittedText:
      'This form was already submitted, or is more than an hour old. If it was submitted, the key was shown then and can’t be shown again. If you didn’t save it, rotate or revoke it.',
    back: 'Back to API keys',
    edit: 'Edit name and limits',
    editTitle: (name: string) => `Edit “${name}”`,
    roll: 'Rotate key',
    rollTitle: (name: string) => `Rotate “${name}”`,
    rollText:
      'Creates a new key value. Name, limits and usage stay the same. Choose how long the old key keeps working, so that you have time to replace it.',
    graceLegend: 'Keep the old key working',
    gracePeriods: {
      '0': 'Stop immediately',
      '3600': 'For 1 more hour',
      '86400': 'For 24 more hours',
    },
    rolled: {
      '0': 'Key rotated. The old key no longer works.',
      '3600': 'Key rotated. The old key works for 1 more hour.',
      '86400': 'Key rotated. The old key works for 24 more hours.',
    },
    pausedText:
      'This key was paused because it spent far more than usual today. Its calls are refused until tomorrow (UTC), or until you resume it.',
    resume: 'Resume',
    resumeTitle: (name: string) => `Resume “${name}”`,
    resumeText:
      'The key’s calls are accepted again, and it won’t be paused again before tomorrow (UTC). If these calls weren’t yours, revoke the key instead.',
    revoke: 'Revoke',
    revokeTitle: (name: string) => `Revoke “${name}”`,
    revokeText:
      'The key stops working immediately and permanently. Calls in progress will be ended soon after.',
    viewCalls: 'View calls',
    done: {
      changed: 'Saved. Changes apply from the next call.',
      revoked: 'Key revoked.',
      resumed: 'Key resumed.',
      limit_reached: 'You’ve reached the limit of 100 keys. Revoke one first.',
    },
    errors: {
      form: 'Some fields need your attention. See below.',
      refused: 'This couldn’t be done right now. Try again.',
      name: 'Enter a name of 1 to 64 characters.',
      budget: 'Enter an amount such as 20 or 2.50, or leave the field empty.',
      dayBudget: 'Enter an amount such as 5 or 2.50, or leave the field empty.',
      weekBudget: 'Enter an amount such as 20 or 2.50, or leave the field empty.',
      monthBudget: 'Enter an amount such as 50 or 2.50, or leave the field empty.',
      maxOutputPrice: 'Enter a price such as 10 or 2.50, or leave the field empty.',
      expires: 'Enter a time in the future, or leave the field empty.',
      scope:
        'You selected models but left “All models” on. Choose “Only these”, or clear the selection.',
      models: 'Choose at least one model (and at most 500), or all models.',
      otherModels: 'At least one of these isn’t a model we know. Enter them as provider/model.',
      perMinute: 'Enter a whole number from 1 to 1,000,000, or leave the field empty.',
      concurrent: 'Enter a whole number from 1 to 1,000,000, or leave the field empty.',
      alertMultiple: 'Enter a number of at least 1, or leave the field empty.',
      pauseMultiple: 'Enter a number of at least 1, or leave the field empty.',
    },
  },
  topUp: {
    intro:
      'Send USDT to your own deposit address. It is yours permanently: there is no exact amount to match and no time limit, and you can use it as often as you like.',
    chooseNetwork: 'Choose a network',
    networkUnavailable: 'currently unavailable',
    noDeposits: 'No deposits yet.',
    detectedAt: 'Detected',
    network: 'Network',
    state: 'Status',
    credited: 'Credited',
    transaction: 'Transaction',
    deposits: 'Your deposits',
    address: 'Your deposit address',
    otherNetwork: 'All networks',
    copyAddress: 'Copy address',
    addressCopied: 'Address copied.',
    contract: 'Token contract',
    contractNote:
      'This is how wallets identify USDT on this network. It is not an address to send to: tokens sent to a contract are lost.',
    contractLink: 'View in a block explorer',
    addressNote: 'The address is yours, doesn’t expire, and can be reused.',
    exchangeFee: 'Your exchange may deduct a fee. We credit the amount that arrives.',
    addressPoisoning:
      'Copy the address from this page, not from your wallet’s history: scammers add look-alike addresses to it.',
    claimTitle: 'Sent USDT but don’t see it?',
    claimText:
      'Paste the transaction hash. If it paid your address, it appears in the list below; if not, we’ll tell you why.',
    claimField: 'Transaction hash',
    claim: 'Find my transfer',
    claimed: 'Transfer found. See the list below.',
    states: {
      pending: 'Pending: waiting for confirmations',
      final: 'Confirmed: adding credits',
      credited: 'Credited',
      dust: 'Below minimum: added once your deposits on this network reach it',
      in_review: 'Under review. Your funds are not lost; contact support.',
      closed: 'On hold: the account is closed',
    },
    addressErrors: {
      not_configured: 'Deposits on this network are not set up.',
      mismatch:
        'Your address couldn’t be verified, so we’re not showing it. Your funds are not lost; contact support.',
      closed: 'This account is closed.',
    },
    claimErrors: {
      malformed: 'Enter a valid transaction hash: 64 characters, digits and letters from a to f.',
      not_found:
        'This transaction wasn’t found on this network. Was it sent on a different one? If you just sent it, wait a minute and try again.',
      failed: 'The transaction failed on the network, so nothing was transferred.',
      wrong_token:
        'This transaction sent a different token to your address. It is not lost, but it isn’t credited automatically. Contact support.',
      not_your_address: 'This transaction sent tokens, but not to your address.',
      no_transfer: 'This transaction didn’t transfer any tokens.',
      network_unavailable:
        'The network can’t be checked reliably right now. Try again in a few minutes.',
      chain_halted:
        'Deposits on this network are paused while we look into a problem. Your funds are not lost.',
    },
    onlyToken: (network: string) =>
      `Send only USDT on ${network}. Anything else sent to this address isn’t credited automatically.`,
    platformFee: (percent: string) => `Fee: ${percent}% of each deposit. The rest is credited.`,
    fee: (amount: string) => `fee ${amount}`,
    minimum: (usdt: string) =>
      `Minimum: ${usdt} USDT. Smaller deposits are credited once together they reach it.`,
    creditTime: (minutes: number) =>
      `Credited about ${counted(String(minutes), 'minute', 'minutes')} after you send it.`,
    networkTitle: (network: string) => `Add credits on ${network}`,
    confirmations: (current: number, required: number) => `${current} of ${required} confirmations`,
    openInWallet: 'Open in a wallet on this device',
    networkStatus: {
      delayed:
        'Deposits on this network are delayed right now. They will still be credited, only later than usual.',
      halted:
        'Deposits on this network are paused while we look into a problem. What you sent is not lost, but don’t send more for now.',
    },
    faucetText: 'You’re running Farebox locally, so a faucet is available.',
    faucet: (usdt: number) => `Get ${usdt} test USDT`,
    faucetPaid: 'Sent. It appears below within a few seconds.',
    claimUnconfirmed: (current: number, required: number) =>
      `This transaction paid you and has ${current} of ${required} confirmations. It will be credited automatically.`,
  },
  privacy: {
    email: 'Email address',
    accountId: 'Account ID',
    balance: 'Balance',
    change: 'Change',
    dataTitle: 'Data we hold about you',
    viewAllData: 'View and export all your data',
    dataIntro:
      'This page lists every table that can hold data about you, what it holds, and for how long. Your prompts and the models’ responses pass through and aren’t stored anywhere.',
    retention: 'Retention',
    json: 'Download everything as JSON',
    csv: 'Download CSV',
    csvForTable: (table: string) => `Download CSV: ${table}`,
    exportHint:
      'Files don’t include hashes, encrypted secrets or the names of operators. Amounts are in billionths of a US dollar. You can download up to 60 files an hour.',
    otherStoresTitle: 'Outside these tables',
    otherStoresText:
      'Your balance and limits are also stored in your account’s own small database, which the export reads for your current balance. Counters that limit guessing are keyed hashes that reveal nothing about you and are deleted within a day.',
    back: 'Back to Your data',
    correctTitle: 'Correct your data',
    correctText:
      'Your email address changes once you confirm it from the new mailbox. Your language changes immediately.',
    language: 'Language',
    consentsTitle: 'Email preferences',
    done: {
      language: 'Saved. See the receipt below.',
      consent: 'Saved. See the receipt below.',
    },
    receipts: 'Receipts',
    receipt: 'Receipt',
    noReceipts: 'No receipts yet.',
    date: 'Date',
    action: 'Action',
    madeBy: 'Made by',
    kinds: {
      consent_given: 'Consent given',
      consent_withdrawn: 'Consent withdrawn',
      data_exported: 'Data exported',
      data_corrected: 'Data corrected',
      account_deleted: 'Account deleted',
    },
    subjects: {
      balance: 'low-balance emails',
      keys: 'emails about API keys',
      all: 'everything',
      email: 'email address',
      language: 'language',
    },
    actors: { person: 'you', operator: 'an operator, on your behalf', link: 'link in an email' },
    deleteTitle: 'Delete account',
    deleteShort:
      'Your API keys stop working immediately and your personal data is erased. The next page shows what is erased and what is kept.',
    deleteLink: 'Delete my account…',
    deleteIntro: 'This is permanent and takes effect immediately:',
    deleteEffects: [
      'All API keys stop working. Calls in progress are still charged.',
      'Your email address, password, two-factor authentication, sessions, key names, notifications and email preferences are erased.',
      'You’re signed out everywhere, and the account can’t be signed in to again. We’ll send you one last email to confirm this.',
      'Money sent to your deposit addresses afterwards can’t be credited. Don’t send anything to them.',
    ],
    balanceTitle: 'Your remaining balance',
    currentBalance: 'Current balance:',
    balanceText:
      'Your balance isn’t refunded automatically: we can’t be sure that any blockchain address is still yours. Spend it first, or contact us before you delete your account, and an operator will check whether and how it can be refunded. After deletion, only your account ID and the receipt can show that it was yours.',
    retainedTitle: 'What we keep',
    retainedText:
      'Singapore law requires financial records to be kept for five years. We therefore keep your balance entries, call metadata and receipts under your random account ID, with nothing that names you.',
    confirmEmail: 'Enter your email address to confirm',
    confirmEmailWrong: 'This isn’t the email address of this account.',
    deleteSubmit: 'Delete my account permanently',
    deletedTitle: 'Your account is deleted',
    deletedNow: 'Your API keys no longer work and your personal data is erased.',
    deletedSoon:
      'Your account is closed and you’re signed out. The rest of the deletion finishes within minutes; you don’t need to do anything.',
    saveDetails:
      'Save these details now. They won’t be shown again, and we need them to answer any question about this account.',
    remainingBalance: 'Remaining balance',
    contactTitle: 'Contact',
    contact: 'For questions about your data and your rights, contact us:',
    contactByReply: 'reply to any email from us.',
    complainTitle: 'Make a complaint',
    complain:
      'Contact us first, so that we can put things right. If you’re not satisfied with our answer, you can complain to the Personal Data Protection Commission of Singapore, using the form on its site:',
    tables: {
      accounts: {
        contents: 'The random ID of your account, and when it was created and deleted.',
        retention: 'as long as the account exists, then five years',
      },
      identities: {
        contents:
          'Your email address, your language, and when the address was verified. The hash of your password is also stored, and isn’t exported.',
        retention: 'until you delete your account',
      },
      sign_ups: {
        contents: 'A sign-up with your address that wasn’t verified.',
        retention: 'until verified, or one hour',
      },
      email_tokens: {
        contents:
          'That a link to reset your password or change your address was sent. Of the link itself, only a hash.',
        retention: 'until the link is used, or 30 minutes',
      },
      sessions: {
        contents: 'Where you’re signed in: times only.',
        retention: 'until you sign out, after 14 days without use, and 90 days at most',
      },
      known_devices: {
        contents: 'That a browser has signed in before: times only.',
        retention: 'until its next sign-in, or one year',
      },
      sign_in_steps: {
        contents: 'A sign-in that is waiting for its second factor.',
        retention: 'ten minutes',
      },
      totp_factors: {
        contents:
          'That an authenticator app is set up, and since when. Its secret is encrypted and isn’t exported.',
        retention: 'until you remove it; one day if it wasn’t confirmed',
      },
      passkeys: {
        contents: 'The names of your passkeys, and when they were added and used.',
        retention: 'until you remove them',
      },
      passkey_challenges: {
        contents: 'A passkey challenge that hasn’t been answered yet.',
        retention: 'five minutes',
      },
      recovery_codes: {
        contents: 'That you have recovery codes, and since when. Of each code, only a hash.',
        retention: 'until used or replaced',
      },
      api_keys: {
        contents:
          'The names, last four characters, limits and times of your API keys. Of each key itself, only a hash.',
        retention: 'until you delete your account',
      },
      ledger_entries: {
        contents: 'Every credit, charge and adjustment on your balance.',
        retention: 'five years, under the account ID',
      },
      calls: {
        contents:
          'For every call: time, model, token counts, prices, cost and status. Never prompts or responses.',
        retention: 'five years, under the account ID',
      },
      usage_days: {
        contents: 'Totals of your calls by day, key and model.',
        retention: 'five years, under the account ID',
      },
      adjustments: {
        contents: 'Adjustments to your balance that operators proposed, and why.',
        retention: 'five years, under the account ID',
      },
      deposit_addresses: {
        contents: 'Your deposit addresses, and which of our public keys each is derived from.',
        retention:
          'permanently, under the account ID, so that money sent there later can still be found',
      },
      deposits: {
        contents:
          'USDT transfers to your addresses, as recorded on the public blockchain, and what happened to them.',
        retention: 'five years, under the account ID',
      },
      deposit_remainders: {
        contents: 'Remainders of your deposits below a billionth of a dollar.',
        retention: 'five years, under the account ID',
      },
      operator_actions: {
        contents: 'When operators viewed or changed your account, and what they did.',
        retention: 'permanently, under the account ID',
      },
      notifications: {
        contents: 'Notifications about your keys and balance.',
        retention: '90 days',
      },
      emails: {
        contents:
          'That an email was sent to you, of which kind, and whether it arrived. Not its text.',
        retention: '90 days',
      },
      email_events: {
        contents: 'What the email provider told us about each of these emails.',
        retention: '90 days',
      },
      suppressions: {
        contents:
          'That your mailbox refused our email, so we no longer send any. The address is stored as a keyed hash.',
        retention: 'permanently, so that we never email it by mistake',
      },
      consents: {
        contents: 'Which kinds of email you agreed to or declined, and since when.',
        retention: 'until you delete your account',
      },
      receipts: {
        contents: 'That you exercised a right, and when.',
        retention: 'five years, under the account ID',
      },
    },
  },
};

export type Messages = typeof en;
