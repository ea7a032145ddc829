/**
 * The columns of a call's metadata: one line for each property of `CallMetadata`, from which the
 * SQL of the account object, the settlement message, the comparison of repeated settlements, the
 * rows of Postgres and the CSV export are made. A property without a line does not compile.
 */
import {
  amountFromJson,
  BUCKETS,
  type Bucket,
  countFromJson,
  enumFromJson,
  MalformedValueError,
  parseFields,
  pricesFromJson,
  pricesToJson,
  type Surcharge,
  surchargesFromJson,
  surchargesToJson,
  USAGE_FIELDS,
  usageFromJson,
  usageToJson,
} from '@farebox/money';
import {
  CALL_STATUSES,
  type CallMetadata,
  type CallOpening,
  type CallReport,
  RECORDED_DIALECTS,
  SETTLE_REASONS,
} from './contract/index.ts';

/** What one cell holds; each store maps it to a type of its own. */
export type CellType =
  | 'text'
  | 'integer'
  | 'boolean'
  /** nano-USD. */
  | 'amount'
  /** nano-USD per million tokens. */
  | 'price'
  /** Milliseconds since the epoch. */
  | 'instant'
  | 'surcharges';
export type Cell = string | number | bigint | boolean | readonly Surcharge[] | null;

/** Who knows a property: the hold, the gateway's report at the end, or the ledger itself. */
export type CallSource = 'opening' | 'report' | 'outcome' | 'derived';

type Column<Name extends string = string> = Readonly<{ name: Name; type: CellType }>;

/**
 * How one property is kept in one or several columns. `fromCells` and `fromJson` check what they
 * read.
 */
type Field<T, Name extends string = string, HasNull extends boolean = boolean> = Readonly<{
  columns: readonly Column<Name>[];
  /** True where null is a value of its own in JSON, as absent is; false where null is refused. */
  allowsNull: HasNull;
  toCells: (value: T) => readonly Cell[];
  fromCells: (cells: readonly Cell[]) => T;
  toJson: (value: T) => unknown;
  fromJson: (value: unknown) => T;
}>;

function single<T extends Cell, const Name extends string>(
  name: Name,
  type: CellType,
  parse: (cell: Cell) => T,
  fromJson: (value: unknown) => T,
  toJson: (value: T) => unknown = (value) => value,
): Field<T, Name, false> {
  const columns = [{ name, type }];
  const fromCells = ([cell = null]: readonly Cell[]) => parse(cell);
  return { columns, allowsNull: false, toCells: (value) => [value], fromCells, toJson, fromJson };
}

function parseText(value: unknown): string {
  if (typeof value !== 'string') throw new MalformedValueError();
  return value;
}

function parseBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new MalformedValueError();
  return value;
}

function parseAmount(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new MalformedValueError();
  return value;
}

function parseSurcharges(cell: Cell): readonly Surcharge[] {
  if (cell === null || typeof cell !== 'object') throw new MalformedValueError();
  return cell;
}

function text<const Name extends string>(name: Name) {
  return single(name, 'text', parseText, parseText);
}

function oneOf<T extends string, const Name extends string>(name: Name, allowed: readonly T[]) {
  const parse = (value: unknown) => enumFromJson(allowed, value);
  return single<T, Name>(name, 'text', parse, parse);
}

function integer<const Name extends string>(name: Name) {
  return single(name, 'integer', countFromJson, countFromJson);
}

function boolean<const Name extends string>(name: Name) {
  return single(name, 'boolean', parseBoolean, parseBoolean);
}

function amount<const Name extends string>(name: Name) {
  return single(name, 'amount', parseAmount, amountFromJson, String);
}

function instant<const Name extends string>(name: Name) {
  return single(name, 'instant', countFromJson, countFromJson);
}

function surcharges<const Name extends string>(name: Name) {
  return single(name, 'surcharges', parseSurcharges, surchargesFromJson, surchargesToJson);
}

const USAGE = {
  allowsNull: false,
  columns: USAGE_FIELDS.map((name) => ({ name, type: 'integer' as const })),
  toCells: (usage) => USAGE_FIELDS.map((name) => usage[name]),
  fromCells: (cells) =>
    usageFromJson(Object.fromEntries(USAGE_FIELDS.map((name, index) => [name, cells[index]]))),
  toJson: usageToJson,
  fromJson: usageFromJson,
} satisfies Field<CallReport['usage'], string, false>;

function priceColumn<B extends Bucket>(bucket: B): Column<`${B}_price`> {
  return { name: `${bucket}_price`, type: 'price' };
}

