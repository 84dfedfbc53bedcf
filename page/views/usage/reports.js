// The reports of usage and costs: what each is asked for, and what its results come to. Pure.

const DAY = 86400;
const round = (number) => Number(number.toFixed(12));

/**
 * `most`: buckets that the service puts on a page. `measures` are columns: name, title, where the number stands, and
 * whether it is left out where all of them are nothing.
 */
const TOKENS_IN = ["input", "Tokens in", (result) => result.input_tokens];
const RUN = [
  ["requests", "Requests", (result) => result.num_model_requests],
  ["failed", "Failed", (result) => result.num_failed_requests],
];
export const REPORTS = {
  costs: { title: "Costs", path: "costs", most: 180, measures: [["cost", "Cost", (result) => result.amount.value]] },
  completions: {
    title: "Chat and text",
    path: "usage/completions",
    most: 31,
    measures: [
      ...RUN,
      TOKENS_IN,
      ["cached", "From cache", (result) => result.input_cached_tokens, true],
      ["output", "Tokens out", (result) => result.output_tokens],
      ["reasoning", "Reasoning", (result) => result.output_reasoning_tokens, true],
    ],
  },
  embeddings: { title: "Embeddings", path: "usage/embeddings", most: 31, measures: [...RUN, TOKENS_IN] },
  moderations: { title: "Moderations", path: "usage/moderations", most: 31, measures: [...RUN, TOKENS_IN] },
  images: {
    title: "Images",
    path: "usage/images",
    most: 31,
    measures: [...RUN, ["images", "Images", (result) => result.images]],
  },
};

/** What a report can be grouped by: its parameter, and what a result is of. Costs know models by their line items. */
export const GROUPS = {
  model: { title: "Model", of: (result) => result.model ?? modelOf(result.line_item) },
  item: { title: "Line item", of: (result) => result.line_item },
  project: { title: "Project", of: (result) => result.project_id },
  key: { title: "Key", of: (result) => result.api_key_id ?? "" },
  day: { title: "Day", of: (_result, bucket) => bucket.start_time - (bucket.start_time % DAY) },
};

/** `gpt-5-mini` of `gpt-5-mini, input_tokens`. */
const modelOf = (item) => item.slice(0, item.lastIndexOf(", "));

/** The call's parameters in pairs. A key is named with its project, so both are asked for. */
export function parametersOf(filter) {
  const by = { model: ["model"], item: [], project: ["project_id"], key: ["project_id", "api_key_id"], day: [] };
  const isCosts = filter.report === "costs";
  const groups = by[filter.by].filter((name) => !isCosts || name !== "model");
  const pairs = [["start_time", filter.start], ["limit", REPORTS[filter.report].most]];
  if (filter.end) pairs.push(["end_time", filter.end]);
  if (!isCosts && filter.model) pairs.push(["models", filter.model]);
  return [...pairs, ...groups.concat(isCosts ? ["line_item"] : []).map((name) => ["group_by", name])];
}

/**
 * Rows of a table, the largest first, days in order; each has its `sums` by measure, and `parts` by the bucket's start.
 * Amounts of different currencies are different rows.
 */
export function rowsOf(filter, buckets) {
  const { measures } = REPORTS[filter.report];
  const rows = new Map();
  for (const bucket of buckets) {
    for (const result of bucket.results) {
      if (filter.report === "costs" && filter.model && modelOf(result.line_item) !== filter.model) continue;
      add(rowFor(rows, filter, result, bucket), measures, result, bucket.start_time);
    }
  }
  const [[first]] = measures;
  const found = [...rows.values()];
  if (filter.by === "day") return found.sort((one, other) => one.of - other.of);
  return found.sort((one, other) => other.sums[first] - one.sums[first]);
}

function rowFor(rows, filter, result, bucket) {
  const of = GROUPS[filter.by].of(result, bucket);
  const currency = result.amount?.currency.toUpperCase() ?? null;
  const key = `${currency}|${of}`;
  if (!rows.has(key)) rows.set(key, { key, of, currency, project: result.project_id, sums: {}, parts: new Map() });
  return rows.get(key);
}

function add(row, measures, result, at) {
  const part = row.parts.get(at) ?? {};
  row.parts.set(at, part);
  for (const [name, , read] of measures) {
    const number = read(result) ?? 0;
    row.sums[name] = round((row.sums[name] ?? 0) + number);
    part[name] = round((part[name] ?? 0) + number);
  }
}

/** The measures that a table shows. */
export const measuresOf = (filter, totals) =>
  REPORTS[filter.report].measures.filter(([name, , , isRare]) => !isRare || totals.some((total) => total.sums[name]));

/** What all rows come to, one for each currency. */
export function totalsOf(filter, rows) {
  const currencies = [...new Set(rows.map((row) => row.currency))];
  return currencies.map((currency) => {
    const own = rows.filter((row) => row.currency === currency);
    const sum = (name) => round(own.reduce((total, row) => total + row.sums[name], 0));
    return { currency, sums: Object.fromEntries(REPORTS[filter.report].measures.map(([name]) => [name, sum(name)])) };
  });
}