const PRICES = {
  allowsNull: false,
  columns: BUCKETS.map(priceColumn),
  toCells: (prices) => BUCKETS.map((bucket) => prices[bucket]),
  fromCells: (cells) =>
    pricesFromJson(
      Object.fromEntries(
        BUCKETS.map((bucket, index) => [bucket, parseAmount(cells[index]).toString()]),
      ),
    ),
  toJson: pricesToJson,
  fromJson: pricesFromJson,
} satisfies Field<CallReport['prices'], string, false>;

/** As `T`, with cells that are null until a report comes; JSON is of a report. */
type Reported<T, Name extends string> = Omit<Field<T | null, Name, false>, 'fromJson'> &
  Readonly<{ fromJson: (value: unknown) => T }>;

/** Null in every column until the report comes. A report without the property is refused. */
function untilReported<T, Name extends string>(field: Field<T, Name, false>): Reported<T, Name> {
  return {
    ...field,
    toCells: (value) => (value === null ? field.columns.map(() => null) : field.toCells(value)),
    fromCells: (cells) => (cells.includes(null) ? null : field.fromCells(cells)),
    toJson: (value) => (value === null ? null : field.toJson(value)),
  };
}

/**
 * Null where there is no value. A report without the property reads as null too, so that a message
 * queued or sent by the release before the property is not lost.
 */
export function nullable<T, Name extends string>(
  field: Field<T, Name, false>,
): Field<T | null, Name, true> {
  const reported = untilReported(field);
  return {
    ...reported,
    allowsNull: true,
    toCells: (value) => reported.toCells(value ?? null),
    fromJson: (value) => (value === null || value === undefined ? null : field.fromJson(value)),
  };
}

function from<S extends CallSource, F>(source: S, field: F): F & Readonly<{ source: S }> {
  return { ...field, source };
}

/** The table. Its order is that of the CSV export. */
export const CALL_FIELDS = {
  id: from('derived', text('id')),
  createdAt: from('opening', instant('created_at')),
  settledAt: from('derived', nullable(instant('settled_at'))),
  keyId: from('opening', integer('key_id')),
  model: from('opening', text('model')),
  provider: from('opening', text('provider')),
  dialect: from('opening', oneOf('dialect', RECORDED_DIALECTS)),
  stream: from('opening', boolean('stream')),
  httpStatus: from('report', untilReported(integer('http_status'))),
  status: from('derived', oneOf('status', CALL_STATUSES)),
  reason: from('outcome', nullable(oneOf('reason', SETTLE_REASONS))),
  usage: from('report', untilReported(USAGE)),
  prices: from('report', untilReported(PRICES)),
  priceRule: from('report', nullable(text('price_rule'))),
  fees: from('report', surcharges('fees')),
  charged: from('outcome', amount('charged')),
  shortfall: from('outcome', amount('shortfall')),
  providerCost: from('report', nullable(amount('provider_cost'))),
  marginBasisPoints: from('report', nullable(integer('margin_basis_points'))),
  firstTokenMs: from('report', nullable(integer('first_token_ms'))),
  totalMs: from('report', nullable(integer('total_ms'))),
} satisfies CallFields;

/** The type of the table: a line for each property, with the source and the nulls that its type says. */
export type CallFields = FieldTable &
  Readonly<Record<keyof CallOpening, Readonly<{ source: 'opening' }>>> & {
    readonly [P in keyof CallReport]: ReportField<CallReport[P]>;
  };

/** A report's property is `nullable` exactly where a report may hold null. */
export type ReportField<T> = Readonly<{
  source: 'report';
  allowsNull: null extends T ? true : false;
}>;

type FieldTable = {
  readonly [P in keyof CallMetadata]: Field<CallMetadata[P]> & Readonly<{ source: CallSource }>;
};

type CallProperty = keyof CallMetadata;
export type CallColumnName = (typeof CALL_FIELDS)[CallProperty]['columns'][number]['name'];
export type CallColumn = Column & Readonly<{ source: CallSource }>;

const FIELDS: FieldTable = CALL_FIELDS;

function isProperty(key: string): key is CallProperty {
  return Object.hasOwn(FIELDS, key);
}

const PROPERTIES: readonly CallProperty[] = Object.keys(FIELDS).filter(isProperty);

function isReportProperty(property: CallProperty): property is keyof CallReport {
  return FIELDS[property].source === 'report';
}

const REPORT_PROPERTIES = PROPERTIES.filter(isReportProperty);

function listColumns(property: CallProperty): readonly CallColumn[] {
  const { columns, source } = FIELDS[property];
  return columns.map((column) => ({ ...column, source }));
}

/** Every column in order. */
export const CALL_COLUMNS: readonly CallColumn[] = PROPERTIES.flatMap(listColumns);

function pushCells<P extends CallProperty>(
  cells: Cell[],
  values: Readonly<Pick<CallMetadata, P>>,
  property: P,
): void {
  const field: Field<CallMetadata[P]> = FIELDS[property];
  for (const cell of field.toCells(values[property])) cells.push(cell);
}

function toCells<P extends CallProperty>(
  properties: readonly P[],
  values: Readonly<Pick<CallMetadata, P>>,
): readonly Cell[] {
  const cells: Cell[] = [];
  for (const property of properties) pushCells(cells, values, property);
  return cells;
}

/** One cell for each of `CALL_COLUMNS`. */
export function callToCells(call: CallMetadata): readonly Cell[] {
  return toCells(PROPERTIES, call);
}

/** A report, or nulls where none came. */
export type ReportedMetadata = Readonly<Pick<CallMetadata, keyof CallReport>>;

function hasProperties<P extends CallProperty, T extends object>(
  values: object,
  properties: readonly P[],
): values is T {
  return properties.every((property) => property in values);
}

/** Makes an object of `properties`; each field checks the type of its own value. */
function collect<T extends object>(
  properties: readonly (CallProperty & keyof T)[],
  valueFor: (property: CallProperty) => unknown,
): T {
  const values = Object.fromEntries(properties.map((name) => [name, valueFor(name)]));
  if (!hasProperties<CallProperty, T>(values, properties)) throw new MalformedValueError();
  return values;
}

function readCells(
  property: CallProperty,
  cellFor: (column: CallColumn) => Cell,
): CallMetadata[CallProperty] {
  return FIELDS[property].fromCells(listColumns(property).map(cellFor));
}

/** Throws `MalformedValueError` where a cell is not of its column's type. */
export function callFromCells(cellFor: (column: CallColumn) => Cell): CallMetadata {
  return collect(PROPERTIES, (property) => readCells(property, cellFor));
}

/** The metadata of a call of which no report came. */
export const NOT_REPORTED: ReportedMetadata = collect(REPORT_PROPERTIES, (property) =>
  readCells(property, ({ type }) => (type === 'surcharges' ? [] : null)),
);

export function openingToJson(opening: CallOpening): Readonly<Record<keyof CallOpening, unknown>> {
  const { createdAt, keyId, model, provider, dialect, stream } = opening;
  return { createdAt, keyId, model, provider, dialect, stream };
}

/** Throws `MalformedValueError` unless `openingToJson` made it. */
export function openingFromJson(json: unknown): CallOpening {
  const { createdAt, keyId, model, provider, dialect, stream } = parseFields(json);
  return {
    createdAt: CALL_FIELDS.createdAt.fromJson(createdAt),
    keyId: CALL_FIELDS.keyId.fromJson(keyId),
    model: CALL_FIELDS.model.fromJson(model),
    provider: CALL_FIELDS.provider.fromJson(provider),
    dialect: CALL_FIELDS.dialect.fromJson(dialect),
    stream: CALL_FIELDS.stream.fromJson(stream),
  };
}

/** The compiler asks for each property; their order is that of the table. */
export function reportToJson(report: CallReport): Readonly<Record<keyof CallReport, unknown>> {
  return {
    httpStatus: CALL_FIELDS.httpStatus.toJson(report.httpStatus),
    usage: CALL_FIELDS.usage.toJson(report.usage),
    prices: CALL_FIELDS.prices.toJson(report.prices),
    priceRule: CALL_FIELDS.priceRule.toJson(report.priceRule),
    fees: CALL_FIELDS.fees.toJson(report.fees),
    providerCost: CALL_FIELDS.providerCost.toJson(report.providerCost),
    marginBasisPoints: CALL_FIELDS.marginBasisPoints.toJson(report.marginBasisPoints),
    firstTokenMs: CALL_FIELDS.firstTokenMs.toJson(report.firstTokenMs),
    totalMs: CALL_FIELDS.totalMs.toJson(report.totalMs),
  };
}

/** Throws `MalformedValueError` unless `reportToJson` of this release or the one before made it. */
export function reportFromJson(json: unknown): CallReport {
  const fields = parseFields(json);
  return {
    httpStatus: CALL_FIELDS.httpStatus.fromJson(fields.httpStatus),
    usage: CALL_FIELDS.usage.fromJson(fields.usage),
    prices: CALL_FIELDS.prices.fromJson(fields.prices),
    priceRule: CALL_FIELDS.priceRule.fromJson(fields.priceRule),
    fees: CALL_FIELDS.fees.fromJson(fields.fees),
    providerCost: CALL_FIELDS.providerCost.fromJson(fields.providerCost),
    marginBasisPoints: CALL_FIELDS.marginBasisPoints.fromJson(fields.marginBasisPoints),
    firstTokenMs: CALL_FIELDS.firstTokenMs.fromJson(fields.firstTokenMs),
    totalMs: CALL_FIELDS.totalMs.fromJson(fields.totalMs),
  };
}
